import { isChannel } from "../event/channels.ts";
import { V, type Ordering, type RetryInput } from "../outbox/contract.ts";
import type { MerchantConfig } from "../store/config.ts";
import type { Job } from "../store/jobs.ts";
import { recordOf, type Again, type Standing } from "../store/replay.ts";
import type { JobFilter } from "../store/schema.ts";

// Which deliveries of a job are sent again. Pure: no clock, no I/O.

/**
 * Why a delivery that fitted is not sent again. `body_gone`: the body of its event is no longer kept, or its user was erased;
 * `endpoint_deleted`; `waiting`: it is being attempted, one before it in its lane is not finished, or its event still waits for its outbox; `changed`: since it was
 * found it was sent again by somebody else, or went; `ambiguous`: it may have arrived, and nobody is told a thing
 * twice; `unavailable`: its outbox has not answered in many tries.
 */
export type SkippedBecause = "body_gone" | "endpoint_deleted" | "waiting" | "changed" | "ambiguous" | "unavailable";

/** `asked`: it was sent again, by this job, which was interrupted before it could write that down. */
export type Decision =
  | { kind: "ask"; input: RetryInput }
  | { kind: "asked" }
  | { kind: "skip"; because: SkippedBecause };

/**
 * What to do with a delivery that was found with `counter`. `wasAsked`: the job may have asked for it before;
 * `again`: how it is now, undefined where it is gone.
 */
export function decide(
  { counter, wasAsked }: { counter: number; wasAsked: boolean },
  again: Again | undefined,
  { filter, config }: { filter: JobFilter; config: MerchantConfig },
): Decision {
  const skip = (because: SkippedBecause): Decision => ({ kind: "skip", because });
  if (!again) return skip("changed");
  const { delivery, event } = again;
  if (delivery.counter > counter && wasAsked) return { kind: "asked" };
  if (delivery.counter > counter || !filter.statuses.includes(delivery.status)) return skip("changed");
  if (delivery.reason === "ambiguous") return skip("ambiguous");
  const record = recordOf(event);
  if (record === null) return skip("body_gone");
  if (record.sequence === null) return skip("waiting");
  const ordering = orderingOf(delivery.destination, config);
  if (ordering === null) return skip("endpoint_deleted");
  const { id, destination, previous, attempts, payload } = delivery;
  return {
    kind: "ask",
    input: {
      v: V,
      record,
      delivery: id,
      destination,
      previous,
      attempts,
      counter: delivery.counter,
      payload: payload ?? undefined,
      ordering,
    },
  };
}

/** Why a job fails. `endpoint_disabled`: nothing is sent there, and what was sent again would wait without end. */
export type StoppedBecause = "merchant_deleted" | "merchant_suspended" | "endpoint_disabled";

/** The configuration that a job goes on with, or why it does not. */
export function standOf(config: MerchantConfig | null, { endpoint }: JobFilter): MerchantConfig | StoppedBecause {
  if (config === null) return "merchant_deleted";
  if (config.status !== "active") return "merchant_suspended";
  const isDisabled = config.endpoints.some(({ id, status }) => id === endpoint && status === "disabled");
  return isDisabled ? "endpoint_disabled" : config;
}

/**
 * How many deliveries a second a job may send again: as many as it was told, but no more than its endpoint takes, in
 * whole ones. One at least: the endpoint's gate holds a slower limit.
 */
export function rateOf({ perSecond, filter }: Pick<Job, "perSecond" | "filter">, config: MerchantConfig): number {
  const endpoint = config.endpoints.find(({ id }) => id === filter.endpoint);
  return Math.max(1, Math.floor(Math.min(perSecond, endpoint?.rateLimit ?? Infinity)));
}

/**
 * Whether a delivery that was sent again at `counter` was attempted since, and with what success; null: not yet. It
 * may also have ended without another attempt.
 */
export function outcomeOf(standing: Standing, counter: number): "delivered" | "not delivered" | null {
  if ((standing.attempt ?? 0) > counter) {
    return standing.class === "delivered" || standing.class === "sent" ? "delivered" : "not delivered";
  }
  const isOver = standing.status !== "pending" && standing.status !== "retrying";
  return standing.counter > counter && isOver ? "not delivered" : null;
}

function orderingOf(destination: string, { endpoints }: MerchantConfig): Ordering | null {
  return isChannel(destination) ? "user" : (endpoints.find(({ id }) => id === destination)?.ordering ?? null);
}
