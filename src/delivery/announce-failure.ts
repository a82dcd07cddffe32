import { isChannel } from "../event/channels.ts";
import { OPERATIONS } from "../event/operational.ts";
import { announce } from "../outbox/announce.ts";
import type { Dispatch, EventRecord } from "../outbox/contract.ts";
import type { Conclusion } from "./outcome.ts";

/** With this many failed attempts a delivery is one that the merchant should look at. */
const FAILING_ATTEMPTS = 4;

/**
 * Lets the merchant know of a delivery that has failed for the fourth time, or for good: once an hour for each
 * destination. Never of what tells of such things itself.
 */
export async function announceFailure(
  env: Env,
  { merchant, source, id: event, type: eventType }: EventRecord,
  { delivery, destination, attempts }: Dispatch,
  { row: { reason, attempt }, outcome: { kind } }: Conclusion,
): Promise<void> {
  const made = attempts + (attempt === null ? 0 : 1);
  const isFailing = kind === "failed" && made === FAILING_ATTEMPTS;
  if (source === OPERATIONS || (kind !== "exhausted" && !isFailing)) {
    return;
  }
  const where = isChannel(destination) ? { channel: destination } : { endpoint: destination };
  const about = { id: delivery, event, eventType, ...where, reason, attempts: made };
  const type = isFailing ? "delivery.failing" : "delivery.exhausted";
  await announce(env, { merchant, type, target: destination, data: { delivery: about } });
}
