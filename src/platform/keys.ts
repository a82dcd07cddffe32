import { base32 } from "../event/ids.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/** A new API key: 256 bits. */
export function newApiKey(): string {
  return `pbk_${base32(crypto.getRandomValues(new Uint8Array(32)))}`;
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

/** The name of the first Worker secret that is missing or of no use; null where all are well. */
export function missingSecret(env: Pick<Env, "ADMIN_TOKEN" | "ENCRYPTION_KEY">): string | null {
  if (!env.ADMIN_TOKEN) {
    return "ADMIN_TOKEN";
  }
  return fromBase64(env.ENCRYPTION_KEY ?? "")?.byteLength === 32 ? null : "ENCRYPTION_KEY";
}
