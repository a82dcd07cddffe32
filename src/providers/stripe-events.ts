import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, type Json, textAt } from "./json.ts";
import { type Mapping, readMapped } from "./mapping.ts";
import {
  idOf,
  newestRefundOf,
  readAccount,
  readBalance,
  readCapturedIntent,
  readCharge,
  readDispute,
  readFailedIntent,
  readIntent,
  readMandate,
  readPaymentId,
  readPaymentMethod,
  readPayout,
  readRefund,
  readRefundedCharge,
  readSession,
} from "./stripe-objects.ts";

/** By Stripe's name of the type: https://docs.stripe.com/api/events/types */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["payment_intent.created", { type: "payment.created", read: readIntent }],
  ["payment_intent.processing", { type: "payment.processing", read: readIntent }],
  ["payment_intent.requires_action", { type: "payment.requires_action", read: readIntent }],
  ["payment_intent.partially_funded", { type: "payment.pending", read: readIntent }],
  ["payment_intent.amount_capturable_updated", { type: "payment.authorized", read: readIntent }],
  ["payment_intent.succeeded", { type: "payment.succeeded", read: readCapturedIntent }],
  ["payment_intent.payment_failed", { type: "payment.failed", read: readFailedIntent }],
  ["payment_intent.canceled", { type: "payment.canceled", read: readIntent }],
  ["charge.pending", { type: unlessOfIntent(() => "payment.pending"), read: readCharge }],
  ["charge.succeeded", { type: unlessOfIntent(typeOfCharge), read: readCharge }],
  ["charge.captured", { type: unlessOfIntent(typeOfCharge), read: readCharge }],
  ["charge.failed", { type: unlessOfIntent(() => "payment.failed"), read: readCharge }],
  ["charge.expired", { type: "payment.expired", read: readCharge }],
  ["charge.refunded", { type: typeOfRefundedCharge, read: readRefundedCharge }],
  ["charge.refund.updated", { type: (object) => typeOfRefund(object, "refund.pending"), read: readRefund }],
  ["refund.created", { type: (object) => typeOfRefund(object, "refund.created"), read: readRefund }],
  ["refund.updated", { type: (object) => typeOfRefund(object, "refund.pending"), read: readRefund }],
  ["refund.failed", { type: "refund.failed", read: readRefund }],
  ["charge.dispute.created", { type: typeOfNewDispute, read: readDispute }],
  ["charge.dispute.updated", { type: typeOfDispute, read: readDispute }],
  ["charge.dispute.closed", { type: typeOfClosedDispute, read: readDispute }],
  ["charge.dispute.funds_withdrawn", { type: "unknown", read: readDispute }],
  ["charge.dispute.funds_reinstated", { type: "unknown", read: readDispute }],
  ["radar.early_fraud_warning.created", { type: "fraud.warning", read: readPaymentId }],
  ["payout.created", { type: "payout.created", read: readPayout }],
  ["payout.updated", { type: typeOfPayout, read: readPayout }],
  ["payout.paid", { type: "payout.paid", read: readPayout }],
  ["payout.failed", { type: "payout.failed", read: readPayout }],
  ["payout.canceled", { type: "payout.canceled", read: readPayout }],
  ["balance.available", { type: "account.balance_changed", read: readBalance }],
  ["account.updated", { type: "account.updated", read: readAccount }],
  ["checkout.session.async_payment_succeeded", { type: "payment.succeeded", read: readSession }],
  ["checkout.session.async_payment_failed", { type: "payment.failed", read: readSession }],
  ["invoice.created", { type: "invoice.created", read: readPaymentId }],
  ["invoice.finalized", { type: "invoice.updated", read: readPaymentId }],
  ["invoice.voided", { type: "invoice.canceled", read: readPaymentId }],
  ["invoice.paid", { type: "invoice.paid", read: readPaymentId }],
  ["invoice.payment_failed", { type: "invoice.payment_failed", read: readPaymentId }],
  ["invoice.payment_action_required", { type: "payment.requires_action", read: readPaymentId }],
  ["customer.subscription.created", { type: "subscription.created", read: readPaymentId }],
  ["customer.subscription.updated", { type: typeOfSubscription, read: readPaymentId }],
  ["customer.subscription.paused", { type: "subscription.updated", read: readPaymentId }],
  ["customer.subscription.resumed", { type: "subscription.updated", read: readPaymentId }],
  ["customer.subscription.deleted", { type: "subscription.canceled", read: readPaymentId }],
  ["payment_method.attached", { type: "payment_method.attached", read: readPaymentMethod }],
  ["payment_method.updated", { type: "payment_method.updated", read: readPaymentMethod }],
  ["payment_method.automatically_updated", { type: "payment_method.updated", read: readPaymentMethod }],
  ["payment_method.detached", { type: "payment_method.detached", read: readPaymentMethod }],
  ["mandate.updated", { type: typeOfMandate, read: readMandate }],
  ["customer.source.expiring", { type: "payment_method.expiring", read: readPaymentMethod }],
]);

