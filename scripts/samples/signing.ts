// What samples sign with. WebCrypto alone: the tests run them in Node and in workerd.

import type { ProviderSamples } from "./sample.ts";

/** The HMAC of these parts, joined as bytes. A key that is text is its UTF-8. */
export async function hmacOf(
  key: string | Uint8Array<ArrayBuffer>,
  parts: (string | Uint8Array)[],
  hash: "SHA-1" | "SHA-256" | "SHA-512" = "SHA-256",
): Promise<Uint8Array> {
  const bytes = typeof key === "string" ? bytesOf(key) : key;
  const imported = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["sign"]);
  const joined = Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? bytesOf(part) : part)]));
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, joined));
}

/** How most providers sign: a header holds the HMAC of the body, written as `write` does. */
export function signsBody(
  header: string,
  write: (mac: Uint8Array) => string,
  hash: "SHA-256" | "SHA-512" = "SHA-256",
): ProviderSamples["sign"] {
  return async (event, { signingKey, url }) => {
    const body = bytesOf(JSON.stringify(event));
    const signature = write(await hmacOf(signingKey, [body], hash));
    return { body, headers: new Headers({ "content-type": "application/json", [header]: signature }), url };
  };
}

/** New keys of a provider with which one secret is shared; `make` makes one. */
export function sharing(make: () => string): ProviderSamples["newKeys"] {
  return async () => {
    const secret = make();
    return { secret, signingKey: secret };
  };
}

/** The UTF-8 of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** So many random bytes in base64, as most secrets are written. */
export function randomBase64(length: number): string {
  return base64Of(crypto.getRandomValues(new Uint8Array(length)));
}
