import type { PaymentEvent } from "../event/event.ts";
import { eventId } from "../event/ids.ts";
import { digest, ownKey } from "../outbox/keys.ts";

/** Characters of a dedupe key: 130 bits in base 32. */
const KEY_LENGTH = 26;

/** By what an event is known again. `receivedAt`: epoch milliseconds. */
export interface Identity {
  id: string;
  dedupeKey: string;
  inputHash: string;
}

/**
 * Derives an event's dedupe key from merchant, source and the parts that name it there, and its id from that, the time
 * of receipt and the ordering key that the event has by itself: a name is known per ordering key. `input` is what a
 * repetition is compared with, whatever the order of its keys.
 */
export async function identify(
  scope: { merchant: string; source: string },
  names: string[],
  event: Pick<PaymentEvent, "user" | "data">,
  input: unknown,
  receivedAt: number,
): Promise<Identity> {
  const dedupeKey = (await digest(JSON.stringify([scope.merchant, scope.source, ...names]))).slice(0, KEY_LENGTH);
  return {
    id: eventId(receivedAt, dedupeKey, await digest(JSON.stringify([dedupeKey, await ownKey(scope, event)]))),
    dedupeKey,
    inputHash: (await digest(JSON.stringify(sorted(input)))).slice(0, KEY_LENGTH),
  };
}

/** The same JSON value with the keys of its objects sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
  }
  return value;
}
