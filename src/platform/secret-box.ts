import { base32 } from "../event/ids.ts";
import { fromBase64, toBase64 } from "./base64.ts";

const IV_BYTES = 12;
const VERSION = "v1";
const SEALED = /v1\.[0-9a-z]{8}\.[A-Za-z0-9+/]+=*\.[A-Za-z0-9+/]+=*/g;

/** The key-encryption keys, each base64 of 32 bytes: the first seals, and what either has sealed is opened. */
export type EncryptionKeys = Pick<Env, "ENCRYPTION_KEY" | "ENCRYPTION_KEY_PREVIOUS">;

/** Keys are imported once an isolate; the text that they came from is their name. */
const imported = new Map<string, Promise<{ id: string; key: CryptoKey }>>();

/**
 * Seals a secret for storage: AES-256-GCM under the key-encryption key (base64 of 32 bytes), bound to the id of its
 * row, so that it opens nowhere else. The text names the key that sealed it.
 */
export async function seal(encryptionKey: string, rowId: string, secret: string): Promise<string> {
  const { id, key } = await keyOf(encryptionKey);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt(parameters(iv, rowId), key, new TextEncoder().encode(secret));
  return [VERSION, id, toBase64(iv), toBase64(new Uint8Array(sealed))].join(".");
}

/** Opens what {@link seal} sealed with one of the keys. Throws where the text, the key or the row's id is another. */
export async function open(keys: EncryptionKeys, rowId: string, sealed: string): Promise<string> {
  const [version, id, iv, text] = sealed.split(".");
  const known = await Promise.all(textsOf(keys).map(keyOf));
  const [ivBytes, sealedBytes] = [fromBase64(iv ?? ""), fromBase64(text ?? "")];
  const found = known.find((one) => one.id === id);
  if (version !== VERSION || !found || !ivBytes || !sealedBytes) {
    throw new Error("The secret was sealed under another key");
  }
  const bytes = await crypto.subtle.decrypt(parameters(ivBytes, rowId), found.key, sealedBytes);
  return new TextDecoder().decode(bytes);
}

/** A text, plain or JSON, with everything in it that the previous key has sealed sealed anew. Throws as {@link open}. */
export async function reseal(keys: EncryptionKeys, rowId: string, text: string): Promise<string> {
  const mark = await markOf(keys.ENCRYPTION_KEY);
  let result = text;
  for (const sealed of text.match(SEALED) ?? []) {
    if (!sealed.startsWith(mark)) {
      const again = await seal(keys.ENCRYPTION_KEY, rowId, await open(keys, rowId, sealed));
      result = result.replace(sealed, () => again);
    }
  }
  return result;
}

/** How every text begins that a key has sealed. */
export async function markOf(encryptionKey: string): Promise<string> {
  return `${VERSION}.${(await keyOf(encryptionKey)).id}.`;
}

/** The keys that there are, the one that seals first. */
export function textsOf({ ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS }: EncryptionKeys): string[] {
  return ENCRYPTION_KEY_PREVIOUS === undefined ? [ENCRYPTION_KEY] : [ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS];
}

function parameters(iv: Uint8Array<ArrayBuffer>, rowId: string): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(rowId) };
}

async function keyOf(encryptionKey: string): Promise<{ id: string; key: CryptoKey }> {
  const known = imported.get(encryptionKey) ?? importKey(encryptionKey);
  imported.set(encryptionKey, known);
  return known;
}

async function importKey(encryptionKey: string): Promise<{ id: string; key: CryptoKey }> {
  const bytes = fromBase64(encryptionKey) ?? new Uint8Array();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: base32(hash.subarray(0, 5)), key };
}
