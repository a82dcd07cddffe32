import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { failureOf, isLive, minorMoneyOf, ModeConfig, isoOf, paymentOf } from "./reading.ts";
import { instantOf } from "./stripe-objects.ts";

/**
 * https://razorpay.com/docs/webhooks/all/ What repeats another event is left out, such as `order.paid` of
 * `payment.captured`; a subscription is charged for an invoice, which has events of its own.
 */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["payment.authorized", "payment.authorized"],
  ["payment.captured", "payment.succeeded"],
  ["payment.failed", "payment.failed"],
  ["payment_link.paid", "payment.succeeded"],
  ["payment_link.partially_paid", "payment.partially_captured"],
  ["payment_link.cancelled", "payment.canceled"],
  ["payment_link.expired", "payment.expired"],
  ["refund.created", "refund.pending"],
  ["refund.processed", "refund.succeeded"],
  ["refund.failed", "refund.failed"],
  ["payment.dispute.created", "dispute.opened"],
  ["payment.dispute.under_review", "dispute.under_review"],
  ["payment.dispute.action_required", "dispute.evidence_required"],
  ["payment.dispute.won", "dispute.won"],
  ["payment.dispute.lost", "dispute.lost"],
  ["payment.dispute.closed", "dispute.closed"],
  ["settlement.processed", "settlement.completed"],
  ["payout.pending", "payout.created"],
  ["payout.queued", "payout.created"],
  ["payout.initiated", "payout.in_transit"],
  ["payout.processed", "payout.paid"],
  ["payout.reversed", "payout.returned"],
  ["payout.failed", "payout.failed"],
  ["payout.rejected", "payout.failed"],
  ["subscription.authenticated", "subscription.created"],
  ["subscription.activated", "subscription.updated"],
  ["subscription.charged", "subscription.updated"],
  ["subscription.updated", "subscription.updated"],
  ["subscription.paused", "subscription.updated"],
  ["subscription.resumed", "subscription.updated"],
  ["subscription.pending", "subscription.past_due"],
  ["subscription.halted", "subscription.past_due"],
  ["subscription.cancelled", "subscription.canceled"],
  ["subscription.completed", "subscription.canceled"],
  ["invoice.paid", "invoice.paid"],
  ["invoice.partially_paid", "invoice.updated"],
  ["invoice.expired", "invoice.canceled"],
  // A recurring payment's token is its mandate; that of a saved card is a payment method.
  ["token.confirmed", "mandate.active"],
  ["token.rejected", "mandate.failed"],
  ["token.paused", "mandate.paused"],
  ["token.resumed", "mandate.active"],
  ["token.cancelled", "mandate.canceled"],
  ["token.activated", "payment_method.attached"],
  ["token.suspended", "payment_method.updated"],
  ["token.expiry_updated", "payment_method.updated"],
  ["token.deactivated", "payment_method.detached"],
  ["transaction.created", "account.balance_changed"],
  ["account.needs_clarification", "account.requirements_due"],
  ["account.activated", "account.updated"],
  ["account.activated_kyc_pending", "account.updated"],
  ["account.instantly_activated", "account.updated"],
  ["account.payments_enabled", "account.updated"],
  ["account.funds_hold", "account.updated"],
  ["account.funds_unhold", "account.updated"],
  ["account.under_review", "account.updated"],
  ["account.rejected", "account.updated"],
  ["account.suspended", "account.updated"],
  ["account.updated", "account.updated"],
] as const);

/**
 * Razorpay: `X-Razorpay-Signature`, HMAC-SHA256 in hex over the body. The event's id is in a header that nobody signs:
 * it does not count. https://razorpay.com/docs/webhooks/validate-test/
 */
