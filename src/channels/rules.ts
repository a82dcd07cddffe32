import type { PaymentEvent } from "../event/event.ts";

/** What an event says of itself that decides whether people hear of it. */
export interface Tellable {
  livemode: boolean;
  stale: boolean;
  /** How far its provider can be believed; null: the merchant posted it itself. */
  authenticity: NonNullable<PaymentEvent["origin"]>["authenticity"] | null;
}

/**
 * Why people are not told of an event at all: it is a test, nobody has signed the whole of it, or it changes nothing.
 * Null: they may be.
 */
export function whyUntold({ livemode, stale, authenticity }: Tellable): "testmode" | "authenticity" | "stale" | null {
  if (!livemode) return "testmode";
  if (authenticity === "signed-weak" || authenticity === "token") return "authenticity";
  return stale ? "stale" : null;
}
