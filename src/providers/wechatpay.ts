import { type Json, parseObject, partsOf, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { verifyRsa } from "./rsa.ts";
import { wechatpayFault } from "./secret-faults.ts";
import { bytesOfBase64, ifFresh, prefixed, secondsOf } from "./signature.ts";
import { customerOf, partsOfResource, readWeChatPayEvent } from "./wechatpay-events.ts";

const TOLERANCE_SECONDS = 300;
const ALGORITHM = "WECHATPAY2-SHA256-RSA2048";

/**
 * WeChat Pay, API v3: RSA-SHA256 in base64 over `{timestamp}\n{nonce}\n{body}\n`, with the key that `Wechatpay-Serial`
 * names; what the notification is about is encrypted with AES-GCM. The secret is JSON: `keys`, WeChat Pay's public keys
 * or certificates (PEM) by serial, and `apiV3Key`. A secret fits if it verifies and opens what is encrypted.
 * https://pay.weixin.qq.com/docs/merchant/development/interface-rules/build-verify-sign-src.html
 */
export const wechatpay: Provider = {
  name: "wechatpay",
  config: ModeConfig,
  secretFault: wechatpayFault,

  mayBeSigned: ({ headers }) => headers.has("wechatpay-signature"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const names = ["timestamp", "nonce", "serial", "signature"];
    const [time, nonce, serial, signature] = names.map((name) => headers.get(`wechatpay-${name}`));
    if (!time || !nonce || !serial || !signature) return { ok: false, reason: "header_missing" };
    // WeChat Pay tries whether a bad signature is refused.
    if (signature.startsWith("WECHATPAY/SIGNTEST/")) return { ok: false, reason: "signature_probe" };
    if (![null, ALGORITHM].includes(headers.get("wechatpay-signature-type"))) {
      return { ok: false, reason: "algorithm_unknown" };
    }
    const signedAt = secondsOf(time);
    if (signedAt === null) return { ok: false, reason: "header_malformed" };
    const keys = secrets.map((secret) => textAt(partsOf(secret), "keys", serial) ?? "");
    const signed = prefixed(`${time}\n${nonce}\n`, body, "\n");
    const verification = ifFresh(await verifyRsa(signature, [signed], keys), signedAt, now, toleranceSeconds);
    const isSealed = verification.ok && (await open(body, secrets).catch(() => undefined)) === null;
    return isSealed ? { ok: false, reason: "resource_sealed" } : verification;
  },

  async normalize({ body }, secrets, config) {
    const event = await open(body, secrets);
    const [id, providerType] = [textAt(event, "id"), textAt(event, "event_type")];
    if (!event || !id || !providerType) {
      throw new UnparseableError("the body is not a notification of WeChat Pay that a secret opens");
    }
    const resource = event["resource"] as Json;
    return partsOfResource(resource).map((part) => ({
      eventId: part === resource ? id : `${id}:${textAt(part, "out_trade_no")}`,
      providerType,
      ...readWeChatPayEvent(providerType, part),
      occurredAt: instantOfIso(part["success_time"]) ?? instantOfIso(event["create_time"]),
      livemode: isLive(config),
      customer: customerOf(resource),
      authenticity: "signed",
      raw: event,
    }));
  },

  /** WeChat Pay wants to read why, too. */
  acknowledge(outcome) {
    const { ok, status } = acknowledgePlainly(outcome);
    return ok ? new Response(null, { status: 204 }) : Response.json({ code: "FAIL", message: outcome }, { status });
  },
};

/**
 * A notification with its resource decrypted; null where no secret opens it.
 *
 * @throws {UnparseableError} where nothing in the body is encrypted as WeChat Pay does.
 */
async function open(body: Uint8Array, secrets: string[]): Promise<Json | null> {
  const event = parseObject(body);
  const { resource } = event;
  const ciphertext = bytesOfBase64(textAt(resource, "ciphertext") ?? "");
  if (!ciphertext || textAt(resource, "algorithm") !== "AEAD_AES_256_GCM") {
    throw new UnparseableError("the body is not a notification of WeChat Pay");
  }
  const [iv, additionalData] = ["nonce", "associated_data"].map((name) => prefixed(textAt(resource, name) ?? ""));
  const cipher = { name: "AES-GCM", iv: iv!, additionalData: additionalData! };
  for (const secret of secrets) {
    const opened = await crypto.subtle
      .importKey("raw", prefixed(textAt(partsOf(secret), "apiV3Key") ?? ""), "AES-GCM", false, ["decrypt"])
      .then(async (key) => crypto.subtle.decrypt(cipher, key, ciphertext))
      .catch(() => null);
    if (opened) return { ...event, resource: parseObject(new Uint8Array(opened)) };
  }
  return null;
}
