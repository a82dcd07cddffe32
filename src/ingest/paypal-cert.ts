import { log } from "../platform/log.ts";
import { readCertificate } from "../providers/certificate.ts";
import { certificateUrlOf, readSecret } from "../providers/paypal.ts";

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;
const MAX_CACHED = 16;
const CACHE_SECONDS = 24 * 3600;

/** Certificates of this isolate by their URL. */
const certificates = new Map<string, string>();

/**
 * The secrets of a PayPal source with the certificate that a request names in each that brings none. As they are where
 * the request names none of PayPal's; null: it cannot be had now.
 */
export async function withCertificate(headers: Headers, secrets: string[]): Promise<string[] | null> {
  const url = certificateUrlOf(headers);
  if (url === null || secrets.every((secret) => readSecret(secret).certPem !== undefined)) return secrets;
  const certPem = await certificateAt(url);
  if (certPem === null) return null;
  return secrets.map(readSecret).map((parts) => JSON.stringify({ ...parts, certPem: parts.certPem ?? certPem }));
}

async function certificateAt(url: string): Promise<string | null> {
  const known = certificates.get(url);
  if (known !== undefined) return known;
  try {
    const cached = await caches.default.match(url);
    const response = cached ?? (await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }));
    const pem = response.ok ? await textOf(response) : null;
    if (pem === null || readCertificate(pem) === null) throw new Error(`no certificate: ${response.status}`);
    if (!cached) {
      const headers = { "cache-control": `max-age=${CACHE_SECONDS}` };
      await caches.default.put(url, new Response(pem, { headers }));
    }
    if (certificates.size >= MAX_CACHED) certificates.clear();
    certificates.set(url, pem);
    return pem;
  } catch (error) {
    log.warn("ingest.certificate_unavailable", { url, error });
    return null;
  }
}

/** The text of an answer; null where it is longer than any certificate. */
async function textOf({ body }: Response): Promise<string | null> {
  let text = "";
  for await (const part of (body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.length > MAX_BYTES) return null;
  }
  return text;
}
