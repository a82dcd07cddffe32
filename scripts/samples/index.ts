import { hmac } from "./hmac.ts";
import type { ProviderSamples } from "./sample.ts";
import { standard } from "./standard.ts";
import { stripe } from "./stripe.ts";

/** The samples of every provider that has some. */
export const samples: readonly ProviderSamples[] = [stripe, standard, hmac];
