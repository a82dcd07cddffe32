import { park } from "../outbox/parking.ts";
import { readBackup } from "../outbox/reading.ts";
import { log } from "../platform/log.ts";
import { forgetDead, keepDead, redrive, waitingDead } from "../store/dead-letters.ts";

const AGAIN_SECONDS = 3_600;
/** How long dead letters are shown that nobody needs any more. */
const SHOWN_MS = 14 * 24 * 3_600_000;

/**
 * Consumes the `dead` queue: what it takes stands in the table of dead letters before it is acknowledged. A dead
 * `deliveries` message is only shown there: its outbox owns the work and sends again. A dead `backup` message may hold
 * the only copy of something: where D1 does not take it, it goes back for another round. What cannot be read is parked.
 * Never throws.
 */
export async function consumeDead(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const { id, attempts } = message;
    const isOwned = typeof message.body === "object" && message.body !== null && "items" in message.body;
    const readable = readBackup(message.body);
    log.error(isOwned ? "deliveries.dead" : "backup.dead", { message: id, kind: readable?.kind ?? null });
    try {
      await (isOwned || readable
        ? keepDead(env.DB, message as Message<never>, { at: Date.now(), attempts, error: null })
        : park(env, "backup", message));
      message.ack();
    } catch (error) {
      log.warn("dead.not_kept", { message: id, error });
      await (isOwned ? message.ack() : goAround(message, env));
    }
  }
}

/**
 * Sends around again what has waited for an hour: an outage that is over heals by itself, whoever looks or not.
 * Forgets what went around long ago.
 */
export async function redriveDead(env: Env, now: number): Promise<void> {
  await forgetDead(env.DB, now - SHOWN_MS);
  for (const letter of await waitingDead(env.DB, now - AGAIN_SECONDS * 1000)) {
    await redrive(env, letter, now);
  }
}

async function goAround(message: Message, env: Env): Promise<void> {
  try {
    await env.BACKUP.send(message.body, { contentType: "json", delaySeconds: AGAIN_SECONDS });
    message.ack();
  } catch {
    message.retry({ delaySeconds: AGAIN_SECONDS });
  }
}
