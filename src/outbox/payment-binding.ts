import { DurableObject } from "cloudflare:workers";

import type { HandOver } from "./acceptance.ts";
import { V, type AcceptEvent } from "./contract.ts";
import { paymentKey, userKey } from "./keys.ts";

/** Whom a payment belongs to. `usedAlone`: events were ordered under the payment itself before that was known. */
export interface Bound {
  user: string | null;
  usedAlone: boolean;
}

/**
 * Which user a payment belongs to: one tiny object a payment. The first event that names a user binds the payment
 * for good; events that name none look the binding up and follow it.
 */
export class PaymentBinding extends DurableObject<Env> {
  #bound: Bound | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#bound = ctx.storage.kv.get<Bound>("bound") ?? null;
  }

  /** Binds the payment to a user unless it is bound already; returns what holds. */
  bind(user: string): Bound {
    if (this.#bound === null || this.#bound.user === null) {
      this.#save({ user, usedAlone: this.#bound?.usedAlone ?? false });
    }
    return this.#bound!;
  }

  /** The binding as an event without a user finds it; if there is none, remembers that the payment stands alone. */
  follow(): Bound {
    if (this.#bound === null) {
      this.#save({ user: null, usedAlone: true });
    }
    return this.#bound!;
  }

  #save(bound: Bound): void {
    this.ctx.storage.kv.put("bound", bound);
    this.#bound = bound;
  }
}

/**
 * Binds the payment of an event to the event's user for the outbox `key`. Where the payment is another user's:
 * `movedTo`, that user. Else what was known of the payment while it stood alone, if it did.
 */
export async function bindPayment(
  env: Env,
  key: string,
  { merchant, source, event }: AcceptEvent,
): Promise<HandOver | { movedTo: string } | null> {
  const name = await paymentKey(merchant, source, event.data.payment!.id);
  const { user, usedAlone } = await env.PAYMENT_BINDING.getByName(name).bind(event.user!);
  if ((await userKey(merchant, user!)) !== key) {
    return { movedTo: user! };
  }
  if (!usedAlone) {
    return null;
  }
  const { facts, known } = await env.USER_OUTBOX.getByName(name).handOver({ v: V, user: user! });
  return { facts: facts as HandOver["facts"], known };
}
