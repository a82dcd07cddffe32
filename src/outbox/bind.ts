import type { HandOver } from "./acceptance.ts";
import { V, type AcceptEvent } from "./contract.ts";
import { bindingKey, paymentKey, userKey } from "./keys.ts";
import type { Bound } from "./payment-binding.ts";

/** The binding of a payment as an event without a user finds it, which may hint at one. */
export async function followPayment(
  env: Env,
  merchant: string,
  source: string,
  payment: string,
  hint?: string,
): Promise<Bound> {
  return env.PAYMENT_BINDING.getByName(await bindingKey(merchant, source, payment)).follow(payment, hint);
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
  const payment = event.data.payment!.id;
  const bindings = env.PAYMENT_BINDING.getByName(await bindingKey(merchant, source, payment));
  const { user, usedAlone } = await bindings.bind(payment, event.user!);
  if ((await userKey(merchant, user!)) !== key) {
    return { movedTo: user! };
  }
  if (!usedAlone) {
    return null;
  }
  const outbox = env.USER_OUTBOX.getByName(await paymentKey(merchant, source, payment));
  const { facts, known } = await outbox.handOver({ v: V, user: user! });
  return { facts: facts as HandOver["facts"], known };
}
