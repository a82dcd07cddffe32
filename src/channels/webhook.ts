// Webhooks by Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks). Pure: the executor sends.

/** The version in `user-agent`: the one of package.json. */
export const VERSION = "0.1.0";

/** How Standard Webhooks writes a shared secret, and the private half of a key pair. */
const SECRET_PREFIX = "whsec_";
const SIGNING_KEY_PREFIX = "whsk_";
/** Of an Ed25519 seed, and of the public key that follows it. */
const ED25519_BYTES = 32;
/** At least one byte, with or without its padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)$/;
const MAX_CACHED_KEYS = 256;
/** The longest pause that a receiver can ask one delivery to make. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

const encoder = new TextEncoder();
/** Imported keys of this isolate by secret, the one used longest ago first. */
const keys = new Map<string, Promise<CryptoKey>>();

/**
 * What is signed. `timestamp`: epoch seconds of the attempt; `secrets`: `whsec_` and base64, or `whsk_` and base64 of
 * an Ed25519 seed and its public key, the newest first.
 */
export interface Signable {
  /** Constant over all attempts of an event. Holds no full stop, which is what separates the signed parts. */
  id: string;
  timestamp: number;
  body: Uint8Array;
  secrets: string[];
}

/**
 * The value of `webhook-signature`: for each secret, in their order, `v1,` and its HMAC-SHA256 or `v1a,` and its
 * Ed25519 signature in base64, separated by spaces. Throws a TypeError, which never quotes the secret, where there is
 * none or one is written otherwise.
 */
export async function signWebhook({ id, timestamp, body, secrets }: Signable): Promise<string> {
  if (secrets.length === 0) throw new TypeError("A webhook is signed with at least one secret");
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  const signatures = secrets.map(async (secret) => {
    const [version, algorithm] = secret.startsWith(SIGNING_KEY_PREFIX) ? ["v1a", "Ed25519"] : ["v1", "HMAC"];
    const signature = await crypto.subtle.sign(algorithm, await keyOf(secret), signed);
    return `${version},${base64(new Uint8Array(signature))}`;
  });
  return (await Promise.all(signatures)).join(" ");
}

/** One attempt to tell an endpoint of an event. */
export interface WebhookAttempt {
  url: string;
  /** As for {@link signWebhook}, each with the epoch ms until which it signs; null: until it is replaced. */
  secrets: { secret: string; expiresAt: number | null }[];
  /** The merchant's own headers; those that {@link checkHeader} refuses are left out. */
  headers: Record<string, string>;
  /** `svix`: also send the `svix-*` names of the same three headers. */
  compat: "svix" | null;
  /** The event's id. */
  id: string;
  /** Which installations of Paybell it has come through, this one last. */
  hops: string;
  /** 1 for the first. */
  attempt: number;
  /** Epoch milliseconds. */
  now: number;
  body: string;
}

/** A request ready to be sent with POST. Names of headers are in lower case; `body` holds the very bytes signed. */
export interface WebhookRequest {
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

/**
 * What the challenge of an endpoint's verification is answered with: its SHA-256, in hexadecimal. A server that repeats
 * what it is sent, or answers somebody else's challenges by repeating them, does not say so by accident.
 */
export async function challengeAnswer(challenge: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(challenge)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Composes and signs the request of one attempt. Throws as {@link signWebhook} does. */
export async function prepareWebhook(input: WebhookAttempt): Promise<WebhookRequest> {
  const { url, headers, compat, id, hops, attempt, now } = input;
  const body = encoder.encode(input.body);
  const timestamp = Math.floor(now / 1000);
  const valid = input.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  const secrets = valid.map(({ secret }) => secret);
  const signature = await signWebhook({ id, timestamp, body, secrets });
  const own = Object.entries(headers).filter(([name, value]) => checkHeader(name, value).ok);
  return {
    url,
    headers: {
      ...Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), value])),
      "content-type": "application/json",
      "user-agent": `Paybell/${VERSION}`,
      "paybell-attempt": String(attempt),
      "paybell-hops": hops,
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signature,
      ...(compat === "svix" && { "svix-id": id, "svix-timestamp": String(timestamp), "svix-signature": signature }),
    },
    body,
  };
}

/**
 * What an answer says. `retryAfterMs`: the pause that the receiver asks for, above 0 and at most 24 h; null if it asks
 * for none.
 */
export interface Answer {
  class: "delivered" | "http" | "throttled" | "gone" | "redirect";
  retryAfterMs: number | null;
}

/** An HTTP answer without its body, of which nothing depends. `now`: epoch milliseconds, for dates in Retry-After. */
export interface AnswerHead {
  status: number;
  headers: { get(name: string): string | null };
  now: number;
}

