import { CanonicalEvent, toPaymentEvent } from "../event/canonical.ts";
import type { ProviderEvent } from "../event/event.ts";
import { isInstant } from "../event/instant.ts";
import { isObject, type Json, textAt } from "./json.ts";

const MAX_TYPE_LENGTH = 128;
/** Fields in which systems say when something happened. */
const TIME_FIELDS = ["timestamp", "occurred_at", "occurredAt", "created_at", "createdAt", "created", "time", "date"];
/** Numbers above this are milliseconds: as seconds they would be in the year 5138. */
const MAX_SECONDS = 100_000_000_000;
/** Seconds with their nanoseconds have more digits than a double, and come as text. Other digits may be a date. */
const WRITTEN_SECONDS = /^\d{9,11}\.\d+$/;

/**
 * The event that a signed body of no provider's own format holds: the canonical event that it is, as
 * `POST /v1/events` takes it; else one of type `unknown`, which is kept and delivered, and claims nothing.
 */
export function readCanonical(body: Json, eventId: string | null): ProviderEvent {
  const parsed = CanonicalEvent.safeParse(body);
  const providerType = (textAt(body, "type") ?? "unknown").slice(0, MAX_TYPE_LENGTH);
  if (!parsed.success || providerType === "unknown") {
    return {
      eventId,
      providerType,
      type: "unknown",
      occurredAt: timeOf(body),
      livemode: body["livemode"] !== false,
      customer: textAt(body, "user") ?? null,
      authenticity: "signed",
      data: {},
      raw: body,
    };
  }
  const { type, livemode, user, data } = toPaymentEvent(parsed.data, 0);
  const occurredAt = timeOf({ timestamp: parsed.data.timestamp });
  return {
    eventId,
    providerType,
    type,
    occurredAt,
    livemode,
    customer: user,
    authenticity: "signed",
    data,
    raw: body,
  };
}

/** Epoch ms at which a body says that it happened: ISO 8601, seconds or milliseconds. Null where it does not. */
function timeOf(body: Json): number | null {
  for (const holder of [body, body["data"]]) {
    for (const name of TIME_FIELDS) {
      const at = isObject(holder) ? instantOf(holder[name]) : null;
      if (at !== null) return at;
    }
  }
  return null;
}

function instantOf(value: unknown): number | null {
  const isText = typeof value === "string";
  const number = typeof value === "number" || (isText && WRITTEN_SECONDS.test(value)) ? Number(value) : Number.NaN;
  const at = isText && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : number * (number < MAX_SECONDS ? 1000 : 1);
  return at > 0 && isInstant(Math.round(at)) ? Math.round(at) : null;
}
