import { V, type BackupMessage } from "../outbox/contract.ts";
import { park } from "../outbox/parking.ts";
import { readBackup } from "../outbox/reading.ts";
import { log, reasonOf } from "../platform/log.ts";
import { keepDead } from "../store/dead-letters.ts";
import { forgetEvent, writeLog } from "../store/log.ts";
import { tryAccept } from "./accept.ts";
import { sendAlert, takeAnnouncement } from "./announced.ts";
import { keep } from "./quarantine.ts";

const FIRST_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 600;
/** From this attempt on a message that fails is a dead letter, with its error; one more, and its queue gives it up. */
const LAST_ATTEMPTS = 100;

/**
 * Consumes the `backup` queue: brings spilled events to their outboxes, log rows to D1 and settles to their outboxes,
 * each as often as it takes. What cannot be read is parked. Never throws.
 */
export async function consumeBackup(
  batch: MessageBatch,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const readable = readBackup(message.body);
      try {
        await (readable ? bring(readable, { env, ctx }) : park(env, batch.queue, message));
        message.ack();
      } catch (error) {
        log.warn("backup.failed", { kind: readable?.kind ?? null, attempts: message.attempts, error });
        if (readable && message.attempts >= LAST_ATTEMPTS && (await isKept(env, message, reasonOf(error)))) {
          message.ack();
          return;
        }
        const delay = FIRST_DELAY_SECONDS * 2 ** Math.min(message.attempts - 1, 10);
        message.retry({ delaySeconds: Math.min(delay, MAX_DELAY_SECONDS) });
      }
    }),
  );
}

/** Whether a message stands among the dead letters now. */
async function isKept(env: Env, message: Message, error: string): Promise<boolean> {
  const given = { at: Date.now(), attempts: message.attempts, error };
  return keepDead(env.DB, message as Message<BackupMessage>, given).then(
    () => true,
    () => false,
  );
}

async function bring(
  message: BackupMessage,
  request: { env: Env; ctx: Pick<ExecutionContext, "waitUntil"> },
): Promise<void> {
  const { env } = request;
  switch (message.kind) {
    case "log":
      return writeLog(env.DB, message.rows);
    case "settle":
      await env.USER_OUTBOX.getByName(message.key).settle({
        v: V,
        settles: message.settles,
        takes: 0,
        unlogged: [],
      });
      return;
    case "announce":
      return takeAnnouncement(request, message);
    case "quarantine":
      return keep(env, message.row, Date.now());
    case "alert":
      return sendAlert(env, message);
    case "enrich":
      // A dead letter of the other queue, which goes around again by way of this one.
      await env.ENRICHMENTS.send(message, { contentType: "json" });
      return;
    case "accept": {
      const { event } = message;
      const taken = (await tryAccept(request, [event])).get(event);
      if (taken === undefined || !("id" in taken)) {
        throw new Error("The outbox does not take the event yet");
      }
      if (taken.id !== event.id) {
        await forgetEvent(env.DB, event.merchant, event.id);
      }
    }
  }
}
