import type { Verification } from "./provider.ts";
import { bytesOfBase64, MAX_SECRETS } from "./signature.ts";

const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/**
 * Looks for the public key that fits an RSA-SHA256 signature over one of the texts. `keys`: SPKI, as PEM or as its
 * base64 alone; what is none fits nothing.
 */
export async function verifyRsa(
  signature: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>[],
  keys: string[],
): Promise<Verification> {
  if (keys.length > MAX_SECRETS) return { ok: false, reason: "too-many-secrets" };
  const imported = await Promise.all(keys.map(publicKeyOf));
  if (imported.every((key) => key === null)) return { ok: false, reason: "no-secret" };
  for (const [secretIndex, key] of imported.entries()) {
    for (const bytes of key ? signed : []) {
      if (await crypto.subtle.verify(RSA_SHA256, key!, signature, bytes)) return { ok: true, secretIndex };
    }
  }
  return { ok: false, reason: "signature-mismatch" };
}

async function publicKeyOf(text: string): Promise<CryptoKey | null> {
  const spki = bytesOfBase64(text.replace(/-----(BEGIN|END) PUBLIC KEY-----/g, "").replace(/\s/g, ""));
  if (!spki) return null;
  return crypto.subtle.importKey("spki", spki, RSA_SHA256, false, ["verify"]).catch(() => null);
}
