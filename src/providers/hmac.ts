import { z } from "zod";

import { pointerValue } from "../event/json-pointer.ts";
import { readCanonical } from "./canonical.ts";
import { parseObject } from "./json.ts";
import { acknowledgePlainly, type Provider, type SignedRequest } from "./provider.ts";
import {
  bytesOfBase64,
  bytesOfHex,
  type HmacHash,
  type HmacSecret,
  isFresh,
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
  sha1: { name: "SHA-1", bytes: 20 },
  sha256: { name: "SHA-256", bytes: 32 },
  sha512: { name: "SHA-512", bytes: 64 },
} as const satisfies Record<string, { name: HmacHash; bytes: number }>;

const HeaderName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, "The name of an HTTP header");
const Part = z.union([z.enum(["id", "timestamp", "url", "body"]), z.strictObject({ text: z.string().max(16) })]);

/** How a source signs. All of it has a default, which is what most systems do: hex SHA-256 over the body. */
const HmacConfig = z
  .strictObject({
    header: HeaderName.optional(),
    /** Taken off the signature if it is there. */
    prefix: z.string().max(32).optional(),
    algorithm: z.enum(["sha1", "sha256", "sha512"]).optional(),
    encoding: z.enum(["hex", "base64", "base64url"]).optional(),
    secretEncoding: z.enum(["utf8", "hex", "base64"]).optional(),
    /** What is signed, joined as bytes. */
    signed: z.array(Part).min(1).max(8).optional(),
    idHeader: HeaderName.optional(),
    /** JSON Pointer to the event's id in the body. */
    idFrom: z
      .string()
      .max(256)
      .regex(/^(\/([^~/]|~[01])*)+$/, "A JSON Pointer, such as /id")
      .optional(),
    timestampHeader: HeaderName.optional(),
    timestampUnit: z.enum(["s", "ms", "iso"]).optional(),
    toleranceSeconds: z.int().min(1).max(86_400).optional(),
  })
  .superRefine(({ signed = ["body"], idHeader, timestampHeader }, context) => {
    const needs = (isMissing: boolean, path: string, message: string) =>
      isMissing && context.addIssue({ code: "custom", path: [path], message });
    needs(!signed.includes("body"), "signed", "The body has to be signed");
    needs(signed.includes("id") && !idHeader, "idHeader", "What is signed names the id: say which header it is in");
    needs(
      signed.includes("timestamp") && !timestampHeader,
      "timestampHeader",
      "What is signed names the timestamp: say which header it is in",
    );
  });

type HmacConfig = z.infer<typeof HmacConfig>;

/**
 * Any sender that signs with an HMAC: which header, hash and encoding, and what is signed, stand in the source's
 * `config`. A time counts only where it is signed; it is then checked. An id counts only where it is signed: in the
 * body, or in a header that is part of what is signed.
 */
export const hmac: Provider = {
  name: "hmac",
  config: HmacConfig,

  async verify(request, secrets, { now, toleranceSeconds, config = {} }) {
    const parsed = HmacConfig.safeParse(config);
    if (!parsed.success) return { ok: false, reason: "config-invalid" };
    const { signed = ["body"], algorithm = "sha256", ...rest } = parsed.data;
    const header = signatureIn(request.headers, rest);
    if (!header) return { ok: false, reason: "header-missing" };
    const signature = decode(header, { ...rest, algorithm });
    if (signature?.length !== HASHES[algorithm].bytes) return { ok: false, reason: "header-malformed" };
    const timestamp = signed.includes("timestamp") ? readTime(request.headers, rest) : null;
    if (timestamp === undefined) return { ok: false, reason: "timestamp-malformed" };
    const bytes = signedBytes(request, signed, rest);
    if (bytes === null) return { ok: false, reason: "header-missing" };
    const keys = secrets.map((secret) => keyOf(secret, rest));
    const verification = await verifyHmac(bytes, [signature], keys, HASHES[algorithm].name);
    const tolerance = toleranceSeconds ?? rest.toleranceSeconds ?? TOLERANCE_SECONDS;
    if (verification.ok && timestamp !== null && !isFresh(timestamp, now, tolerance)) {
      return { ok: false, reason: "timestamp-not-fresh" };
    }
    return verification;
  },

  async normalize({ body, headers }, _secrets, config = {}) {
    const { signed = [], idHeader, idFrom } = HmacConfig.parse(config);
    const event = parseObject(body);
    const pointed = idFrom === undefined ? null : pointerValue(event, idFrom);
    const named = signed.includes("id") ? headers.get(idHeader ?? "") : null;
    const id = typeof pointed === "number" ? String(pointed) : pointed;
    return [readCanonical(event, (typeof id === "string" && id !== "" ? id : named) || null)];
  },

  acknowledge: acknowledgePlainly,
};

function signatureIn(headers: Headers, { header, prefix, algorithm }: HmacConfig): string | null {
  const name = header ?? USUAL_HEADERS.find((usual) => headers.has(usual));
  const text = (name === undefined ? "" : (headers.get(name) ?? "")).trim();
  if (text.length > MAX_HEADER_LENGTH) return null;
  const usual = prefix ?? `${algorithm ?? "sha256"}=`;
  return text.startsWith(usual) ? text.slice(usual.length) : text;
}

/** The bytes of a signature. Where no encoding is named, its length shows hex, and else either base64 will do. */
function decode(text: string, { encoding, algorithm }: Required<Pick<HmacConfig, "algorithm">> & HmacConfig) {
  const isHex = text.length === 2 * HASHES[algorithm!].bytes;
  switch (encoding ?? (isHex ? "hex" : "base64url")) {
    case "hex":
      return bytesOfHex(text);
    case "base64":
      return bytesOfBase64(text);
    case "base64url": {
      const bare = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
      return bytesOfBase64(bare.padEnd(Math.ceil(bare.length / 4) * 4, "="));
    }
  }
}

/** The parts of what is signed, joined; null where a header that is one of them is missing. */
function signedBytes(
  { body, headers, url }: SignedRequest,
  parts: NonNullable<HmacConfig["signed"]>,
  { idHeader = "", timestampHeader = "" }: HmacConfig,
): Uint8Array<ArrayBuffer> | null {
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const text =
      typeof part === "object"
        ? part.text
        : {
            id: () => headers.get(idHeader),
            timestamp: () => headers.get(timestampHeader),
            url: () => url,
            body: () => "",
          }[part]();
    if (text === null) return null;
    pieces.push(part === "body" ? body : encoder.encode(text));
  }
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Epoch seconds of the signed time; undefined where the header is none. */
function readTime(headers: Headers, { timestampHeader = "", timestampUnit = "s" }: HmacConfig): number | undefined {
  const text = (headers.get(timestampHeader) ?? "").trim();
  if (timestampUnit === "iso") {
    const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(at) ? undefined : at / 1000;
  }
  if (timestampUnit === "ms") return /^\d{1,15}$/.test(text) ? Number(text) / 1000 : undefined;
  return secondsOf(text) ?? undefined;
}

function keyOf(secret: string, { secretEncoding = "utf8" }: HmacConfig): HmacSecret {
  switch (secretEncoding) {
    case "utf8":
      return secret;
    case "hex":
      return secret === "" ? null : (bytesOfHex(secret) as Uint8Array<ArrayBuffer> | null);
    case "base64":
      return bytesOfBase64(secret);
  }
}
