import { createApp } from "./api/app.ts";
import { consumeDeliveries } from "./delivery/consumer.ts";
import { consumeDead } from "./delivery/dead-letters.ts";
import { wakeOverdue } from "./delivery/overdue.ts";
import { keepHouse } from "./outbox/housekeeping.ts";
import { consumeBackup } from "./ingest/backup.ts";
import { ingest } from "./ingest/ingest.ts";

export { EndpointGate } from "./delivery/endpoint-gate.ts";
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
        return consumeDeliveries(batch, env, ctx);
      case "backup":
        return consumeBackup(batch, env, ctx);
      case "dead":
        return consumeDead(batch, env);
      default:
        throw new Error(`No consumer for the queue ${batch.queue}`);
    }
  },
  scheduled: async ({ scheduledTime }, env) => {
    try {
      await wakeOverdue(env, scheduledTime);
    } finally {
      await keepHouse(env, scheduledTime);
    }
  },
} satisfies ExportedHandler<Env>;
