import type { EventItem } from "../outbox/contract.ts";
import { pack, send } from "../outbox/messages.ts";
import { log } from "../platform/log.ts";
import { plannedRows, writeLog } from "../store/log.ts";

/** How long one request goes on with what others bring; the platform ends its context 30 s after its answer. */
const SENDS_FOR_MS = 10_000;
/** How long a request that sends may show no sign of life before another one takes its place. */
const TRUSTED_MS = 3_000;

/** What the requests of this isolate have ready to be sent: data only, no request's I/O objects. */
let ready: EventItem[] = [];
/** Until when (epoch ms) the request that sends is trusted to be alive; in the past: nobody sends. */
let trustedUntil = 0;

/** What a request gives to work that goes on after its answer. */
export interface RequestContext {
  env: Env;
  ctx: Pick<ExecutionContext, "waitUntil">;
}

/**
 * Sends accepted events to the queue once the request is answered: at once if no other request is sending, else
 * together with what the others have ready when that send is done. What a crash takes with it, the outbox sends again
 * when the lease runs out.
 */
export function enqueue({ env, ctx }: RequestContext, items: EventItem[]): void {
  ready.push(...items);
  if (ready.length > 0 && trustedUntil <= Date.now()) {
    ctx.waitUntil(sendAll(env, Date.now() + SENDS_FOR_MS));
  }
}

async function sendAll(env: Env, until: number): Promise<void> {
  while (ready.length > 0 && Date.now() < until) {
    const items = ready;
    ready = [];
    trustedUntil = Date.now() + TRUSTED_MS;
    try {
      await send(env.DELIVERIES, pack(items));
    } catch (error) {
      log.warn("deliveries.send_failed", { items: items.length, error });
      await writeLog(env.DB, items.flatMap(plannedRows)).catch((reason: unknown) =>
        log.warn("log.failed", { items: items.length, error: String(reason) }),
      );
    }
  }
  trustedUntil = 0;
}
