import { readBraintreeEvent } from "./braintree-events.ts";
import { formOf } from "./form.ts";
import { partsOf, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError, type Verification } from "./provider.ts";
import { isLive, ModeConfig } from "./reading.ts";
import { braintreeFault } from "./secret-faults.ts";
import {
  bytesOfBase64,
  bytesOfHex,
  hexOf,
  hmacOf,
  MAX_HEADER_LENGTH,
  MAX_SECRETS,
  prefixed,
  verifyHmac,
} from "./signature.ts";

/** Base64 with line breaks, longer than any challenge: what we sign for whoever asks is no payload. */
const PAYLOAD = /^[A-Za-z0-9+/=\n]{64,}$/;
/** Longer than any notification, and two pairs, of which more are not looked at. */
const LIMITS = { maxBytes: 384 * 1024, maxPairs: 8 };
const CHALLENGE = /^[0-9a-f]{20,32}$/;

/**
 * Braintree: a form whose `bt_signature` is `{public key}|{HMAC-SHA1 in hex}`, several with `&` between, over
 * `bt_payload`, which is XML in base64 and may have lost its last line break. The key is the SHA-1 of the private key.
 * The secret is JSON: `publicKey` and `privateKey`. https://developer.paypal.com/braintree/docs/guides/webhooks/parse
 */
export const braintree: Provider = {
  name: "braintree",
  config: ModeConfig,
  secretFault: braintreeFault,

  async verify({ body }, secrets) {
    const form = formOf(body, LIMITS);
    const [list, payload] = [form?.get("bt_signature"), form?.get("bt_payload")];
    if (!list || !payload) return { ok: false, reason: "field_missing" };
    if (list.length > MAX_HEADER_LENGTH || !PAYLOAD.test(payload)) return { ok: false, reason: "field_malformed" };
    if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
    const pairs = list.split("&").map((pair) => pair.split("|"));
    let verification: Verification = { ok: false, reason: "no_secret" };
    for (const [secretIndex, secret] of secrets.entries()) {
      const keys = await keysOf(secret);
      const own = pairs.filter(([name, , ...rest]) => name === keys?.publicKey && rest.length === 0);
      const signatures = own.flatMap(([, hex = ""]) => bytesOfHex(hex) ?? []);
      for (const text of keys ? [payload, `${payload}\n`] : []) {
        verification = await verifyHmac(prefixed(text), signatures, [keys!.key], "SHA-1");
        if (verification.ok) return { ok: true, secretIndex };
      }
    }
    return verification;
  },

  async normalize({ body }, _secrets, config) {
    const payload = formOf(body, LIMITS)?.get("bt_payload") ?? "";
    const xml = bytesOfBase64(payload.replaceAll("\n", ""));
    if (!xml) throw new UnparseableError("the body is not a form with a payload in base64");
    // The form could be written otherwise and carry the same signed payload: that names the event.
    const eventId = hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", xml)));
    return [{ eventId, ...readBraintreeEvent(xml), livemode: isLive(config), authenticity: "signed" }];
  },

  acknowledge: acknowledgePlainly,

  async handshake({ url }, secrets) {
    const challenge = new URL(url).searchParams.get("bt_challenge") ?? "";
    if (!CHALLENGE.test(challenge)) return new Response("bad challenge\n", { status: 400 });
    for (const secret of secrets) {
      const keys = await keysOf(secret);
      if (keys) return new Response(`${keys.publicKey}|${hexOf(await hmacOf(keys.key, prefixed(challenge), "SHA-1"))}`);
    }
    return acknowledgePlainly("bad-signature");
  },
};

/** Null for a secret that lacks one of the two. */
async function keysOf(secret: string): Promise<{ publicKey: string; key: Uint8Array<ArrayBuffer> } | null> {
  const parts = partsOf(secret);
  const publicKey = textAt(parts, "publicKey");
  const privateKey = textAt(parts, "privateKey");
  if (!publicKey || !privateKey?.trim()) return null;
  return { publicKey, key: new Uint8Array(await crypto.subtle.digest("SHA-1", prefixed(privateKey))) };
}
