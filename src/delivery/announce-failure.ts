import { announceDelivery } from "../outbox/announce.ts";
import type { Dispatch, EventRecord } from "../outbox/contract.ts";
import type { Conclusion } from "./outcome.ts";

/** With this many failed attempts a delivery is one that the merchant should look at. */
const FAILING_ATTEMPTS = 4;

/** Lets the merchant know of a delivery that has failed for the fourth time, or for good. */
export async function announceFailure(
  env: Env,
  record: EventRecord,
  { delivery, destination, attempts: before }: Dispatch,
  { row: { reason, attempt }, outcome: { kind } }: Conclusion,
): Promise<void> {
  const attempts = before + (attempt === null ? 0 : 1);
  const about = { delivery, destination, reason, attempts };
  if (kind === "exhausted") {
    await announceDelivery(env, record, { type: "delivery.exhausted", ...about });
  } else if (kind === "failed" && attempts === FAILING_ATTEMPTS) {
    await announceDelivery(env, record, { type: "delivery.failing", ...about });
  }
}
