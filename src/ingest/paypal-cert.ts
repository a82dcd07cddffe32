import { log } from "../platform/log.ts";
import { readCertificate } from "../providers/certificate.ts";
import { readHeaders, readSecret } from "../providers/paypal.ts";
import type { Source } from "../store/config.ts";

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;
const MAX_CACHED = 16;
const CACHE_SECONDS = 24 * 3600;
/** What PayPal has not got it will not have soon; what it did not answer it may answer a moment later. */
const UNKNOWN_FOR_MS = 600_000;
const UNAVAILABLE_FOR_MS = 10_000;
const MAX_MISSED = 1_000;
/** So many certificates that are not known here are fetched a second; for those who are shut out, so many of them. */
const FETCHES_A_SECOND = 5;
const FETCHES_FOR_SHUT_OUT = 1;

/** `unknown`: PayPal has no such certificate, so nothing that names it is PayPal's; `unavailable`: it cannot be had now. */
type Missing = "unknown" | "unavailable";
type Secrets = { ok: true; secrets: string[] } | { ok: false; because: Missing };

/** Certificates of this isolate by their URL. */
const certificates = new Map<string, string>();
/** Those that could not be had, by their URL, and until when (epoch ms) that is believed. */
const missed = new Map<string, { because: Missing; until: number }>();
/** How many were fetched in this second (of the epoch). */
let fetched = { second: 0, count: 0 };

/**
 * The secrets of a PayPal source with the certificate that a request names in each that brings none. As they are where
 * the request's headers are none of PayPal's: nothing is fetched for what cannot verify. `now`: epoch ms; `isShutOut`:
 * whoever posted has been refused too often.
 */
export async function withCertificate(
  headers: Headers,
  { secrets, config }: Pick<Source, "secrets" | "config">,
  { now, isShutOut }: { now: number; isShutOut: boolean },
): Promise<Secrets> {
  const read = readHeaders(headers, config ?? undefined);
  if ("reason" in read || secrets.every((secret) => readSecret(secret).certPem !== undefined)) {
    return { ok: true, secrets };
  }
  const found = await certificateAt(read.certificate.href, now, isShutOut ? FETCHES_FOR_SHUT_OUT : FETCHES_A_SECOND);
  if (!found.ok) return found;
  const whole = secrets.map(readSecret).map((parts) => ({ ...parts, certPem: parts.certPem ?? found.pem }));
  return { ok: true, secrets: whole.map((parts) => JSON.stringify(parts)) };
}

async function certificateAt(
  url: string,
  now: number,
  maxFetches: number,
): Promise<{ ok: true; pem: string } | { ok: false; because: Missing }> {
  const known = certificates.get(url);
  if (known !== undefined) return { ok: true, pem: known };
  const miss = missed.get(url);
  if (miss && miss.until > now) return { ok: false, because: miss.because };
  try {
    const cached = await caches.default.match(url);
    if (!cached && !mayFetch(now, maxFetches)) return { ok: false, because: "unavailable" };
    const response = cached ?? (await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }));
    const pem = response.ok ? await textOf(response) : null;
    if (pem === null || readCertificate(pem) === null) {
      log.warn("ingest.certificate_unavailable", { url, status: response.status });
      return noteMissed(url, isRefusal(response) ? "unknown" : "unavailable", now);
    }
    if (!cached) {
      const headers = { "cache-control": `max-age=${CACHE_SECONDS}` };
      await caches.default.put(url, new Response(pem, { headers }));
    }
    if (certificates.size >= MAX_CACHED) certificates.clear();
    certificates.set(url, pem);
    return { ok: true, pem };
  } catch (error) {
    log.warn("ingest.certificate_unavailable", { url, error });
    return noteMissed(url, "unavailable", now);
  }
}

function mayFetch(now: number, max: number): boolean {
  const second = Math.floor(now / 1000);
  fetched = { second, count: fetched.second === second ? fetched.count : 0 };
  if (fetched.count >= max) return false;
  fetched.count += 1;
  return true;
}

/** Whether an answer says that there is no such certificate, and not that we are to come later. */
function isRefusal({ status }: Response): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 425, 429].includes(status);
}

function noteMissed(url: string, because: Missing, now: number): { ok: false; because: Missing } {
  missed.delete(url);
  missed.set(url, { because, until: now + (because === "unknown" ? UNKNOWN_FOR_MS : UNAVAILABLE_FOR_MS) });
  if (missed.size > MAX_MISSED) missed.delete(missed.keys().next().value!);
  return { ok: false, because };
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
