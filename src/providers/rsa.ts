import { readCertificate } from "./certificate.ts";
import type { Verification } from "./provider.ts";
import { bytesOfBase64, MAX_HEADER_LENGTH, MAX_SECRETS } from "./signature.ts";

const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/**
 * Looks for the public key that fits an RSA-SHA256 signature, in base64, over one of the texts. `keys`: SPKI, as PEM or
 * as its base64 alone, or a certificate in PEM, of which only the key is looked at; what is none fits nothing.
 */
export async function verifyRsa(
  signature: string,
  signed: Uint8Array<ArrayBuffer>[],
  keys: string[],
): Promise<Verification> {
  const bytes = signature.length > MAX_HEADER_LENGTH ? null : bytesOfBase64(signature);
  if (!bytes) return { ok: false, reason: "signature_malformed" };
  if (keys.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
  const imported = await Promise.all(keys.map(rsaKeyOf));
  if (imported.every((key) => key === null)) return { ok: false, reason: "no_secret" };
  for (const [secretIndex, key] of imported.entries()) {
    for (const text of key ? signed : []) {
      if (await crypto.subtle.verify(RSA_SHA256, key!, bytes, text)) return { ok: true, secretIndex };
    }
  }
  return { ok: false, reason: "signature_mismatch" };
}

/** The public key of a text in one of these forms; null where it is none, or of another kind than RSA. */
export async function rsaKeyOf(text: string): Promise<CryptoKey | null> {
  const base64 = text.replace(/-----(BEGIN|END) PUBLIC KEY-----|\s/g, "");
  const spki = readCertificate(text)?.spki ?? bytesOfBase64(base64);
  return spki && crypto.subtle.importKey("spki", spki, RSA_SHA256, false, ["verify"]).catch(() => null);
}
