import { log } from "../platform/log.ts";
import { overdueOutboxes } from "../store/log.ts";

/** How long after its time an unfinished delivery counts as overdue. */
const OVERDUE_MS = 600_000;

/** Wakes outboxes whose unfinished deliveries are overdue in the log: their alarm must have been lost. */
export async function wakeOverdue(env: Env, now: number): Promise<void> {
  const names = await overdueOutboxes(env.DB, now - OVERDUE_MS);
  const woken = await Promise.allSettled(names.map((name) => env.USER_OUTBOX.getByName(name).wake()));
  if (names.length > 0) {
    log.warn("outbox.overdue", {
      outboxes: names.length,
      failed: woken.filter((one) => one.status === "rejected").length,
    });
  }
}
