// The core of every verifier. It works on bytes, never throws on what a stranger sent, and does one HMAC a secret,
// however many signatures a header holds.

import type { Verification } from "./provider.ts";

/** A header of signatures longer than this (in characters) is refused unread. */
export const MAX_HEADER_LENGTH = 8192;
/** How many signatures a request may carry; during a rotation a provider sends one a secret. */
export const MAX_SIGNATURES = 16;
/** How many secrets a source may have at a time. */
export const MAX_SECRETS = 5;

const MAX_CACHED_KEYS = 256;
/** Longer secrets, of which there are hardly any, are imported each time. */
const MAX_CACHED_LENGTH = 1024;

export type HmacHash = "SHA-1" | "SHA-256" | "SHA-512";

const encoder = new TextEncoder();
/** Imported keys of this isolate by hash and secret, the one used longest ago first. */
const keys = new Map<string, Promise<CryptoKey>>();

/** A secret as text, whose UTF-8 is the key, or the key itself. Null: one that makes no signature of this kind. */
export type HmacSecret = string | Uint8Array<ArrayBuffer> | null;

/**
 * Looks for a secret that made one of the signatures over `signed`. Blank secrets never fit: an unset variable must
 * not let through what anyone can sign. `signatures`: decoded bytes, at most sixteen.
 */
export async function verifyHmac(
  signed: Uint8Array<ArrayBuffer>,
  signatures: Uint8Array[],
  secrets: HmacSecret[],
  hash: HmacHash = "SHA-256",
): Promise<Verification> {
  if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
  if (signatures.length > MAX_SIGNATURES) return { ok: false, reason: "too_many_signatures" };
  if (secrets.every(isBlank)) return { ok: false, reason: "no_secret" };
  for (const [secretIndex, secret] of secrets.entries()) {
    if (secret === null || isBlank(secret)) continue;
    const mac = await hmacOf(secret, signed, hash);
    if (signatures.some((signature) => areEqual(mac, signature))) return { ok: true, secretIndex };
  }
  return { ok: false, reason: "signature_mismatch" };
}

/** The HMAC of bytes. The secret must not be blank: that is no key. */
export async function hmacOf(
  secret: string | Uint8Array<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
  hash: HmacHash,
): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(secret, hash), bytes));
}

/**
 * Looks for the secret that a header repeats as it is. Both sides are hashed before they are compared, so that neither
 * what they share nor their lengths can be told from the time it takes.
 */
export async function verifyToken(token: string, secrets: string[]): Promise<Verification> {
  if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
  if (secrets.every(isBlank)) return { ok: false, reason: "no_secret" };
  if (token.length > MAX_HEADER_LENGTH) return { ok: false, reason: "header_malformed" };
  const given = await sha256(token);
  for (const [secretIndex, secret] of secrets.entries()) {
    if (!isBlank(secret) && areEqual(given, await sha256(secret))) return { ok: true, secretIndex };
  }
  return { ok: false, reason: "signature_mismatch" };
}

/** Bytes of hexadecimal text of either case; null for any text that is not wholly pairs of digits. */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** Hexadecimal of lower case, two digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of base64 as everybody writes it: padded, nothing else in it; null for any other text. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text === "" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  const binary = atob(text);
  return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : null;
}

/** Bytes of base64 that may lack its padding, or have too much of it; null for any other text. */
export function bytesOfLooseBase64(text: string): Uint8Array<ArrayBuffer> | null {
  const bare = text.replace(/=+$/, "");
  return bytesOfBase64(bare.padEnd(Math.ceil(bare.length / 4) * 4, "="));
}

/** Seconds of a decimal timestamp of up to 12 digits; null for any other text. */
export function secondsOf(text: string): number | null {
  return /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/**
 * The verdict over what holds a signed time: that has to be near enough to now besides, before or after; all in seconds.
 * Only what was found good is refused for its time, so that a stranger cannot probe our clock.
 */
export function ifFresh(
  verification: Verification,
  signedAt: number,
  now: number,
  toleranceSeconds: number,
): Verification {
  const isStale = verification.ok && !(Math.abs(now - signedAt) <= toleranceSeconds);
  return isStale ? { ok: false, reason: "timestamp_not_fresh" } : verification;
}

/** `prefix` as UTF-8, then the body, then `suffix`: what is signed, without making text of the body. */
export function prefixed(prefix: string, body: Uint8Array = new Uint8Array(), suffix = ""): Uint8Array<ArrayBuffer> {
  const [head, tail] = [prefix, suffix].map((text) => encoder.encode(text)) as [Uint8Array, Uint8Array];
  const bytes = new Uint8Array(head.length + body.length + tail.length);
  bytes.set(head);
  bytes.set(body, head.length);
  bytes.set(tail, head.length + body.length);
  return bytes;
}

async function hmacKey(secret: string | Uint8Array<ArrayBuffer>, hash: HmacHash): Promise<CryptoKey> {
  const isText = typeof secret === "string";
  const name = isText ? `${hash} ${secret}` : `${hash} bytes ${secret.join()}`;
  const bytes = isText ? encoder.encode(secret) : secret;
  const key = keys.get(name) ?? crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["sign"]);
  if (name.length > MAX_CACHED_LENGTH) return key;
  keys.delete(name);
  keys.set(name, key);
  if (keys.size > MAX_CACHED_KEYS) keys.delete(keys.keys().next().value!);
  return key;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}

/** Takes as long for signatures that are nearly right as for those that are wholly wrong. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function isBlank(secret: HmacSecret): boolean {
  return secret === null || (typeof secret === "string" ? secret.trim() === "" : secret.length === 0);
}
