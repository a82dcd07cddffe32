import type { EventType } from "./event-types.ts";
import type { EventData, PaymentEvent } from "./event.ts";

/** The provider of events that Paybell makes up itself, for a merchant to try an endpoint with. */
export const TEST_PROVIDER = "paybell";
/** The source of such events. */
export const TEST_SOURCE = "test";

const AMOUNT = { value: "1999", currency: "EUR" };
const PART = { value: "500", currency: "EUR" };
const WEEK_MS = 7 * 24 * 3_600_000;

/**
 * A made-up event of a type, as a provider would tell of one: not live, and of a provider that says what it is.
 * `name`: of its payment, which no other event has. `now`: epoch ms.
 */
export function sampleEvent(type: EventType, name: string, now: number): PaymentEvent {
  return {
    type,
    occurredAt: now,
    livemode: false,
    user: "test_user",
    data: dataOf(type, name, now),
    origin: { name: TEST_PROVIDER, source: TEST_SOURCE, eventId: name, type, authenticity: "signed" },
  };
}

function dataOf(type: EventType, name: string, now: number): EventData {
  const payment = { id: `payment_${name}`, amount: AMOUNT, reference: "order_77", method: "card" };
  switch (type.split(".")[0]!) {
    case "payment":
      return type === "payment.failed"
        ? { payment: { ...payment, failure: { code: "card_declined", message: "The card was declined." } } }
        : { payment };
    case "refund":
      return { payment, refund: { id: `refund_${name}`, amount: PART, reason: "requested_by_customer" } };
    case "dispute": {
      const evidenceDueBy = new Date(now + WEEK_MS).toISOString();
      return { payment, dispute: { id: `dispute_${name}`, amount: AMOUNT, reason: "fraudulent", evidenceDueBy } };
    }
    case "payout":
    case "settlement":
      return {
        payout: { id: `payout_${name}`, amount: AMOUNT, arrivalDate: new Date(now).toISOString().slice(0, 10) },
      };
    case "account":
      return { account: { id: `account_${name}`, available: [AMOUNT], pending: [PART] } };
    case "payment_method":
    case "mandate":
      return { paymentMethod: { id: `card_${name}`, brand: "visa", last4: "4242", expMonth: 12, expYear: 2030 } };
    case "custom":
      return { custom: { example: true } };
    case "unknown":
      return {};
    default:
      return { payment };
  }
}
