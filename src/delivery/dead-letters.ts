import type { BackupMessage, DeliveriesMessage } from "../outbox/contract.ts";
import { log } from "../platform/log.ts";

const AGAIN_SECONDS = 3_600;

/**
 * Consumes the `dead` queue. A dead `deliveries` message is counted and dropped: its outbox owns the work and sends
 * again. A dead `backup` message holds the only copy of something, so it goes back for another round.
 */
export async function consumeDead(batch: MessageBatch<BackupMessage | DeliveriesMessage>, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const { body } = message;
    if ("items" in body) {
      log.error("deliveries.dead", { message: message.id, events: body.items.map(({ record }) => record.id) });
      message.ack();
      continue;
    }
    log.error("backup.dead", { message: message.id, kind: body.kind });
    try {
      await env.BACKUP.send(body, { contentType: "json", delaySeconds: AGAIN_SECONDS });
      message.ack();
    } catch {
      message.retry({ delaySeconds: AGAIN_SECONDS });
    }
  }
}
