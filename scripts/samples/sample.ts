import type { SignedRequest } from "../../src/providers/provider.ts";
import type { EventType } from "../../src/event/event-types.ts";

/** One event of a provider as it really sends it, with names, ids and amounts of our own. */
export interface Sample {
  /** The provider's name of the type, such as `payment_intent.succeeded`. */
  type: string;
  /** What tells it from the other samples of its type, where the claim of {@link Sample.is} does not: see {@link byName}. */
  variant?: string;
  /** The provider's page, or the type of its SDK, that the object was written from. */
  source: string;
  /** The event as the provider words it. `id`: unique, for whatever ids it has; `at`: when it happened, epoch ms. */
  make(id: string, at: number): unknown;
  /** The canonical type that it is. */
  is: EventType;
  /** The amount that it is about, such as `19.99 EUR` or `500 JPY`: of its refund, dispute or payout, else its payment. */
  amount?: string;
}

/**
 * How a provider's requests are made: for the tests, which hold its adapter to them, and for `npm run trigger`. Nothing
 * of it runs in the Worker.
 */
export interface ProviderSamples {
  /** As in the registry of providers. */
  provider: string;
  /** What a source of these needs in its `config`. */
  config?: Record<string, unknown>;
  /** Seconds that a signed time may be away from now; null where no time is signed. */
  toleranceSeconds: number | null;
  /** What the signature covers: all bytes of the body, some fields of it, a checksum, or nothing. */
  covers: "body" | "fields" | "checksum" | "nothing";
  /**
   * New keys: `secret` as a source takes it, `signingKey` as {@link ProviderSamples.sign} does. They are the same text
   * where both sides share a secret.
   */
  newKeys(): Promise<{ secret: string; signingKey: string }>;
  /** Makes the request that the provider would post. `now`: epoch seconds; `url`: as it is registered there. */
  sign(event: unknown, how: { signingKey: string; now: number; url: string }): Promise<SignedRequest>;
  /** The ten types that are used most, or more. */
  events: Sample[];
  /** The provider has fewer than ten types that mean something here: these are all. */
  areAll?: true;
  /** An event's id is in a header, and another each time that it is signed. */
  isIdInHeader?: true;
  /** Headers that a request needs and that nothing signs. */
  unsignedHeaders?: string[];
  /** Whatever JSON object is signed is an event, if only one that is unknown. */
  takesAnything?: true;
  /** No event of the provider's names an amount. */
  isMoneyless?: true;
  /** An event of a type that has no mapping; left out, where the name of the type is a text of the event as it stands. */
  unmapped?(id: string, at: number): unknown;
}

/**
 * Samples by the names that they are asked for under. The first of a type is called as the type, every other
 * `TYPE:variant`: by its own word, else by what its canonical type claims, such as `AUTHORISATION:failed`.
 */
export function byName(events: readonly Sample[]): ReadonlyMap<string, Sample> {
  const named = new Map<string, Sample>();
  for (const sample of events) {
    const { type, is, variant = is.replace(/^[^.]*\./, "") } = sample;
    named.set(named.has(type) ? `${type}:${variant}` : type, sample);
  }
  return named;
}
