/** Crockford's base 32 in lower case: sorts like the number it writes, and has no letters that look alike. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 10;
const HASH_LENGTH = 16;
/** Of that hash, so many characters are of the dedupe key; the others of the ordering key too. */
const DEDUPE_LENGTH = 10;

export type IdPrefix = "mer" | "key" | "src" | "ep" | "aud" | "era" | "job" | "qua" | "pbh" | "ver" | "sec";

/** Writes bytes as base 32, five bits a character, the last one padded with zero bits. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31];
}

/** A new id, such as `ep_01k…`: sorts by the time it was made (epoch ms), then 80 random bits. */
export function randomId(prefix: IdPrefix, now = Date.now()): string {
  return `${prefix}_${timePart(now)}${base32(crypto.getRandomValues(new Uint8Array(10)))}`;
}

/** Whether text has the form of what {@link randomId} makes: nobody has to look for anything else. */
export function isIdOf(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(prefix.length + 1));
}

/** Ten characters that sort by time. `at`: epoch milliseconds. */
export function timePart(at: number): string {
  let text = "";
  for (let rest = at, i = 0; i < TIME_LENGTH; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The epoch milliseconds that {@link timePart} wrote. */
export function timeOfPart(part: string): number {
  return Array.from(part).reduce((at, char) => at * 32 + ALPHABET.indexOf(char), 0);
}

/** When the event of an id, or of a delivery's id, was received, in epoch milliseconds. */
export function timeOf(id: string): number {
  return timeOfPart(id.slice("evt_".length, "evt_".length + TIME_LENGTH));
}

/**
 * The id of an event: the time of its receipt (epoch ms), the start of its dedupe key, and that of a hash of it with
 * the event's ordering key. Sortable, and the same wherever it is worked out.
 */
export function eventId(receivedAt: number, dedupeKey: string, orderingHash: string): string {
  const hash = `${dedupeKey.slice(0, DEDUPE_LENGTH)}${orderingHash}`;
  return `evt_${timePart(receivedAt)}${hash.slice(0, HASH_LENGTH)}`;
}

/** The start of the dedupe key that an event's id holds. */
export function dedupePrefixOf(event: string): string {
  const start = "evt_".length + TIME_LENGTH;
  return event.slice(start, start + DEDUPE_LENGTH);
}

/** The id of the delivery of an event to a destination: an endpoint's id, or a channel's name. */
export function deliveryId(event: string, destination: string): string {
  return `dlv_${event.slice("evt_".length)}_${destination}`;
}

/** What a delivery's id is made of; null for text that is no delivery's id. */
export function partsOfDelivery(delivery: string): { event: string; destination: string } | null {
  const match = /^dlv_([0-9a-z]{26})_(.+)$/.exec(delivery);
  return match ? { event: `evt_${match[1]}`, destination: match[2]! } : null;
}

/** A bound for ids by time: every id with the prefix made at `at` (epoch ms) or later sorts at or after it. */
export function idFrom(prefix: "evt" | "dlv" | "job" | "qua", at: number): string {
  return `${prefix}_${timePart(at)}`;
}
