import type { Enricher } from "./enricher.ts";
import { flutterwave } from "./flutterwave.ts";
import { mollie } from "./mollie.ts";
import { paypal } from "./paypal.ts";

/** Every provider that can be asked about its own posts, by the name that the registry of providers has for it. */
const enrichers = { flutterwave, mollie, paypal };

/** The enricher of a provider; null where there is none. */
export function enricherOf(provider: string): Enricher | null {
  // Of any credential: whoever has an enricher by its name has parsed a credential with the enricher's own schema.
  return Object.hasOwn(enrichers, provider) ? (enrichers[provider as keyof typeof enrichers] as Enricher) : null;
}
