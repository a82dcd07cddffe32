import { base32 } from "../event/ids.ts";
import { fromBase64 } from "./base64.ts";
import { textsOf, type EncryptionKeys } from "./secret-box.ts";

/** Keys are derived once an isolate. */
const keys = new Map<string, Promise<CryptoKey>>();

/**
 * A keyed hash by which an encrypted value is found again: HMAC-SHA256, in base 32, under a key derived (HKDF) from
 * the key-encryption key. `scope` keeps equal values of different merchants and kinds apart.
 */
export async function blindIndex(encryptionKey: string, scope: string, value: string): Promise<string> {
  const key = keys.get(encryptionKey) ?? deriveKey(encryptionKey);
  keys.set(encryptionKey, key);
  const mac = await crypto.subtle.sign("HMAC", await key, new TextEncoder().encode(JSON.stringify([scope, value])));
  return base32(new Uint8Array(mac));
}

/** The hashes under which a value may be stored, by the key that seals first: two while a key is replaced. */
export async function blindIndexes(encryptionKeys: EncryptionKeys, scope: string, value: string): Promise<string[]> {
  return Promise.all(textsOf(encryptionKeys).map((key) => blindIndex(key, scope, value)));
}

async function deriveKey(encryptionKey: string): Promise<CryptoKey> {
  const master = await crypto.subtle.importKey("raw", fromBase64(encryptionKey)!, "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("paybell blind index");
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    master,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  );
}
