import type { EventItem } from "../outbox/contract.ts";
import { pack, send } from "../outbox/messages.ts";
import { log } from "../platform/log.ts";
import { plannedRows, writeLog } from "../store/log.ts";

/** How long an item waits for those of other requests, so that they share a message. */
const COALESCE_MS = 5;

/** What the requests of this isolate have ready to be sent: data only, no request's I/O objects. */
let ready: EventItem[] = [];

/** What a request gives to work that goes on after its answer. */
export interface RequestContext {
  env: Env;
  ctx: Pick<ExecutionContext, "waitUntil">;
}

/**
 * Sends accepted events to the queue once the request is answered, together with what other requests have ready. What
 * a crash takes with it, the outbox sends again when the lease runs out.
 */
export function enqueue({ env, ctx }: RequestContext, items: EventItem[]): void {
  ready.push(...items);
  ctx.waitUntil(flushSoon(env));
}

async function flushSoon(env: Env): Promise<void> {
  await scheduler.wait(COALESCE_MS);
  const items = ready;
  ready = [];
  if (items.length === 0) {
    return;
  }
  try {
    await send(env.DELIVERIES, pack(items));
  } catch (error) {
    log.warn("deliveries.send_failed", { items: items.length, error: String(error) });
    await writeLog(env.DB, items.flatMap(plannedRows));
  }
}
