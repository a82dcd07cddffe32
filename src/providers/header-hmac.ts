// For providers whose header holds one HMAC and nothing else. `header`: null where there is none.

import type { Verification } from "./provider.ts";
import { bytesOfBase64, bytesOfHex, type HmacHash, type HmacSecret, verifyHmac } from "./signature.ts";

const HEX_LENGTH = { "SHA-1": 40, "SHA-256": 64, "SHA-512": 128 };
const BASE64_LENGTH = 44;

/** The HMAC of the body, in hex of either case. */
export async function verifyHexHmac(
  header: string | null,
  body: Uint8Array,
  secrets: string[],
  hash: HmacHash = "SHA-256",
): Promise<Verification> {
  if (!header) return { ok: false, reason: "header_missing" };
  const signature = header.length === HEX_LENGTH[hash] ? bytesOfHex(header) : null;
  if (!signature) return { ok: false, reason: "header_malformed" };
  return verifyHmac(new Uint8Array(body), [signature], secrets, hash);
}

/** The HMAC-SHA256 of what is signed, in base64. */
export async function verifyBase64Hmac(
  header: string | null,
  signed: Uint8Array,
  secrets: HmacSecret[],
): Promise<Verification> {
  if (!header) return { ok: false, reason: "header_missing" };
  const signature = header.length === BASE64_LENGTH ? bytesOfBase64(header) : null;
  if (signature?.length !== 32) return { ok: false, reason: "header_malformed" };
  return verifyHmac(new Uint8Array(signed), [signature], secrets);
}
