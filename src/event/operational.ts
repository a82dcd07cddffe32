/**
 * What Paybell tells a merchant of its own work, not of payments. `endpoint.recovered`: it was left alone and has
 * succeeded; `delivery.failing`: the fourth attempt of one has failed; `source.rejecting`: bad signatures pile up;
 * `source.unconfirmed`: its provider's API does not confirm its events, which go out as they were posted;
 * `quarantine.full`: the oldest of what is there have made room.
 */
export const OPERATIONAL_TYPES = [
  "endpoint.disabled",
  "endpoint.recovered",
  "delivery.exhausted",
  "delivery.failing",
  "source.rejecting",
  "source.unconfirmed",
  "quarantine.full",
  "job.finished",
] as const;

export type OperationalType = (typeof OPERATIONAL_TYPES)[number];

/** The source of these events: nobody else can post them. */
export const OPERATIONS = "paybell";

/** Whether a type is one of {@link OPERATIONAL_TYPES}. Endpoints get them only where they name them. */
export function isOperational(type: string): type is OperationalType {
  return (OPERATIONAL_TYPES as readonly string[]).includes(type);
}
