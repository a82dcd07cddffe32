import type { PaymentEvent } from "./event.ts";
import type { Status } from "./lifecycle.ts";
import { decimalOf, type Money } from "./money.ts";

/** The version of the body that merchants receive. */
const API_VERSION = "2026-12-01";

/** Stands where `previous` goes, which differs by destination. JSON text never holds it. */
const PREVIOUS = "\u0000";
/** Stands on both sides of the provider's own object, which only some destinations are sent. */
const RAW = "\u0001";

/**
 * How much of an event a destination is sent. `raw`: also the provider's own object, under `data.raw`; `thin`: what
 * happened and where to read it, nothing of whom and how much.
 */
export type Payload = "full" | "raw" | "thin";

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
  /** The provider's object as JSON text, where a destination wants it: it goes in as it is. */
  raw?: string | undefined;
}

/** What is known of an event before it is accepted, as the body has it: what filters look at. */
export interface EventView {
  type: string;
  timestamp: string;
  livemode: boolean;
  user: string | null;
  data: object;
}

/**
 * Composes the body that merchants receive, once, when the event is accepted: a template from which
 * {@link bodyFor} makes each destination's bytes, the same at every attempt.
 */
export function composeTemplate({ id, sequence, stale, truth, event, raw }: Accepted): string {
  const { data, ...view } = viewOf(event, truth);
  const head = JSON.stringify({ id, apiVersion: API_VERSION, ...view, sequence }).slice(0, -1);
  const rest = JSON.stringify({ stale, data }).slice(1);
  const whole = raw === undefined ? rest : `${rest.slice(0, -2)}${RAW},"raw":${raw}${RAW}}}`;
  return `${head},"previous":${PREVIOUS},${whole}`;
}

/** What an event is before it is accepted; `truth`: what its payment has become by it, once that is known. */
export function viewOf(event: PaymentEvent, truth: Truth | null = null): EventView {
  const { payment, refund, dispute, payout, account, paymentMethod, custom, operation } = event.data;
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
    ...operation,
    provider: event.origin,
  };
  return {
    type: event.type,
    timestamp: new Date(event.occurredAt).toISOString(),
    livemode: event.livemode,
    user: event.user,
    data,
  };
}

/**
 * The body for one destination. `previous`: the sequence planned before this one for that destination, null if none.
 * `raw` is `full` where the event came without a provider's object.
 */
export function bodyFor(template: string, previous: number | null, payload: Payload = "full"): string {
  const [head = "", raw = "", tail = ""] = template.split(RAW);
  const body = `${head}${payload === "raw" ? raw : ""}${tail}`.split(PREVIOUS).join(String(previous));
  return payload === "thin" ? thinned(body) : body;
}

/** The link is relative to the address of the API, which is not always the one that the provider posts to. */
function thinned(body: string): string {
  const { id, apiVersion, type, timestamp, livemode } = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify({ id, apiVersion, type, timestamp, livemode, url: `/v1/events/${String(id)}` });
}

function withDecimal(money: Money | undefined): (Money & { decimal: string }) | undefined {
  return money && { value: money.value, decimal: decimalOf(money), currency: money.currency };
}