/**
 * The canonical type of an event and what it is about. `object`: the event's `data.object`, empty where it has none.
 * A type without a mapping is `unknown`, with its payment's id if it names one. Never throws: what is absurd is left
 * out.
 */
export function readStripeEvent(providerType: string, object: Json, event: Json): { type: EventType; data: EventData } {
  const mapping = MAPPINGS.get(providerType);
  if (!mapping || at(event, "object") !== "event") return { type: "unknown", data: readPaymentId(object) };
  return readMapped(mapping, object, event);
}

/**
 * The id of the customer whom an event concerns; null where it names none. A payment method that has been detached
 * names the customer only among what changed.
 */
export function customerOf(event: Json): string | null {
  const object = at(event, "data", "object");
  if (textAt(object, "object") === "customer") return idOf(object) ?? null;
  return idOf(at(object, "customer")) ?? idOf(at(event, "data", "previous_attributes", "customer")) ?? null;
}

/** A charge of a payment intent says again what the intent's own events say: it claims nothing. */
function unlessOfIntent(type: (charge: Json) => EventType): (charge: Json) => EventType {
  return (charge) => (idOf(at(charge, "payment_intent")) ? "unknown" : type(charge));
}

function typeOfCharge(charge: Json): EventType {
  return at(charge, "captured") === false ? "payment.authorized" : "payment.succeeded";
}

/** An authorization that is released without a capture is reported as refunded too, and no money went back. */
function typeOfRefundedCharge(charge: Json): EventType {
  if (at(charge, "captured") === false) return "unknown";
  const refund = newestRefundOf(charge);
  return refund ? typeOfRefund(refund, "refund.pending") : "refund.succeeded";
}

function typeOfRefund(refund: Json, otherwise: EventType): EventType {
  switch (textAt(refund, "status") ?? "") {
    case "succeeded":
      return "refund.succeeded";
    case "failed":
    case "canceled":
      return "refund.failed";
    default:
      return otherwise;
  }
}

function typeOfNewDispute(dispute: Json): EventType {
  return textAt(dispute, "status")?.startsWith("warning_") ? "dispute.warning" : "dispute.opened";
}

function typeOfDispute(dispute: Json): EventType {
  switch (textAt(dispute, "status") ?? "") {
    case "warning_needs_response":
    case "warning_under_review":
      return "dispute.warning";
    case "needs_response":
      return "dispute.opened";
    case "won":
    case "lost":
    case "warning_closed":
    case "prevented":
      return typeOfClosedDispute(dispute);
    default:
      return "dispute.under_review";
  }
}

function typeOfClosedDispute(dispute: Json): EventType {
  const status = textAt(dispute, "status");
  return status === "won" || status === "lost" ? `dispute.${status}` : "dispute.closed";
}

function typeOfPayout(payout: Json): EventType {
  const status = textAt(payout, "status");
  const isKnown = status === "in_transit" || status === "paid" || status === "failed" || status === "canceled";
  return isKnown ? `payout.${status}` : "payout.created";
}

/** An inactive mandate was refused, revoked or used up: https://docs.stripe.com/api/mandates/object#mandate_object-status */
function typeOfMandate(mandate: Json): EventType {
  switch (textAt(mandate, "status") ?? "") {
    case "active":
      return "mandate.active";
    case "inactive":
      return "mandate.canceled";
    case "pending":
      return "mandate.created";
    default:
      return "unknown";
  }
}

function typeOfSubscription(subscription: Json): EventType {
  const status = textAt(subscription, "status");
  return status === "past_due" || status === "unpaid" ? "subscription.past_due" : "subscription.updated";
}
