import { log } from "../platform/log.ts";
import { tidyLog } from "../store/retention.ts";
import { countUsage, overQuota } from "../store/usage.ts";
import { eraseDue } from "./erasing.ts";
import { unpark } from "./parking.ts";

/** Counts, and tells the operator who is over: what providers send is taken above the quota too. */
async function watchUsage(env: Env, now: number): Promise<void> {
  await countUsage(env.DB, now);
  const merchants = await overQuota(env.DB, now);
  if (merchants.length > 0) {
    log.warn("quota.exceeded", { merchants });
  }
}

/** What the cron does besides waking: each on its own, so that one that fails stops no other. `now`: epoch ms. */
export async function keepHouse(env: Env, now: number): Promise<void> {
  const chores = {
    usage: () => watchUsage(env, now),
    erasures: () => eraseDue(env, now),
    retention: () => tidyLog(env, now),
    parked: () => unpark(env),
  };
  for (const [chore, work] of Object.entries(chores)) {
    try {
      await work();
    } catch (error) {
      log.error("chore.failed", { chore, error });
    }
  }
}
