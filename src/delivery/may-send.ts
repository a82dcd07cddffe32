import type { Dispatch, EventRecord } from "../outbox/contract.ts";
import type { MerchantConfig } from "../store/config.ts";
import { deferred, type Conclusion } from "./outcome.ts";

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
  const until = Math.ceil(now + Math.min(Math.max((now - record.acceptedAt) / 4, MIN_WAIT_MS), MAX_WAIT_MS));
  return deferred(record, dispatch, until, { reason: "paused", until });
}
