import worker, {
  EndpointGate as RealGate,
  PaymentBinding as RealBinding,
  ReplayJob as RealJob,
  UserOutbox as RealOutbox,
} from "../../src/index.ts";
import { control, counters, countRows, wrapEnv } from "./faults.ts";

/** The outbox of the Worker on bindings and storage that tests can break and count. */
export class UserOutbox extends RealOutbox {
  constructor(ctx: DurableObjectState, env: Env) {
    super(countRows(ctx), wrapEnv(env));
  }

  override async alarm(): Promise<void> {
    counters.alarms += 1;
    return super.alarm();
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
  queue: (batch, env, ctx) => {
    counters.batches += 1;
    return worker.queue(batch, wrapEnv(env), ctx);
  },
  scheduled: (controller, env) => worker.scheduled(controller, wrapEnv(env)),
} satisfies ExportedHandler<Env>;
