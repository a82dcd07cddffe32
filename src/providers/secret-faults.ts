// What is no secret of its provider, in plain words for whoever writes it. The API asks before it stores one; verifiers
// take what is there, so that secrets of older releases go on.

import { readCertificate } from "./certificate.ts";
import { HmacConfig } from "./config.ts";
import { isObject, partsOf, textAt } from "./json.ts";
import type { SecretFault } from "./provider.ts";
import { rsaKeyOf } from "./rsa.ts";
import { bytesOfBase64, bytesOfHex, bytesOfLooseBase64 } from "./signature.ts";

/** Of what is guessed at leisure, once somebody has one signed request. */
const MIN_CHARACTERS = 16;
const MIN_BYTES = 16;
const AES_256_BYTES = 32;
const ED25519_BYTES = 32;

/** Any text that is long enough. */
export const textFault: SecretFault = (secret) => {
  const { length } = secret.trim();
  return length < MIN_CHARACTERS ? `A secret has ${MIN_CHARACTERS} characters or more, this one has ${length}` : null;
};

export const stripeFault: SecretFault = (secret) =>
  /^whsec_\S{10,}$/.test(secret) ? null : "Stripe's signing secret begins with whsec_, and has 16 characters or more";

export const paystackFault: SecretFault = (secret) =>
  /^sk_(live|test)_\S{8,}$/.test(secret)
    ? null
    : "Paystack signs with the secret key of the account: sk_live_… or sk_test_…";

/** https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures */
export const adyenFault: SecretFault = (secret) =>
  (bytesOfHex(secret.trim())?.length ?? 0) < MIN_BYTES
    ? "Adyen's HMAC key is hex: 64 digits, as it is shown there"
    : null;

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme */
export const standardFault: SecretFault = (secret) => {
  const text = secret.trim();
  if (text.startsWith("whpk_")) {
    const isKey = bytesOfLooseBase64(text.slice("whpk_".length))?.length === ED25519_BYTES;
    return isKey ? null : "A public key is whpk_ and base64 of 32 bytes";
  }
  const bytes = bytesOfLooseBase64(text.replace(/^whsec_/, ""));
  return (bytes?.length ?? 0) < MIN_BYTES
    ? "A secret is whsec_ and base64 of 24 to 64 bytes, a public key whpk_ and base64"
    : null;
};

export const hmacFault: SecretFault = async (secret, config) => {
  const encoding = HmacConfig.safeParse(config ?? {}).data?.secretEncoding ?? "utf8";
  const isWritten = encoding === "utf8" || (encoding === "hex" ? bytesOfHex(secret) : bytesOfBase64(secret)) !== null;
  return isWritten
    ? textFault(secret, config)
    : `config.secretEncoding says that secrets are ${encoding}, which this one is not`;
};

export const alipayFault: SecretFault = async (secret) =>
  (await rsaKeyOf(secret)) === null ? "Alipay's public key, in base64 or PEM, or its certificate in PEM" : null;

export const wechatpayFault: SecretFault = async (secret) => {
  const { keys, apiV3Key } = partsOf(secret);
  const shape = 'JSON: {"keys":{"PUB_KEY_ID_…":"a public key or certificate in PEM"},"apiV3Key":"…"}';
  if (!isObject(keys) || Object.keys(keys).length === 0) return shape;
  for (const [serial, key] of Object.entries(keys)) {
    if (typeof key !== "string" || (await rsaKeyOf(key)) === null) {
      return `keys.${serial.slice(0, 64)} is no RSA public key and no certificate in PEM`;
    }
  }
  const isKey = typeof apiV3Key === "string" && new TextEncoder().encode(apiV3Key).length === AES_256_BYTES;
  return isKey ? null : `apiV3Key has ${AES_256_BYTES} characters, as you set it at WeChat Pay`;
};

export const paypalFault: SecretFault = (secret) => {
  const parts = partsOf(secret);
  if (!/^[\w-]{1,64}$/.test(textAt(parts, "webhookId") ?? ""))
    return 'JSON with the id of the webhook: {"webhookId":"…"}';
  const { certPem } = parts;
  const isFit = certPem === undefined || (typeof certPem === "string" && readCertificate(certPem) !== null);
  return isFit ? null : "certPem is no certificate in PEM";
};

export const braintreeFault: SecretFault = async (secret) => {
  const parts = partsOf(secret);
  const shape = 'JSON with an API key pair: {"publicKey":"…","privateKey":"…"}';
  const privateKey = textAt(parts, "privateKey");
  return textAt(parts, "publicKey") && privateKey && (await textFault(privateKey, null)) === null ? null : shape;
};

export const worldpayFault: SecretFault = async (secret) => {
  const keys = Object.entries(partsOf(secret));
  if (keys.length === 0) return 'JSON with keys by their ids: {"1":"the shared secret"}';
  for (const [id, key] of keys) {
    if (typeof key !== "string" || !/^[^/\s]{1,64}$/.test(id))
      return "Each key is a text, under the id that Worldpay gave it";
    const fault = await textFault(key, null);
    if (fault !== null) return `Key ${id}: ${fault}`;
  }
  return null;
};
