import { pointerValue } from "../event/json-pointer.ts";
import { readCanonical } from "./canonical.ts";
import { HmacConfig } from "./config.ts";
import { parseObject } from "./json.ts";
import { acknowledgePlainly, type Provider, type SignedRequest, type Verification } from "./provider.ts";
import { instantOfIso } from "./reading.ts";
import { hmacFault } from "./secret-faults.ts";
import {
  bytesOfBase64,
  bytesOfHex,
  bytesOfLooseBase64,
  ifFresh,
  MAX_HEADER_LENGTH,
  secondsOf,
  verifyHmac,
} from "./signature.ts";

const TOLERANCE_SECONDS = 300;
/** Where the signature is looked for when the source does not say: the first of these that is there. */
const USUAL_HEADERS = [
  "x-signature-256",
  "x-hub-signature-256",
  "x-signature",
  "x-webhook-signature",
  "x-hmac-sha256",
  "x-hmac-signature",
];
const HASHES = {
  sha1: { hash: "SHA-1", length: 20 },
  sha256: { hash: "SHA-256", length: 32 },
  sha512: { hash: "SHA-512", length: 64 },
} as const;
/** What is written in each encoding; null for what is not. */
const BYTES_OF = {
  hex: bytesOfHex,
  base64: bytesOfBase64,
  base64url: (text: string) => bytesOfLooseBase64(text.replaceAll("-", "+").replaceAll("_", "/")),
};

interface Options {
  now: number;
  toleranceSeconds?: number;
  config?: HmacConfig;
}

/**
 * Any sender that signs with an HMAC: which header, hash and encoding, and what is signed, stand in the source's
 * `config`. A time counts only where it is signed; it is then checked. An id counts only where it is signed: in the
 * body, or in a header that is part of what is signed.
 */
export const hmac: Provider = {
  name: "hmac",
  isOwn: true,
  config: HmacConfig,
  secretFault: hmacFault,

  mayBeSigned: ({ headers }, config: HmacConfig = {}) => Boolean(signatureIn(headers, config)),

  // The API has checked the config. One that it would have refused may make this throw, and is refused here too.
  verify: async (request, secrets, options: Options) =>
    verifyAsSaid(request, secrets, options).catch(() => ({ ok: false, reason: "config_invalid" })),

  async normalize({ body, headers }, _secrets, { signed, idHeader, idFrom }: HmacConfig = {}) {
    const event = parseObject(body);
    const pointed = idFrom === undefined ? null : pointerValue(event, idFrom);
    const id = typeof pointed === "number" ? String(pointed) : pointed;
    const named = signed?.includes("id") ? headers.get(idHeader!) : null;
    return [readCanonical(event, (typeof id === "string" && id) || named || null)];
  },

  acknowledge: acknowledgePlainly,
};

async function verifyAsSaid(
  { body, headers, url }: SignedRequest,
  secrets: string[],
  { now, toleranceSeconds, config = {} }: Options,
): Promise<Verification> {
  const { signed = ["body"], idHeader = "", timestampHeader = "", secretEncoding = "utf8" } = config;
  const { hash, length } = HASHES[config.algorithm ?? "sha256"];
  if (!signed.includes("body")) return { ok: false, reason: "config_invalid" };
  const text = signatureIn(headers, config);
  if (!text) return { ok: false, reason: "header_missing" };
  // Where no encoding is named, the length shows hex, and else either base64 will do.
  const signature = BYTES_OF[config.encoding ?? (text.length === 2 * length ? "hex" : "base64url")](text);
  if (signature?.length !== length) return { ok: false, reason: "header_malformed" };
  const time = signed.includes("timestamp") ? headers.get(timestampHeader) : null;
  const signedAt = time === null ? now : secondsIn(time.trim(), config.timestampUnit);
  if (signedAt === null) return { ok: false, reason: "timestamp_malformed" };
  const named = { body, url, timestamp: time, id: signed.includes("id") ? headers.get(idHeader) : null };
  const parts = signed.map((part) => (typeof part === "string" ? named[part] : part.text));
  if (parts.includes(null)) return { ok: false, reason: "header_missing" };
  const bytes = new Uint8Array(await new Blob(parts as (string | Uint8Array<ArrayBuffer>)[]).arrayBuffer());
  const keys = secretEncoding === "utf8" ? secrets : secrets.map((secret) => BYTES_OF[secretEncoding](secret));
  const verification = await verifyHmac(bytes, [signature], keys, hash);
  const tolerance = toleranceSeconds ?? config.toleranceSeconds ?? TOLERANCE_SECONDS;
  return ifFresh(verification, signedAt, now, tolerance);
}

function signatureIn(headers: Headers, { header, prefix, algorithm = "sha256" }: HmacConfig): string {
  const name = header ?? USUAL_HEADERS.find((usual) => headers.has(usual));
  const text = (name === undefined ? "" : (headers.get(name) ?? "")).trim();
  const usual = prefix ?? `${algorithm}=`;
  if (text.length > MAX_HEADER_LENGTH) return "";
  return text.startsWith(usual) ? text.slice(usual.length) : text;
}

/** Epoch seconds of a time; null for what is none. */
function secondsIn(text: string, unit: HmacConfig["timestampUnit"]): number | null {
  if (unit === "s" || unit === undefined) return secondsOf(text);
  const at = unit === "iso" ? instantOfIso(text) : /^\d{1,15}$/.test(text) ? Number(text) : null;
  return at === null ? null : at / 1000;
}
