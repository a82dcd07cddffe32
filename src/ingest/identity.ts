import { eventId } from "../event/ids.ts";
import { digest } from "../outbox/keys.ts";

/** Characters of a dedupe key: 130 bits in base 32. */
const KEY_LENGTH = 26;

/** By what an event is known again. `receivedAt`: epoch milliseconds. */
export interface Identity {
  id: string;
  dedupeKey: string;
  inputHash: string;
}

/**
 * Derives an event's dedupe key from merchant, source and the parts that name it there, and its id from that and the
 * time of receipt. `input` is what a repetition is compared with, whatever the order of its keys.
 */
export async function identify(
  scope: { merchant: string; source: string },
  names: string[],
  input: unknown,
  receivedAt: number,
): Promise<Identity> {
  const dedupeKey = (await digest(JSON.stringify([scope.merchant, scope.source, ...names]))).slice(0, KEY_LENGTH);
  return {
    id: eventId(receivedAt, dedupeKey),
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