/**
 * Classifies an answer: any 2xx is delivered, a redirect is a failure and is never followed, 410 or the header
 * `webhook-delivery: disable` on a failure is `gone`, 429 and 503 are `throttled`, all else is `http`.
 */
export function interpretAnswer({ status, headers, now }: AnswerHead): Answer {
  if (status >= 200 && status < 300) return { class: "delivered", retryAfterMs: null };
  const isDisabled = headers.get("webhook-delivery")?.trim().toLowerCase() === "disable";
  if (status === 410 || isDisabled) return { class: "gone", retryAfterMs: null };
  if (status >= 300 && status < 400) return { class: "redirect", retryAfterMs: null };
  if (status === 429 || status === 503) {
    return { class: "throttled", retryAfterMs: parseRetryAfter(headers.get("retry-after") ?? "", now) };
  }
  return { class: "http", retryAfterMs: null };
}

/**
 * Names that the signature, the sender or the transport owns (RFC 9110, 7.6.1, and what Workers set themselves), and
 * those by which a proxy tells a server who calls, or how: a server that believes them would believe a merchant.
 */
const RESERVED_HEADER = new RegExp(
  `^(?:${[
    "(?:webhook|svix|paybell|cf|proxy|sec|x-forwarded|x-original|x-envoy|x-amzn|x-appengine|x-akamai|x-azure)-.*",
    "content-(?:type|length|encoding)|user-agent|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade",
    "expect|date|accept-encoding|forwarded|via|cdn-loop|max-forwards",
    "(?:(?:x|true|x-cluster|fastly|fly|x-proxyuser)-)?(?:client|real|remote|originating)-(?:ip|addr|user|host)",
    "x-proxyuser-ip|x-rewrite-url|x-host|x-http-method(?:-override)?|x-method-override",
  ].join("|")})$`,
);
/** RFC 9110, 5.6.2 and 5.5, without the obsolete bytes above ASCII. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/;

/** Whether a merchant may add this header to its webhooks; if not, why, for the merchant to read. */
export function checkHeader(name: string, value: string): { ok: true } | { ok: false; code: string; message: string } {
  const lower = name.toLowerCase();
  if (!HEADER_NAME.test(lower)) {
    return { ok: false, code: "header_name_malformed", message: "This is not the name of an HTTP header." };
  }
  if (RESERVED_HEADER.test(lower)) {
    return {
      ok: false,
      code: "header_reserved",
      message: `The header ${lower} is set by Paybell or by the transport.`,
    };
  }
  if (!HEADER_VALUE.test(value)) {
    return {
      ok: false,
      code: "header_value_malformed",
      message: "A header's value is visible ASCII, with spaces and tabs only inside.",
    };
  }
  return { ok: true };
}

const IMF_OR_RFC850_DATE = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * The pause in milliseconds that a Retry-After asks for, at most 24 h: seconds, or a date in one of the three forms of
 * RFC 9110, 5.6.7 (10.2.3). Null: none, or one that is over or written otherwise. `now`: epoch milliseconds.
 */
export function parseRetryAfter(text: string, now: number): number | null {
  const value = text.trim();
  let waitMs = Number.NaN;
  if (/^\d{1,15}$/.test(value)) waitMs = Number(value) * 1000;
  else if (IMF_OR_RFC850_DATE.test(value)) waitMs = Date.parse(value) - now;
  else if (ASCTIME_DATE.test(value)) waitMs = Date.parse(`${value} GMT`) - now;
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : null;
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const key = keys.get(secret) ?? importKey(secret);
  keys.delete(secret);
  keys.set(secret, key);
  if (keys.size > MAX_CACHED_KEYS) keys.delete(keys.keys().next().value!);
  return key;
}

/** Throws at once, so that no failure is ever cached. */
function importKey(secret: string): Promise<CryptoKey> {
  if (secret.startsWith(SIGNING_KEY_PREFIX)) {
    const bytes = bytesOf(secret.slice(SIGNING_KEY_PREFIX.length));
    if (bytes?.length !== 2 * ED25519_BYTES) {
      throw new TypeError("A merchant's signing key is whsk_ followed by base64 of 64 bytes");
    }
    const [d, x] = [bytes.subarray(0, ED25519_BYTES), bytes.subarray(ED25519_BYTES)].map(base64url) as [string, string];
    return crypto.subtle.importKey("jwk", { kty: "OKP", crv: "Ed25519", d, x }, "Ed25519", false, ["sign"]);
  }
  const bytes = secret.startsWith(SECRET_PREFIX) ? bytesOf(secret.slice(SECRET_PREFIX.length)) : null;
  if (bytes === null) {
    throw new TypeError("An endpoint's secret is whsec_ followed by base64");
  }
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  return BASE64.test(text) ? Uint8Array.from(atob(text), (char) => char.charCodeAt(0)) : null;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** As JSON Web Keys write bytes (RFC 7515, 2). */
function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
