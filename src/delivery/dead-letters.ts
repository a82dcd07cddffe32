import { park } from "../outbox/parking.ts";
import { readBackup } from "../outbox/reading.ts";
import { log } from "../platform/log.ts";

const AGAIN_SECONDS = 3_600;
/** Rounds of a `backup` message, each of a day at most, before it is parked. */
const MAX_ROUNDS = 14;

/**
 * Consumes the `dead` queue. A dead `deliveries` message is counted and dropped: its outbox owns the work and sends
 * again. A dead `backup` message holds the only copy of something, so it goes back for another round; what cannot be
 * read, or has had its rounds, is parked. Never throws.
 */
export async function consumeDead(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const { body } = message;
    if (typeof body === "object" && body !== null && "items" in body) {
      log.error("deliveries.dead", { message: message.id });
      message.ack();
      continue;
    }
    const readable = readBackup(body);
    const rounds = (readable?.rounds ?? 0) + 1;
    log.error("backup.dead", { message: message.id, kind: readable?.kind ?? null, rounds });
    try {
      await (readable && rounds <= MAX_ROUNDS
        ? env.BACKUP.send({ ...readable, rounds }, { contentType: "json", delaySeconds: AGAIN_SECONDS })
        : park(env, readable ? "dead" : "backup", message));
      message.ack();
    } catch {
      message.retry({ delaySeconds: AGAIN_SECONDS });
    }
  }
}