export const razorpay: Provider = {
  name: "razorpay",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("x-razorpay-signature"),

  verify: ({ body, headers }, secrets) => verifyHexHmac(headers.get("x-razorpay-signature"), body, secrets),

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const providerType = textAt(event, "event");
    if (!providerType) throw new UnparseableError("the body is not a Razorpay event");
    const payload = at(event, "payload");
    return [
      {
        eventId: null,
        providerType,
        type: TYPES.get(providerType) ?? "unknown",
        occurredAt: instantOf(at(event, "created_at")),
        livemode: isLive(config),
        customer: customerOf(payload),
        authenticity: "signed",
        data: dataOf(providerType, payload, textAt(event, "account_id")),
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

function customerOf(payload: unknown): string | null {
  const entities = ["payment", "subscription", "invoice", "token", "payment_link"].map((name) =>
    at(payload, name, "entity"),
  );
  const ids = entities.flatMap((entity) => [textAt(entity, "customer_id"), textAt(entity, "customer", "id")]);
  return ids.find((id) => id !== undefined) ?? null;
}

/** A payload also holds what the event is not about: a link's payment, a refund's payment. The type says which counts. */
function dataOf(providerType: string, payload: unknown, account: string | undefined): EventData {
  const entity = (name: string) => at(payload, name, "entity");
  if (providerType.startsWith("payment.dispute.")) return readDispute(entity("dispute"));
  switch (providerType.replace(/\..*/, "")) {
    case "payment":
      return readPayment(entity("payment"));
    case "payment_link":
      return readLink(entity("payment_link"));
    case "refund":
      return readRefund(entity("refund"));
    case "payout": {
      const id = textAt(entity("payout"), "id");
      return id ? { payout: { ...known({ amount: amountOf(entity("payout")) }), id } } : {};
    }
    case "token":
      return readToken(entity("token"));
    case "transaction":
      return account ? { account: { ...readBalance(entity("transaction")), id: account } } : {};
    case "account":
      return account ? { account: { id: account } } : {};
    default:
      return paymentOf(textAt(entity("payment"), "id"));
  }
}

function readPayment(payment: unknown): EventData {
  const id = textAt(payment, "id");
  const details = known({
    amount: amountOf(payment),
    reference: textAt(payment, "order_id"),
    method: textAt(payment, "method"),
    failure: failureOf(payment, ["error_code", "error_description"]),
  });
  return id ? { payment: { ...details, id } } : {};
}

/** Of a link that is paid in parts, what has come so far. */
function readLink(link: unknown): EventData {
  const id = textAt(link, "id");
  const paid = minorMoneyOf(at(link, "amount_paid"), at(link, "currency"));
  const amount = paid && paid.value !== "0" ? paid : amountOf(link);
  return id ? { payment: { ...known({ amount, reference: textAt(link, "reference_id") }), id } } : {};
}

function readRefund(refund: unknown): EventData {
  const id = textAt(refund, "id");
  return {
    ...paymentOf(textAt(refund, "payment_id")),
    ...(id && { refund: { ...known({ amount: amountOf(refund) }), id } }),
  };
}

function readDispute(dispute: unknown): EventData {
  const id = textAt(dispute, "id");
  const details = known({
    amount: amountOf(dispute),
    reason: textAt(dispute, "reason_code"),
    evidenceDueBy: isoOf(instantOf(at(dispute, "respond_by"))),
  });
  return { ...paymentOf(textAt(dispute, "payment_id")), ...(id && { dispute: { ...details, id } }) };
}

/** What is left after a transaction of RazorpayX: https://razorpay.com/docs/webhooks/transactions/ */
function readBalance(transaction: unknown): { available?: Money[] } {
  const balance = minorMoneyOf(at(transaction, "balance"), at(transaction, "currency"));
  return balance ? { available: [balance] } : {};
}

/** Months and years come as numbers, or as text. */
function readToken(token: unknown): EventData {
  const id = textAt(token, "id");
  const card = at(token, "card");
  const [expMonth, expYear] = ["expiry_month", "expiry_year"].map((name) => numberOf(at(card, name)));
  const details = known({ brand: textAt(card, "network"), last4: textAt(card, "last4"), expMonth, expYear });
  return id ? { paymentMethod: { ...details, id } } : {};
}

function numberOf(digits: unknown): number | undefined {
  return /^\d{1,4}$/.test(String(digits)) ? Number(digits) : undefined;
}

function amountOf(entity: unknown) {
  return minorMoneyOf(at(entity, "amount"), at(entity, "currency"));
}
