import { createApp } from "./api/app.ts";
import { consumeDeliveries } from "./delivery/consumer.ts";
import { consumeDead, redriveDead } from "./delivery/dead-letters.ts";
import { wakeOverdue } from "./delivery/overdue.ts";
import { keepHouse } from "./outbox/housekeeping.ts";
import { wakeJobs } from "./delivery/replay-job.ts";
import { consumeBackup } from "./ingest/backup.ts";
import { consumeEnrichments } from "./ingest/enrichments.ts";
import { handshake } from "./ingest/handshake.ts";
import { ingest } from "./ingest/ingest.ts";

export { EndpointGate } from "./delivery/endpoint-gate.ts";
export { ReplayJob } from "./delivery/replay-job.ts";
export { PaymentBinding } from "./outbox/payment-binding.ts";
export { UserOutbox } from "./outbox/user-outbox.ts";

const app = createApp();
app.post("/ingest/:sourceId", ingest);
app.get("/ingest/:sourceId", handshake);

/** The Worker: HTTP in, queues, cron. */
export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  queue: async (batch, env, ctx) => {
    switch (batch.queue) {
      case "deliveries":
      case "retries":
        return consumeDeliveries(batch, env, ctx);
      case "backup":
        return consumeBackup(batch, env, ctx);
      case "enrichments":
        return consumeEnrichments(batch, env, ctx);
      case "dead":
        return consumeDead(batch, env);
      default:
        throw new Error(`No consumer for the queue ${batch.queue}`);
    }
  },
  scheduled: async ({ scheduledTime }, env) => {
    const chores = [wakeOverdue, wakeJobs, redriveDead, keepHouse];
    const done = await Promise.allSettled(chores.map((chore) => chore(env, scheduledTime)));
    for (const one of done) {
      if (one.status === "rejected") throw one.reason;
    }
  },
} satisfies ExportedHandler<Env>;
