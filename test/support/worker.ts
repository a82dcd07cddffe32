import worker, {
  EndpointGate as RealGate,
  PaymentBinding as RealBinding,
  ReplayJob as RealJob,
  UserOutbox as RealOutbox,
} from "../../src/index.ts";
import type { EventItem, SettleInput, V } from "../../src/outbox/contract.ts";
import type { Pending } from "../../src/outbox/pending.ts";
import { broken, control, counters, countRows, holdBatch, wrapBatch, wrapEnv } from "./faults.ts";

/** The outbox of the Worker on bindings and storage that tests can break and count. */
export class UserOutbox extends RealOutbox {
  constructor(ctx: DurableObjectState, env: Env) {
    super(countRows(ctx), wrapEnv(env));
  }

  override async alarm(): Promise<void> {
    counters.alarms += 1;
    return super.alarm();
  }

  /** Settles, and notes where the failure of an older dispatch than the newest changed anything. */
  override settle(input: SettleInput): Promise<{ v: V; next: EventItem[] }> {
    const before = this.#newerThan(input);
    const settled = super.settle(input);
    for (const [delivery, after] of this.#newerThan(input)) {
      if (before.has(delivery) && before.get(delivery) !== after) {
        broken.push(`${delivery}: an old dispatch made ${before.get(delivery)} to ${after}`);
      }
    }
    return settled;
  }

  /** The deliveries of which only older dispatches are settled here, none of them delivered, as they are stored. */
  #newerThan({ settles }: SettleInput): Map<string, string> {
    const stored = this.ctx.storage.sql
      .exec<{ pending: string }>(
        "SELECT pending FROM event WHERE pending IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        JSON.stringify(settles.map(({ event }) => event)),
      )
      .toArray()
      .flatMap(({ pending }) => JSON.parse(pending) as Pending[]);
    return new Map(
      stored
        .filter(({ delivery, counter }) => {
          const its = settles.filter((settle) => settle.delivery === delivery);
          return its.length > 0 && its.every((one) => one.counter < counter && one.outcome.kind !== "delivered");
        })
        .map((pending) => [pending.delivery, JSON.stringify(pending)]),
    );
  }
}

/** The binding of a payment, its billed rows counted. */
export class PaymentBinding extends RealBinding {
  constructor(ctx: DurableObjectState, env: Env) {
    super(countRows(ctx), wrapEnv(env));
  }
}

/** The gate of an endpoint, its billed rows counted. */
export class EndpointGate extends RealGate {
  constructor(ctx: DurableObjectState, env: Env) {
    super(countRows(ctx), wrapEnv(env));
  }
}

/** A job that sends deliveries again, on bindings that tests can break. */
export class ReplayJob extends RealJob {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, wrapEnv(env));
  }
}

/** The Worker as it is, on bindings that tests can break; what to break comes in at `/__test/`. */
export default {
  fetch: (request, env, ctx) =>
    new URL(request.url).pathname.startsWith("/__test/") ? control(request) : worker.fetch(request, wrapEnv(env), ctx),
  queue: async (batch, env, ctx) => {
    counters.batches += 1;
    await worker.queue(wrapBatch(batch), wrapEnv(env), ctx);
    await holdBatch();
  },
  scheduled: (controller, env) => worker.scheduled(controller, wrapEnv(env)),
} satisfies ExportedHandler<Env>;
