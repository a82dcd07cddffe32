import { adyen } from "./adyen.ts";
import { adyenPlatform } from "./adyen-platform.ts";
import { checkout } from "./checkout.ts";
import { hmac } from "./hmac.ts";
import { paypal } from "./paypal.ts";
import type { Provider } from "./provider.ts";
import { square } from "./square.ts";
import { standard } from "./standard.ts";
import { stripe } from "./stripe.ts";

/** Every provider by the name that sources call it. */
export const providers = {
  stripe,
  adyen,
  "adyen-platform": adyenPlatform,
  paypal,
  square,
  checkout,
  standard,
  hmac,
} satisfies Record<string, Provider>;

/** The provider of that name; null where there is none. */
export function providerOf(name: string): Provider | null {
  return Object.hasOwn(providers, name) ? providers[name as keyof typeof providers] : null;
}
