import type { ProviderEvent } from "../event/event.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { type Json, isObject, parseObject, partsOf, textAt } from "./json.ts";
import { customerOf, readPayPalEvent } from "./paypal-events.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { verifyRsa } from "./rsa.ts";
import { paypalFault } from "./secret-faults.ts";
import { bytesOfBase64, ifFresh, MAX_HEADER_LENGTH, MAX_SECRETS, prefixed } from "./signature.ts";

/** PayPal tries for three days, and does not say whether it signs anew each time. */
const TOLERANCE_SECONDS = 3 * 24 * 3600 + 300;
const [LIVE_HOST, SANDBOX_HOST] = ["api.paypal.com", "api.sandbox.paypal.com"] as const;
/** Bytes of a signature with RSA keys of 2048, 3072 and 4096 bits: PayPal's have 2048. */
const SIGNATURE_LENGTHS = new Set([256, 384, 512]);

/**
 * PayPal: RSA-SHA256 over `{transmission id}|{time}|{webhook id}|{CRC32 of the body}` with the key of a certificate.
 * The secret is JSON: `webhookId`, and `certPem`, which ingest adds. A checksum is no hash: who has one genuine event
 * can make others that fit its signature, so all are `signed-weak`, and known again by the signed transmission id.
 * https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverification
 */
export const paypal: Provider = {
  name: "paypal",
  config: ModeConfig,
  secretFault: paypalFault,

  mayBeSigned: ({ headers }) => headers.has("paypal-transmission-sig"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS, config }) {
    const read = readHeaders(headers, config);
    if ("reason" in read) return { ok: false, reason: read.reason };
    if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
    const { id, time, signature, signedAt } = read;
    const checksum = crc32(body);
    let reason = "no_secret";
    for (const [secretIndex, secret] of secrets.entries()) {
      const { webhookId, certPem } = readSecret(secret);
      if (!webhookId || !certPem) continue;
      const certificate = readCertificate(certPem);
      if (!certificate || !isOfPayPal(certificate, now, toleranceSeconds)) {
        reason = "certificate_unfit";
        continue;
      }
      const verification = await verifyRsa(signature, [prefixed(`${id}|${time}|${webhookId}|${checksum}`)], [certPem]);
      if (verification.ok) return ifFresh({ ok: true, secretIndex }, signedAt / 1000, now, toleranceSeconds);
      ({ reason } = verification);
    }
    return { ok: false, reason };
  },

  async normalize({ body, headers }, secrets, config) {
    const event = parseObject(body);
    const providerType = textAt(event, "event_type");
    if (!providerType || !textAt(event, "id")) throw new UnparseableError("the body is not an event of PayPal");
    const object = event["resource"];
    const resource: Json = isObject(object) ? object : {};
    const normalized: ProviderEvent = {
      eventId: headers.get("paypal-transmission-id"),
      providerType,
      ...readPayPalEvent(providerType, resource),
      occurredAt: instantOfIso(resource["update_time"]) ?? instantOfIso(event["create_time"]),
      livemode: isLiveHere(headers, secrets, config) && ![event, resource].some(isOfSandbox),
      customer: customerOf(resource),
      authenticity: "signed-weak",
      raw: event,
    };
    return [normalized];
  },

  acknowledge: acknowledgePlainly,
};

/** Whether something that PayPal links to itself is in its sandbox, where all of it is. */
function isOfSandbox(holder: Json): boolean {
  const links: unknown[] = Array.isArray(holder["links"]) ? holder["links"] : [];
  return links.some((link) => /^https:\/\/api(-m)?\.sandbox\.paypal\.com\//.test(textAt(link, "href") ?? ""));
}

interface SignedHeaders {
  id: string;
  /** As it was signed. */
  time: string;
  /** Epoch ms of it. */
  signedAt: number;
  /** In base64. */
  signature: string;
  certificate: URL;
}

/** What a request of PayPal's says in its headers; why it is none, going by them alone. */
export function readHeaders(
  headers: Headers,
  config: Record<string, unknown> | undefined,
): SignedHeaders | { reason: string } {
  const [id, time, signature] = ["id", "time", "sig"].map((name) => headers.get(`paypal-transmission-${name}`));
  if (!id || !time || !signature) return { reason: "header_missing" };
  const signedAt = instantOfIso(time);
  if (signedAt === null || !isTransmissionId(id)) return { reason: "header_malformed" };
  if (headers.get("paypal-auth-algo")?.toUpperCase() !== "SHA256WITHRSA") return { reason: "algorithm" };
  const certificate = certificateUrlOf(headers);
  if (certificate === null) return { reason: "certificate_url" };
  // A source that says it is live believes nothing of the sandbox's, where anybody has an account.
  if (config?.["livemode"] === true && certificate.hostname === SANDBOX_HOST) return { reason: "certificate_sandbox" };
  const bytes = signature.length > MAX_HEADER_LENGTH ? null : bytesOfBase64(signature);
  if (!bytes || !SIGNATURE_LENGTHS.has(bytes.length)) return { reason: "signature_malformed" };
  return { id, time, signedAt, signature, certificate };
}

/** Where PayPal keeps the certificate of a request; null for any place but PayPal's own. */
export function certificateUrlOf(headers: Headers): URL | null {
  const text = headers.get("paypal-cert-url") ?? "";
  const url = text.length <= 512 && URL.canParse(text) ? new URL(text) : null;
  const isPlain = url?.href === `https://${url?.hostname}${url?.pathname}`;
  const isOfPayPal = isPlain && (url.hostname === LIVE_HOST || url.hostname === SANDBOX_HOST);
  return isOfPayPal && /^\/v1\/notifications\/certs\/[\w-]{1,128}$/.test(url.pathname) ? url : null;
}

/**
 * Whether an event is of real money. Where the source does not say, the certificate that it verified with does: the
 * sandbox has its own. A certificate that the source brings itself says nothing of that kind.
 */
function isLiveHere(headers: Headers, secrets: string[], config: Record<string, unknown> | undefined): boolean {
  const isOwn = secrets.some((secret) => readSecret(secret).certPem !== undefined);
  if (config?.["livemode"] !== undefined || isOwn) return isLive(config);
  return certificateUrlOf(headers)?.hostname !== SANDBOX_HOST;
}

/** What a source's secret holds: the certificate only where the source brings its own. */
export function readSecret(secret: string): Record<"webhookId" | "certPem", string | undefined> {
  const parts = partsOf(secret);
  return { webhookId: textAt(parts, "webhookId"), certPem: textAt(parts, "certPem") };
}

/** What would move the parts of the signed text is no id. */
function isTransmissionId(id: string): boolean {
  return /^[\w-]{1,128}$/.test(id);
}

function isOfPayPal({ commonName, notBefore, notAfter }: Certificate, now: number, toleranceSeconds: number): boolean {
  const isValid = toleranceSeconds === Number.POSITIVE_INFINITY || (notBefore <= now && now <= notAfter);
  return /(^|\.)paypal\.com$/.test(commonName) && isValid;
}

/** CRC-32 as of ISO 3309 and gzip. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** What a byte does to the checksum. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});
