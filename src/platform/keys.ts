import { base32 } from "../event/ids.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { EncryptionKeys } from "./secret-box.ts";

/** A new API key: 256 bits. */
export function newApiKey(): string {
  return `pbk_${base32(crypto.getRandomValues(new Uint8Array(32)))}`;
}

/** Whether text has the form of an API key: nobody has to look for any other. */
export function isApiKey(text: string): boolean {
  return /^pbk_[0-9a-hjkmnp-tv-z]{52}$/.test(text);
}

/** A new secret of an endpoint, as Standard Webhooks writes it: 32 bytes. */
export function newEndpointSecret(): string {
  return `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(32)))}`;
}

/** Whether text is a Standard Webhooks secret: `whsec_` and base64 of 24 to 64 bytes. */
export function isEndpointSecret(text: string): boolean {
  const bytes = text.startsWith("whsec_") ? fromBase64(text.slice("whsec_".length)) : null;
  return bytes !== null && bytes.byteLength >= 24 && bytes.byteLength <= 64;
}

/** A new Ed25519 key pair, as Standard Webhooks writes the private key: `whsk_` and base64 of its seed and public key. */
export async function newSigningKey(): Promise<string> {
  const { privateKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const { d, x } = (await crypto.subtle.exportKey("jwk", privateKey)) as JsonWebKey;
  const halves = [d!, x!].map((half) => fromBase64(`${half.replaceAll("-", "+").replaceAll("_", "/")}=`)!);
  return `whsk_${toBase64(new Uint8Array(halves.flatMap((half) => [...half])))}`;
}

/** The public key of a `whsk_`: `whpk_` and base64 of 32 bytes. */
export function publicKeyOf(signingKey: string): string {
  return `whpk_${toBase64(fromBase64(signingKey.slice("whsk_".length))!.subarray(32))}`;
}

/** The SHA-256 (base 32) under which an API key is stored. */
export async function hashOf(key: string): Promise<string> {
  return base32(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))));
}

/** Compares two secrets in a time that tells nothing of them: their hashes have one length. */
export async function isEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all(
    [a, b].map((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
  );
  return crypto.subtle.timingSafeEqual(left!, right!);
}

/** Characters of the shortest ADMIN_TOKEN that opens anything: 128 bits in hex, and more in every other writing. */
export const MIN_ADMIN_TOKEN_LENGTH = 32;

/** The name of the first Worker secret that is missing or of no use; null where all are well. */
export function missingSecret(env: Pick<Env, "ADMIN_TOKEN"> & EncryptionKeys): string | null {
  if (!env.ADMIN_TOKEN) {
    return "ADMIN_TOKEN";
  }
  const isKey = (text: string) => fromBase64(text)?.byteLength === 32;
  if (!isKey(env.ENCRYPTION_KEY ?? "")) {
    return "ENCRYPTION_KEY";
  }
  const previous = env.ENCRYPTION_KEY_PREVIOUS ?? null;
  return previous === null || isKey(previous) ? null : "ENCRYPTION_KEY_PREVIOUS";
}
