import type { PaymentEvent } from "./event.ts";
import type { Status } from "./lifecycle.ts";
import { decimalOf, type Money } from "./money.ts";

/** The version of the body that merchants receive. */
const API_VERSION = "2026-12-01";

/** Stands where `previous` goes, the one thing in a body that differs by destination. JSON text never holds it. */
const PREVIOUS = "\u0000";

/** The truth about the event's payment once the event is accepted; null where the event concerns none. */
interface Truth {
  status: Status;
  /** What this event claimed; null where it claims nothing about the payment's status. */
  reported: Status | null;
  version: number;
}

/** An accepted event: what the outbox knows of it besides the event itself. */
export interface Accepted {
  id: string;
  /** Place in the ordering key; null while the event waits for its outbox. */
  sequence: number | null;
  stale: boolean;
  truth: Truth | null;
  event: PaymentEvent;
}

/**
 * Composes the body that merchants receive, once, when the event is accepted: a template from which
 * {@link bodyFor} makes each destination's bytes, the same at every attempt.
 */
export function composeTemplate({ id, sequence, stale, truth, event }: Accepted): string {
  const { payment, refund, dispute, payout, account, paymentMethod, custom } = event.data;
  const head = {
    id,
    apiVersion: API_VERSION,
    type: event.type,
    timestamp: new Date(event.occurredAt).toISOString(),
    livemode: event.livemode,
    user: event.user,
    sequence,
  };
  const data = {
    payment: payment && {
      id: payment.id,
      reference: payment.reference,
      ...truth,
      amount: withDecimal(payment.amount),
      refunded: withDecimal(payment.refunded),
      method: payment.method,
      failure: payment.failure,
    },
    refund: refund && { ...refund, amount: withDecimal(refund.amount) },
    dispute: dispute && { ...dispute, amount: withDecimal(dispute.amount) },
    payout: payout && { ...payout, amount: withDecimal(payout.amount) },
    account: account && {
      ...account,
      available: account.available?.map(withDecimal),
      pending: account.pending?.map(withDecimal),
    },
    paymentMethod,
    custom,
    provider: event.origin,
  };
  return `${JSON.stringify(head).slice(0, -1)},"previous":${PREVIOUS},${JSON.stringify({ stale, data }).slice(1)}`;
}

/**
 * The body for one destination. `previous`: the sequence planned before this one for that destination, null if none.
 */
export function bodyFor(template: string, previous: number | null): string {
  return template.split(PREVIOUS).join(String(previous));
}

function withDecimal(money: Money | undefined): (Money & { decimal: string }) | undefined {
  return money && { value: money.value, decimal: decimalOf(money), currency: money.currency };
}
