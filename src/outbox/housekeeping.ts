import { log } from "../platform/log.ts";
import { tidyLog } from "../store/retention.ts";
import { countUsage } from "../store/usage.ts";
import { eraseDue } from "./erasing.ts";
import { unpark } from "./parking.ts";

/** What the cron does besides waking: each on its own, so that one that fails stops no other. `now`: epoch ms. */
export async function keepHouse(env: Env, now: number): Promise<void> {
  const chores = {
    usage: () => countUsage(env.DB, now),
    erasures: () => eraseDue(env, now),
    retention: () => tidyLog(env, now),
    parked: () => unpark(env),
  };
  for (const [chore, work] of Object.entries(chores)) {
    try {
      await work();
    } catch (error) {
      log.error("chore.failed", { chore, error: String(error) });
    }
  }
}
