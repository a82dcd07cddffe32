import { readCanonical } from "./canonical.ts";
import { parseObject } from "./json.ts";
import { acknowledgePlainly, type Provider, type Verification } from "./provider.ts";
import { standardFault } from "./secret-faults.ts";
import {
  bytesOfBase64,
  bytesOfLooseBase64,
  ifFresh,
  MAX_HEADER_LENGTH,
  MAX_SECRETS,
  prefixed,
  secondsOf,
  verifyHmac,
} from "./signature.ts";

/** How far the signed time may be from now, either way. */
const TOLERANCE_SECONDS = 300;
/** Each of these is verified over the whole body: a rotation needs two. */
const MAX_PUBLIC_SIGNATURES = 4;
/** Headers come under the standard's names, or under those of Svix, from which it grew. */
const HEADER_FAMILIES = ["webhook", "svix"];

/**
 * Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`, and the same as `svix-*`. The header
 * of signatures holds `v1,` HMAC-SHA256 or `v1a,` Ed25519 in base64 over `{id}.{timestamp}.{body}`, several with
 * spaces between. Secrets: `whsec_` and base64 (or the base64 alone), public keys: `whpk_` and base64.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const standard: Provider = {
  name: "standard",
  isOwn: true,
  secretFault: standardFault,

  mayBeSigned: ({ headers }) => headers.has("webhook-signature") || headers.has("svix-signature"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const read = readHeaders(headers);
    if ("reason" in read) return { ok: false, reason: read.reason };
    const { id, timestamp, signatures } = read;
    const signed = prefixed(`${id}.${timestamp}.`, body);
    const bySecret = await verifyHmac(signed, signatures.v1, secrets.map(symmetricKey));
    const verification = bySecret.ok ? bySecret : await verifyEd25519(signed, signatures.v1a, secrets, bySecret);
    return ifFresh(verification, Number(timestamp), now, toleranceSeconds);
  },

  async normalize({ body, headers }) {
    const read = readHeaders(headers);
    return [readCanonical(parseObject(body), "id" in read ? read.id : null)];
  },

  acknowledge: acknowledgePlainly,
};

interface Signed {
  id: string;
  /** As it was signed: decimal seconds. */
  timestamp: string;
  signatures: { v1: Uint8Array[]; v1a: Uint8Array<ArrayBuffer>[] };
}

/** The three headers, of one family: the other's are not mixed in. */
function readHeaders(headers: Headers): Signed | { reason: string } {
  const names = ["id", "timestamp", "signature"];
  const family = HEADER_FAMILIES.find((prefix) => names.some((name) => headers.has(`${prefix}-${name}`)));
  if (family === undefined) return { reason: "header_missing" };
  const [id, timestamp, list] = names.map((name) => headers.get(`${family}-${name}`) ?? "");
  if (!id || !timestamp || !list) return { reason: "header_missing" };
  if (list.length > MAX_HEADER_LENGTH || !/^[\x21-\x7e]{1,256}$/.test(id) || secondsOf(timestamp) === null) {
    return { reason: "header_malformed" };
  }
  const signatures = { v1: bytesOf(list, "v1", 32), v1a: bytesOf(list, "v1a", 64) };
  return signatures.v1.length + signatures.v1a.length === 0
    ? { reason: "header_malformed" }
    : { id, timestamp, signatures };
}

/** The signatures of one version; what is of another length is none. */
function bytesOf(list: string, version: string, length: number): Uint8Array<ArrayBuffer>[] {
  return list.split(" ").flatMap((entry) => {
    const [name, ...rest] = entry.split(",");
    const bytes = name === version ? bytesOfBase64(rest.join(",")) : null;
    return bytes?.length === length ? [bytes] : [];
  });
}

/** The key of a shared secret; null for a public key, and for what is no base64. */
function symmetricKey(secret: string): Uint8Array<ArrayBuffer> | null {
  return secret.startsWith("whpk_") ? null : bytesOfLooseBase64(secret.trim().replace(/^whsec_/, ""));
}

async function verifyEd25519(
  signed: Uint8Array<ArrayBuffer>,
  signatures: Uint8Array<ArrayBuffer>[],
  secrets: string[],
  otherwise: Verification,
): Promise<Verification> {
  if (secrets.length > MAX_SECRETS || signatures.length > MAX_PUBLIC_SIGNATURES) return otherwise;
  for (const [secretIndex, secret] of secrets.entries()) {
    const bytes = secret.startsWith("whpk_") ? bytesOfLooseBase64(secret.slice("whpk_".length).trim()) : null;
    if (bytes?.length !== 32) continue;
    // A key that is no point of the curve is refused on import or on verifying, depending on the runtime.
    const fits = await crypto.subtle
      .importKey("raw", bytes, "Ed25519", false, ["verify"])
      .then(async (key) => {
        for (const signature of signatures) {
          if (await crypto.subtle.verify("Ed25519", key, signature, signed)) return true;
        }
        return false;
      })
      .catch(() => false);
    if (fits) return { ok: true, secretIndex };
  }
  return otherwise.ok
    ? otherwise
    : { ok: false, reason: signatures.length > 0 ? "signature_mismatch" : otherwise.reason };
}
