import type { Verification } from "./provider.ts";
import { bytesOfHex, type HmacHash, MAX_HEADER_LENGTH, verifyHmac } from "./signature.ts";

/** For providers whose header is the HMAC of the body in hex, and nothing else. `header`: null where there is none. */
export async function verifyHexHmac(
  header: string | null,
  body: Uint8Array,
  secrets: string[],
  hash: HmacHash = "SHA-256",
): Promise<Verification> {
  if (!header) return { ok: false, reason: "header-missing" };
  const signature = header.length > MAX_HEADER_LENGTH ? null : bytesOfHex(header);
  if (!signature) return { ok: false, reason: "header-malformed" };
  return verifyHmac(new Uint8Array(body), [signature], secrets, hash);
}
