import { AUTHENTICITIES, type Authenticity } from "../event/event.ts";

/** What an event says of itself that decides whether people hear of it. */
export interface Tellable {
  livemode: boolean;
  stale: boolean;
  /** How far its provider can be believed; null: the merchant posted it itself. */
  authenticity: Authenticity | null;
  /** What its source demands; where it has none, what sources do that say nothing. */
  minAuthenticity?: Authenticity | undefined;
}

/**
 * Why people are not told of an event at all: it is a test, less sure than its source demands, or it changes nothing.
 * Null: they may be.
 */
export function whyUntold({
  livemode,
  stale,
  authenticity,
  minAuthenticity = "fetched",
}: Tellable): "testmode" | "authenticity" | "stale" | null {
  if (!livemode) return "testmode";
  const isSure =
    authenticity === null || AUTHENTICITIES.indexOf(authenticity) <= AUTHENTICITIES.indexOf(minAuthenticity);
  if (!isSure) return "authenticity";
  return stale ? "stale" : null;
}
