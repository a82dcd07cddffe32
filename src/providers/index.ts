import { adyenPlatform } from "./adyen-platform.ts";
import { adyen } from "./adyen.ts";
import { alipay } from "./alipay.ts";
import { braintree } from "./braintree.ts";
import { checkout } from "./checkout.ts";
import { coinbaseCdp } from "./coinbase-cdp.ts";
import { coinbaseCommerce } from "./coinbase-commerce.ts";
import { flutterwaveV4 } from "./flutterwave-v4.ts";
import { flutterwave } from "./flutterwave.ts";
import { gocardless } from "./gocardless.ts";
import { hmac } from "./hmac.ts";
import { lemonsqueezy } from "./lemonsqueezy.ts";
import { mollie } from "./mollie.ts";
import { paddle } from "./paddle.ts";
import { paypal } from "./paypal.ts";
import { paystack } from "./paystack.ts";
import type { Provider } from "./provider.ts";
import { razorpay } from "./razorpay.ts";
import { shopify } from "./shopify.ts";
import { square } from "./square.ts";
import { standard } from "./standard.ts";
import { stripe } from "./stripe.ts";
import { wechatpay } from "./wechatpay.ts";
import { worldpay } from "./worldpay.ts";

/** Every provider by the name that sources call it. */
export const providers = {
  stripe,
  adyen,
  "adyen-platform": adyenPlatform,
  paypal,
  square,
  checkout,
  mollie,
  razorpay,
  alipay,
  paystack,
  flutterwave,
  "flutterwave-v4": flutterwaveV4,
  gocardless,
  braintree,
  paddle,
  lemonsqueezy,
  shopify,
  "coinbase-commerce": coinbaseCommerce,
  "coinbase-cdp": coinbaseCdp,
  wechatpay,
  worldpay,
  standard,
  hmac,
} satisfies Record<string, Provider>;

/** The provider of that name; null where there is none. */
export function providerOf(name: string): Provider | null {
  return Object.hasOwn(providers, name) ? providers[name as keyof typeof providers] : null;
}
