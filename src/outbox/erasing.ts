import { log } from "../platform/log.ts";
import { dueErasures, eraseBite, type Erasure } from "../store/erasures.ts";
import { V } from "./contract.ts";
import { userKey } from "./keys.ts";

/** So many bites of the log are taken by one call, for all that is to be erased together. */
const BITES = 40;

/** Goes on with every erasure that is due; the cron calls it. `now`: epoch ms. */
export async function eraseDue(env: Env, now: number): Promise<void> {
  await eraseSome(env, await dueErasures(env.DB, now), now);
}

/**
 * Goes some bites on with erasures. What a user has not been told yet is not told any more; webhooks that wait still
 * go out, to the merchant who knows the user, and are erased from the log once they are over. Never throws.
 */
export async function eraseSome(env: Env, erasures: Erasure[], now: number): Promise<void> {
  let bites = BITES;
  for (const erasure of erasures) {
    try {
      if (erasure.place === "" && erasure.user !== null) {
        const outbox = env.USER_OUTBOX.getByName(await userKey(erasure.merchant, erasure.user));
        await outbox.forgetUser({ v: V, before: erasure.createdAt });
      }
      let left: Erasure | null = erasure;
      while (left !== null && bites > 0) {
        bites -= 1;
        left = await eraseBite(env.DB, left, now);
      }
    } catch (error) {
      log.error("erasure.failed", { erasure: erasure.id, error });
    }
  }
}
