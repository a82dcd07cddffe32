import type { Dispatch, EventRecord } from "../outbox/contract.ts";
import type { MerchantConfig } from "../store/config.ts";
import { deliveryRow } from "../store/log.ts";
import type { Conclusion } from "./outcome.ts";

const MIN_WAIT_MS = 60_000;
const MAX_WAIT_MS = 3_600_000;

/**
 * May anything of this merchant be sent now? Null: it may. Of a suspended merchant nothing is sent and nothing counts
 * as an attempt: a delivery looks again after a quarter of its age, from a minute to an hour, so that a long
 * suspension costs little and what waits goes on soon after a short one. `now`: epoch ms.
 */
export function heldBack(
  config: Pick<MerchantConfig, "status"> | null,
  record: EventRecord,
  dispatch: Dispatch,
  now: number,
): Conclusion | null {
  if (config?.status !== "suspended") {
    return null;
  }
  const until = now + Math.min(Math.max((now - record.acceptedAt) / 4, MIN_WAIT_MS), MAX_WAIT_MS);
  const row = deliveryRow(record, dispatch, {
    status: dispatch.attempts === 0 ? "pending" : "retrying",
    counter: dispatch.counter,
    waitingFor: { reason: "paused", until: Math.ceil(until) },
    dueAt: Math.ceil(until),
  });
  return { row, outcome: { kind: "deferred", until: Math.ceil(until) } };
}
