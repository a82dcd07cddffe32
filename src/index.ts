import { createApp } from "./api/app.ts";
import { consumeDeliveries } from "./delivery/consumer.ts";
import { consumeDead, redriveDead } from "./delivery/dead-letters.ts";
import { wakeOverdue } from "./delivery/overdue.ts";
import { wakeJobs } from "./delivery/replay-job.ts";
import { consumeBackup } from "./ingest/backup.ts";
import { ingest } from "./ingest/ingest.ts";
import type { BackupMessage, DeliveriesMessage } from "./outbox/contract.ts";

export { ReplayJob } from "./delivery/replay-job.ts";
export { PaymentBinding } from "./outbox/payment-binding.ts";
export { UserOutbox } from "./outbox/user-outbox.ts";

const app = createApp();
app.post("/ingest/:sourceId", ingest);

/** The Worker: HTTP in, queues, cron. */
export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  queue: async (batch, env, ctx) => {
    switch (batch.queue) {
      case "deliveries":
        return consumeDeliveries(batch as MessageBatch<DeliveriesMessage>, env, ctx);
      case "backup":
        return consumeBackup(batch as MessageBatch<BackupMessage>, env, ctx);
      case "dead":
        return consumeDead(batch as MessageBatch<BackupMessage | DeliveriesMessage>, env);
      default:
        throw new Error(`No consumer for the queue ${batch.queue}`);
    }
  },
  scheduled: async ({ scheduledTime }, env) => {
    await Promise.all([wakeOverdue(env, scheduledTime), wakeJobs(env, scheduledTime), redriveDead(env, scheduledTime)]);
  },
} satisfies ExportedHandler<Env>;
