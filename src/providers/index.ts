import { alipay } from "./alipay.ts";
import { coinbaseCdp } from "./coinbase-cdp.ts";
import { coinbaseCommerce } from "./coinbase-commerce.ts";
import { flutterwave } from "./flutterwave.ts";
import { flutterwaveV4 } from "./flutterwave-v4.ts";
import { hmac } from "./hmac.ts";
import { mollie } from "./mollie.ts";
import type { Provider } from "./provider.ts";
import { paystack } from "./paystack.ts";
import { razorpay } from "./razorpay.ts";
import { standard } from "./standard.ts";
import { stripe } from "./stripe.ts";
import { worldpay } from "./worldpay.ts";

/** Every provider by the name that sources call it. */
export const providers = {
  stripe,
  mollie,
  razorpay,
  paystack,
  alipay,
  flutterwave,
  "flutterwave-v4": flutterwaveV4,
  "coinbase-cdp": coinbaseCdp,
  "coinbase-commerce": coinbaseCommerce,
  worldpay,
  standard,
  hmac,
} satisfies Record<string, Provider>;

/** The provider of that name; null where there is none. */
export function providerOf(name: string): Provider | null {
  return Object.hasOwn(providers, name) ? providers[name as keyof typeof providers] : null;
}
