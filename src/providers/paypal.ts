import type { ProviderEvent } from "../event/event.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { type Json, isObject, parseObject, partsOf, textAt } from "./json.ts";
import { customerOf, readPayPalEvent } from "./paypal-events.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { verifyRsa } from "./rsa.ts";
import { ifFresh, MAX_SECRETS, prefixed } from "./signature.ts";

/** PayPal tries for three days, and does not say whether it signs anew each time. */
const TOLERANCE_SECONDS = 3 * 24 * 3600 + 300;
const HOSTS = new Set(["api.paypal.com", "api.sandbox.paypal.com"]);

/**
 * PayPal: RSA-SHA256 over `{transmission id}|{time}|{webhook id}|{CRC32 of the body}` with the key of a certificate.
 * The secret is JSON: `webhookId`, and `certPem`, which ingest adds. A checksum is no hash: who has one genuine event
 * can make others that fit its signature, so all are `signed-weak`, and known again by the signed transmission id.
 * https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverification
 */
export const paypal: Provider = {
  name: "paypal",
  config: ModeConfig,

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const [id, time, signature] = ["id", "time", "sig"].map((name) => headers.get(`paypal-transmission-${name}`));
    if (!id || !time || !signature) return { ok: false, reason: "header-missing" };
    const signedAt = instantOfIso(time);
    if (signedAt === null || !isTransmissionId(id)) return { ok: false, reason: "header-malformed" };
    if (headers.get("paypal-auth-algo")?.toUpperCase() !== "SHA256WITHRSA") return { ok: false, reason: "algorithm" };
    if (certificateUrlOf(headers) === null) return { ok: false, reason: "certificate-url" };
    if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too-many-secrets" };
    let reason = "no-secret";
    for (const [secretIndex, secret] of secrets.entries()) {
      const { webhookId, certPem } = readSecret(secret);
      if (!webhookId || !certPem) continue;
      const certificate = readCertificate(certPem);
      if (!certificate || !isOfPayPal(certificate, now, toleranceSeconds)) {
        reason = "certificate-unfit";
        continue;
      }
      const verification = await verifyRsa(
        signature,
        [prefixed(`${id}|${time}|${webhookId}|${crc32(body)}`)],
        [certPem],
      );
      if (verification.ok) return ifFresh({ ok: true, secretIndex }, signedAt / 1000, now, toleranceSeconds);
      ({ reason } = verification);
    }
    return { ok: false, reason };
  },

  async normalize({ body, headers }, _secrets, config) {
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
      livemode: isLive(config) && ![event, resource].some(isOfSandbox),
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

/** Where PayPal keeps the certificate of a request; null for any place but PayPal's own. */
export function certificateUrlOf(headers: Headers): string | null {
  const text = headers.get("paypal-cert-url") ?? "";
  const url = text.length <= 512 && URL.canParse(text) ? new URL(text) : null;
  const isPlain = url?.href === `https://${url?.hostname}${url?.pathname}` && HOSTS.has(url.hostname);
  return isPlain && /^\/v1\/notifications\/certs\/[\w-]+$/.test(url.pathname) ? url.href : null;
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
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
