import type { PaymentEvent } from "../event/event.ts";
import { base32 } from "../event/ids.ts";

/** Durable Objects are named by at most this many bytes. */
const MAX_PART_BYTES = 76;

/** The ordering key of a user: name of the outbox that holds the user's events. */
export async function userKey(merchant: string, user: string): Promise<string> {
  return `u/${await part(merchant)}/${await part(user)}`;
}

/** The ordering key of a payment whose user is not known. */
export async function paymentKey(merchant: string, source: string, payment: string): Promise<string> {
  return `p/${await part(merchant)}/${await part(source)}/${await part(payment)}`;
}

/** The name of the object that knows whom a payment belongs to, and a thirty-second of its source's other payments. */
export async function bindingKey(merchant: string, source: string, payment: string): Promise<string> {
  return `b/${await part(merchant)}/${await part(source)}/${(await digest(payment))[0]}`;
}

/** The ordering key of events that name neither user nor payment. */
export async function sourceKey(merchant: string, source: string): Promise<string> {
  return `s/${await part(merchant)}/${await part(source)}`;
}

/** The ordering key that an event has by itself, whatever its payment is bound to. */
export async function ownKey(
  { merchant, source }: { merchant: string; source: string },
  { user, data }: Pick<PaymentEvent, "user" | "data">,
): Promise<string> {
  if (user !== null) {
    return userKey(merchant, user);
  }
  return data.payment ? paymentKey(merchant, source, data.payment.id) : sourceKey(merchant, source);
}

/** The name of the object that watches an endpoint. */
export async function gateKey(merchant: string, endpoint: string): Promise<string> {
  return `g/${await part(merchant)}/${await part(endpoint)}`;
}

/** An ordering key as a line of the log may name it: its kind and its merchant, since the rest names a person. */
export function keyForLog(key: string): string {
  return key.split("/").slice(0, 2).join("/");
}

/** SHA-256 of text or bytes, in base 32. */
export async function digest(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return base32(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** One part of a name, escaped so that no two lists of parts give one name; long ones by their hash. */
async function part(text: string): Promise<string> {
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped.length <= MAX_PART_BYTES ? escaped : `~${await digest(text)}`;
}
