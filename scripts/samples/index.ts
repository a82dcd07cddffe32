import { adyenPlatformSamples } from "./adyen-platform.ts";
import { adyenSamples } from "./adyen.ts";
import { alipaySamples } from "./alipay.ts";
import { braintreeSamples } from "./braintree.ts";
import { checkoutSamples } from "./checkout.ts";
import { coinbaseCdpSamples } from "./coinbase-cdp.ts";
import { coinbaseCommerceSamples } from "./coinbase-commerce.ts";
import { flutterwaveV4Samples } from "./flutterwave-v4.ts";
import { flutterwaveSamples } from "./flutterwave.ts";
import { gocardlessSamples } from "./gocardless.ts";
import { hmacSamples } from "./hmac.ts";
import { lemonsqueezySamples } from "./lemonsqueezy.ts";
import { mollieSamples } from "./mollie.ts";
import { paddleSamples } from "./paddle.ts";
import { paypalSamples } from "./paypal.ts";
import { paystackSamples } from "./paystack.ts";
import { razorpaySamples } from "./razorpay.ts";
import { shopifySamples } from "./shopify.ts";
import { squareSamples } from "./square.ts";
import { standardSamples } from "./standard.ts";
import { stripeSamples } from "./stripe.ts";
import { wechatpaySamples } from "./wechatpay.ts";
import { worldpaySamples } from "./worldpay.ts";
import type { ProviderSamples } from "./sample.ts";

/** The samples of every provider that has some. */
export const samples: readonly ProviderSamples[] = [
  stripeSamples,
  adyenSamples,
  adyenPlatformSamples,
  paypalSamples,
  squareSamples,
  checkoutSamples,
  mollieSamples,
  razorpaySamples,
  alipaySamples,
  paystackSamples,
  flutterwaveSamples,
  flutterwaveV4Samples,
  gocardlessSamples,
  braintreeSamples,
  paddleSamples,
  lemonsqueezySamples,
  shopifySamples,
  coinbaseCommerceSamples,
  coinbaseCdpSamples,
  wechatpaySamples,
  worldpaySamples,
  standardSamples,
  hmacSamples,
];
