import type { Verification } from "./provider.ts";
import { bytesOfHex, type HmacHash, verifyHmac } from "./signature.ts";

const HEX_LENGTH = { "SHA-1": 40, "SHA-256": 64, "SHA-512": 128 };

/** For providers whose header is the HMAC of the body in hex, and nothing else. `header`: null where there is none. */
export async function verifyHexHmac(
  header: string | null,
  body: Uint8Array,
  secrets: string[],
  hash: HmacHash = "SHA-256",
): Promise<Verification> {
  if (!header) return { ok: false, reason: "header-missing" };
  const signature = header.length === HEX_LENGTH[hash] ? bytesOfHex(header) : null;
  if (!signature) return { ok: false, reason: "header-malformed" };
  return verifyHmac(new Uint8Array(body), [signature], secrets, hash);
}
