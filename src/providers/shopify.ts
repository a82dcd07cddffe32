import { verifyBase64Hmac } from "./header-hmac.ts";
import { parseObject } from "./json.ts";
import { acknowledgePlainly, type Provider } from "./provider.ts";
import { isLive, ModeConfig } from "./reading.ts";
import { readShopifyEvent } from "./shopify-events.ts";

/**
 * Shopify: `X-Shopify-Hmac-Sha256`, or `Shopify-Hmac-Sha256` of its newer Events, which counts where both come:
 * HMAC-SHA256 in base64 over the body with the app's client secret. No other header is signed, neither topic nor shop
 * nor ids: none of them is read, and the body says what it is.
 * https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify
 */
export const shopify: Provider = {
  name: "shopify",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("shopify-hmac-sha256") || headers.has("x-shopify-hmac-sha256"),

  verify: ({ body, headers }, secrets) =>
    verifyBase64Hmac(headers.get("shopify-hmac-sha256") || headers.get("x-shopify-hmac-sha256"), body, secrets),

  async normalize({ body }, _secrets, config) {
    const object = parseObject(body);
    const { isTest, ...event } = readShopifyEvent(object);
    return [{ eventId: null, ...event, livemode: isLive(config) && !isTest, authenticity: "signed", raw: object }];
  },

  acknowledge: acknowledgePlainly,
};
