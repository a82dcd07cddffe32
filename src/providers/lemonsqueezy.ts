import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, isObject, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { idOf, instantOfIso, minorMoneyOf } from "./reading.ts";

/** By `meta.event_name`, but for orders: https://docs.lemonsqueezy.com/help/webhooks/event-types */
const TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["subscription_created", "subscription.created"],
  ["subscription_updated", "subscription.updated"],
  ["subscription_plan_changed", "subscription.updated"],
  ["subscription_resumed", "subscription.updated"],
  ["subscription_paused", "subscription.updated"],
  ["subscription_unpaused", "subscription.updated"],
  ["subscription_cancelled", "subscription.canceled"],
  ["subscription_expired", "subscription.canceled"],
  ["subscription_payment_success", "invoice.paid"],
  ["subscription_payment_recovered", "invoice.paid"],
  ["subscription_payment_failed", "invoice.payment_failed"],
]);

/**
 * Lemon Squeezy: `X-Signature`, HMAC-SHA256 in hex over the body. Neither a time nor an id of the event is signed, and
 * `X-Event-Name` is not either: the body says it too. https://docs.lemonsqueezy.com/help/webhooks/signing-requests
 */
export const lemonsqueezy: Provider = {
  name: "lemonsqueezy",

  mayBeSigned: ({ headers }) => headers.has("x-signature"),

  verify: (request, secrets) => verifyHexHmac(request.headers.get("x-signature"), request.body, secrets),

  async normalize({ body }) {
    const event = parseObject(body);
    const providerType = textAt(event, "meta", "event_name");
    const attributes = at(event, "data", "attributes");
    if (!providerType || !isObject(attributes)) throw new UnparseableError("the body is not a Lemon Squeezy event");
    return [
      {
        eventId: null,
        providerType,
        ...readEvent(providerType, event, attributes),
        occurredAt: instantOfIso(at(attributes, "updated_at")),
        livemode: !isTest(event, attributes),
        customer: idOf(at(attributes, "customer_id")) ?? null,
        authenticity: "signed",
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

/** Some events say it of themselves, some of what they are about, some of both. */
function isTest(event: Json, attributes: Json): boolean {
  return at(event, "meta", "test_mode") === true || attributes["test_mode"] === true;
}

/**
 * Orders are payments here. What a subscription pays is one only where it is refunded: it has ids of its own, which
 * could be those of orders too.
 */
function readEvent(name: string, event: Json, attributes: Json): { type: EventType; data: EventData } {
  const id = textAt(event, "data", "id");
  if (id === undefined) return { type: TYPES.get(name) ?? "unknown", data: {} };
  switch (name) {
    case "order_created":
      return { type: typeOfOrder(attributes), data: { payment: { ...readPayment(event, attributes), id } } };
    case "order_refunded":
      return { type: "refund.succeeded", data: { payment: { ...readRefunded(event, attributes), id } } };
    case "subscription_payment_refunded": {
      const payment = { ...readRefunded(event, attributes), id: `subscription-invoice-${id}` };
      return { type: "refund.succeeded", data: { payment } };
    }
    default:
      return { type: TYPES.get(name) ?? "unknown", data: {} };
  }
}

function readPayment(event: Json, attributes: Json) {
  return known({ amount: moneyAt(attributes, "total"), reference: textAt(event, "meta", "custom_data", "order_id") });
}

/** The sum of all refunds, which is all of it where the state says so. */
function readRefunded(event: Json, attributes: Json) {
  const all = attributes["status"] === "refunded" ? moneyAt(attributes, "total") : undefined;
  return { ...readPayment(event, attributes), ...known({ refunded: moneyAt(attributes, "refunded_amount") ?? all }) };
}

function typeOfOrder(order: Json): EventType {
  switch (textAt(order, "status") ?? "") {
    case "pending":
      return "payment.pending";
    case "failed":
      return "payment.failed";
    case "paid":
      return "payment.succeeded";
    default:
      return "unknown";
  }
}

function moneyAt(order: Json, key: string): Money | undefined {
  const amount = at(order, key);
  return typeof amount === "number" ? minorMoneyOf(amount, textAt(order, "currency")) : undefined;
}
