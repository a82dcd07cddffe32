import { log } from "../platform/log.ts";
import { dueErasures, endpointsToGo, eraseBite, type Erasure } from "../store/erasures.ts";
import { V } from "./contract.ts";
import { forgetGate } from "./gates.ts";
import { userKey } from "./keys.ts";

/** So many bites of the log are taken by one call, for all that is to be erased together. */
const BITES = 40;

/** Goes on with every erasure that is due; the cron calls it. `now`: epoch ms. */
export async function eraseDue(env: Env, now: number): Promise<void> {
  await eraseSome(env, await dueErasures(env.DB, now), now);
}

/** Goes some bites on with erasures, with each in turn, so that a long one holds up no other. Never throws. */
export async function eraseSome(env: Env, erasures: Erasure[], now: number, atMost = BITES): Promise<void> {
  const waiting = [...erasures];
  for (let bites = 0; bites < atMost && waiting.length > 0; bites += 1) {
    const erasure = waiting.shift()!;
    try {
      await forgetObjects(env, erasure);
      const left = await eraseBite(env, erasure, now);
      waiting.push(...(left ? [left] : []));
    } catch (error) {
      log.error("erasure.failed", { erasure: erasure.id, error });
    }
  }
}

/**
 * What Durable Objects know goes before the rows that name them. What a user has not been told yet is not told any
 * more; webhooks that wait still go out, to the merchant who knows the user, and are erased from the log once they are
 * over.
 */
async function forgetObjects(env: Env, { merchant, user, place, createdAt }: Erasure): Promise<void> {
  if (user === null) {
    const endpoints = await endpointsToGo(env.DB, merchant);
    await Promise.all(endpoints.map((endpoint) => forgetGate(env, merchant, endpoint)));
  } else if (place === "") {
    await env.USER_OUTBOX.getByName(await userKey(merchant, user)).forgetUser({ v: V, before: createdAt });
  }
}
