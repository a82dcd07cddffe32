import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { at, type Json, known, textAt } from "./json.ts";
import { type Mapping, readMapped } from "./mapping.ts";
import { minorMoneyOf, paymentOf } from "./reading.ts";

const nothing = (): EventData => ({});

/** By Paddle's name of the type: https://developer.paddle.com/webhooks/overview */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["transaction.created", { type: "payment.created", read: readTransaction }],
  ["transaction.ready", { type: "payment.created", read: readTransaction }],
  ["transaction.billed", { type: "payment.pending", read: readTransaction }],
  ["transaction.paid", { type: "payment.processing", read: readTransaction }],
  ["transaction.completed", { type: "payment.succeeded", read: readTransaction }],
  ["transaction.payment_failed", { type: "payment.failed", read: readTransaction }],
  ["transaction.past_due", { type: "invoice.payment_failed", read: readTransaction }],
  ["transaction.canceled", { type: "payment.canceled", read: readTransaction }],
  ["transaction.revised", { type: "unknown", read: readTransaction }],
  ["transaction.updated", { type: "unknown", read: readTransaction }],
  ["adjustment.created", { type: typeOfAdjustment, read: readAdjustment }],
  ["adjustment.updated", { type: typeOfAdjustment, read: readAdjustment }],
  ["payout.created", { type: "payout.created", read: readPayout }],
  ["payout.paid", { type: "payout.paid", read: readPayout }],
  ["subscription.created", { type: "subscription.created", read: nothing }],
  ["subscription.imported", { type: "subscription.created", read: nothing }],
  ["subscription.activated", { type: "subscription.updated", read: nothing }],
  ["subscription.trialing", { type: "subscription.updated", read: nothing }],
  ["subscription.updated", { type: typeOfSubscription, read: nothing }],
  ["subscription.paused", { type: "subscription.updated", read: nothing }],
  ["subscription.resumed", { type: "subscription.updated", read: nothing }],
  ["subscription.past_due", { type: "subscription.past_due", read: nothing }],
  ["subscription.canceled", { type: "subscription.canceled", read: nothing }],
  // Of the first API, whose invoices became transactions.
  ["invoice.created", { type: "invoice.created", read: readInvoice }],
  ["invoice.issued", { type: "invoice.updated", read: readInvoice }],
  ["invoice.overdue", { type: "invoice.updated", read: readInvoice }],
  ["invoice.paid", { type: "invoice.paid", read: readInvoice }],
  ["invoice.canceled", { type: "invoice.canceled", read: readInvoice }],
  ["payment_method.saved", { type: "payment_method.attached", read: readPaymentMethod }],
  ["payment_method.deleted", { type: "payment_method.detached", read: readPaymentMethod }],
  ["api_key.expiring", { type: "account.updated", read: nothing }],
  ["api_key_exposure.created", { type: "account.updated", read: nothing }],
]);

/** The canonical type of an event and what it is about; `object`: its `data`. Never throws: what is absurd is left out. */
export function readPaddleEvent(providerType: string, object: Json): { type: EventType; data: EventData } {
  const mapping = MAPPINGS.get(providerType);
  return mapping ? readMapped(mapping, object, object) : { type: "unknown", data: {} };
}

function typeOfAdjustment(adjustment: Json): EventType {
  const status = textAt(adjustment, "status") ?? "";
  switch (textAt(adjustment, "action") ?? "") {
    case "refund":
      return typeOfRefund(status);
    case "chargeback":
      return status === "reversed" ? "dispute.won" : "dispute.lost";
    case "chargeback_reverse":
      return "dispute.won";
    case "chargeback_warning":
      return status === "reversed" ? "dispute.closed" : "dispute.warning";
    case "chargeback_warning_reverse":
      return "dispute.closed";
    default:
      return "unknown";
  }
}

function typeOfRefund(status: string): EventType {
  switch (status) {
    case "pending_approval":
      return "refund.pending";
    case "approved":
      return "refund.succeeded";
    case "rejected":
      return "refund.failed";
    default:
      return "unknown";
  }
}

function typeOfSubscription(subscription: Json): EventType {
  return textAt(subscription, "status") === "past_due" ? "subscription.past_due" : "subscription.updated";
}

/** Of a transaction's payment attempts the newest comes first. */
function readTransaction(transaction: Json): EventData {
  const id = textAt(transaction, "id");
  const attempts = at(transaction, "payments");
  const newest: unknown = Array.isArray(attempts) ? attempts[0] : undefined;
  const code = textAt(newest, "error_code");
  const details = known({
    amount: moneyAt(transaction, "details", "totals", "grand_total"),
    reference: textAt(transaction, "custom_data", "order_id"),
    method: textAt(newest, "method_details", "type"),
    failure: code === undefined ? undefined : { code },
  });
  return id ? { payment: { ...details, id } } : {};
}

/**
 * A refund, or a step of a chargeback: each step is an adjustment with an id of its own, so that the chargeback itself
 * is known by its transaction, and a reversal meets what it reverses.
 */
function readAdjustment(adjustment: Json): EventData {
  const transaction = textAt(adjustment, "transaction_id");
  const id = textAt(adjustment, "id");
  if (!transaction || !id) return {};
  const details = known({ amount: moneyAt(adjustment, "totals", "total"), reason: textAt(adjustment, "reason") });
  const payment = { id: transaction };
  const action = textAt(adjustment, "action") ?? "";
  if (action === "refund") return { payment, refund: { ...details, id } };
  return action.startsWith("chargeback") ? { payment, dispute: { ...details, id: transaction } } : { payment };
}

function readInvoice(invoice: Json): EventData {
  return paymentOf(textAt(invoice, "transaction_id"));
}

function readPayout(payout: Json): EventData {
  const id = textAt(payout, "id");
  return id ? { payout: { ...known({ amount: moneyAt(payout, "amount") }), id } } : {};
}

function readPaymentMethod(method: Json): EventData {
  const id = textAt(method, "id");
  return id ? { paymentMethod: { id } } : {};
}

/** Paddle writes amounts as text, in minor units. */
function moneyAt(object: Json, ...path: string[]): Money | undefined {
  return minorMoneyOf(textAt(object, ...path), textAt(object, "currency_code"));
}
