import type { SignedRequest, Verification } from "./provider.ts";
import { bytesOfHex, verifyHmac } from "./signature.ts";

/** Verifies a header that holds nothing but the HMAC-SHA256 of the body, in hex, as several providers sign. */
export async function verifyHexHeader(
  name: string,
  { body, headers }: SignedRequest,
  secrets: string[],
): Promise<Verification> {
  const header = headers.get(name);
  if (!header) return { ok: false, reason: "header-missing" };
  const signature = header.length === 64 ? bytesOfHex(header) : null;
  if (!signature) return { ok: false, reason: "header-malformed" };
  return verifyHmac(Uint8Array.from(body), [signature], secrets);
}
