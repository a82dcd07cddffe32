import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { at, type Json, known, textAt } from "./json.ts";
import { type Mapping, readMapped } from "./mapping.ts";
import { instantOfIso, moneyOf, isoOf, paymentOf } from "./reading.ts";

/** By PayPal's name of the type: https://developer.paypal.com/api/rest/webhooks/event-names/ */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["CHECKOUT.ORDER.APPROVED", { type: "payment.requires_action", read: readOrder }],
  ["CHECKOUT.ORDER.DECLINED", { type: "payment.failed", read: readOrder }],
  ["CHECKOUT.ORDER.VOIDED", { type: "payment.canceled", read: readOrder }],
  ["CHECKOUT.PAYMENT-APPROVAL.REVERSED", { type: "payment.canceled", read: readOrder }],
  ["PAYMENT.AUTHORIZATION.CREATED", { type: "payment.authorized", read: readPayment }],
  ["PAYMENT.AUTHORIZATION.VOIDED", { type: "payment.canceled", read: readPayment }],
  ["PAYMENT.CAPTURE.PENDING", { type: "payment.pending", read: readPayment }],
  ["PAYMENT.CAPTURE.COMPLETED", { type: "payment.succeeded", read: readPayment }],
  ["PAYMENT.CAPTURE.DENIED", { type: "payment.failed", read: readPayment }],
  ["PAYMENT.CAPTURE.DECLINED", { type: "payment.failed", read: readPayment }],
  ["PAYMENT.CAPTURE.REVERSED", { type: "payment.reversed", read: readReversal }],
  ["PAYMENT.CAPTURE.REFUNDED", { type: "refund.succeeded", read: readRefund }],
  ["PAYMENT.SALE.PENDING", { type: "payment.pending", read: readPayment }],
  ["PAYMENT.SALE.COMPLETED", { type: "payment.succeeded", read: readPayment }],
  ["PAYMENT.SALE.DENIED", { type: "payment.failed", read: readPayment }],
  ["PAYMENT.SALE.REVERSED", { type: "payment.reversed", read: readReversal }],
  ["PAYMENT.SALE.REFUNDED", { type: "refund.succeeded", read: readRefund }],
  ["CUSTOMER.DISPUTE.CREATED", { type: "dispute.opened", read: readDispute }],
  ["CUSTOMER.DISPUTE.UPDATED", { type: "dispute.under_review", read: readDispute }],
  ["CUSTOMER.DISPUTE.RESOLVED", { type: typeOfResolved, read: readDispute }],
  // Of a batch that is not denied, its items tell.
  ["PAYMENT.PAYOUTSBATCH.DENIED", { type: "payout.failed", read: readBatch }],
  ["PAYMENT.PAYOUTS-ITEM.SUCCEEDED", { type: "payout.paid", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.FAILED", { type: "payout.failed", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.BLOCKED", { type: "payout.failed", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.DENIED", { type: "payout.failed", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.HELD", { type: "payout.in_transit", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.REFUNDED", { type: "payout.returned", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.RETURNED", { type: "payout.returned", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.CANCELED", { type: "payout.canceled", read: readPayout }],
  ["PAYMENT.PAYOUTS-ITEM.UNCLAIMED", { type: "payout.in_transit", read: readPayout }],
  ["BILLING.SUBSCRIPTION.CREATED", { type: "subscription.created", read: readNothing }],
  ["BILLING.SUBSCRIPTION.ACTIVATED", { type: "subscription.updated", read: readNothing }],
  ["BILLING.SUBSCRIPTION.RE-ACTIVATED", { type: "subscription.updated", read: readNothing }],
  ["BILLING.SUBSCRIPTION.UPDATED", { type: "subscription.updated", read: readNothing }],
  ["BILLING.SUBSCRIPTION.SUSPENDED", { type: "subscription.past_due", read: readNothing }],
  ["BILLING.SUBSCRIPTION.CANCELLED", { type: "subscription.canceled", read: readNothing }],
  ["BILLING.SUBSCRIPTION.EXPIRED", { type: "subscription.canceled", read: readNothing }],
  ["BILLING.SUBSCRIPTION.PAYMENT.FAILED", { type: "invoice.payment_failed", read: readNothing }],
  ["INVOICING.INVOICE.CREATED", { type: "invoice.created", read: readNothing }],
  ["INVOICING.INVOICE.SCHEDULED", { type: "invoice.updated", read: readNothing }],
  ["INVOICING.INVOICE.UPDATED", { type: "invoice.updated", read: readNothing }],
  ["INVOICING.INVOICE.REFUNDED", { type: "invoice.updated", read: readNothing }],
  ["INVOICING.INVOICE.PAID", { type: typeOfPaidInvoice, read: readNothing }],
  ["INVOICING.INVOICE.CANCELLED", { type: "invoice.canceled", read: readNothing }],
  ["CUSTOMER.ACCOUNT-LIMITATION.ADDED", { type: "account.requirements_due", read: readMerchant }],
  ["CUSTOMER.ACCOUNT-LIMITATION.ESCALATED", { type: "account.requirements_due", read: readMerchant }],
  ["CUSTOMER.ACCOUNT-LIMITATION.UPDATED", { type: "account.updated", read: readMerchant }],
  ["CUSTOMER.ACCOUNT-LIMITATION.LIFTED", { type: "account.updated", read: readMerchant }],
  ["MERCHANT.ONBOARDING.COMPLETED", { type: "account.updated", read: readMerchant }],
  ["MERCHANT.PARTNER-CONSENT.REVOKED", { type: "account.updated", read: readMerchant }],
  ["VAULT.CREDIT-CARD.CREATED", { type: "payment_method.attached", read: readToken }],
  ["VAULT.CREDIT-CARD.UPDATED", { type: "payment_method.updated", read: readToken }],
  ["VAULT.CREDIT-CARD.DELETED", { type: "payment_method.detached", read: readToken }],
  ["VAULT.PAYMENT-TOKEN.CREATED", { type: "payment_method.attached", read: readToken }],
  ["VAULT.PAYMENT-TOKEN.DELETED", { type: "payment_method.detached", read: readToken }],
]);

/** The canonical type of an event and what it is about. Never throws: what is absurd is left out. */
export function readPayPalEvent(providerType: string, resource: Json): { type: EventType; data: EventData } {
  const mapping = MAPPINGS.get(providerType);
  return mapping ? readMapped(mapping, resource, resource) : { type: "unknown", data: {} };
}

/** The payer whom a resource names: of an order, a subscription or a vaulted token. */
export function customerOf(resource: Json): string | null {
  const names = [
    textAt(resource, "payer", "payer_id"),
    textAt(resource, "subscriber", "payer_id"),
    textAt(resource, "customer", "id"),
  ];
  return names.find((id) => id !== undefined) ?? null;
}

function typeOfResolved(dispute: Json): EventType {
  switch (textAt(dispute, "dispute_outcome", "outcome_code") ?? "") {
    case "RESOLVED_BUYER_FAVOUR":
      return "dispute.lost";
    case "RESOLVED_SELLER_FAVOUR":
      return "dispute.won";
    default:
      return "dispute.closed";
  }
}

/** Sent for a part too, and for what is still pending. */
function typeOfPaidInvoice(resource: Json): EventType {
  const status = textAt(resource, "invoice", "status") ?? textAt(resource, "status");
  return status === "PAID" || status === "MARKED_AS_PAID" ? "invoice.paid" : "invoice.updated";
}

/** An order, whose amount stands in its only unit of purchase. */
function readOrder(order: Json): EventData {
  const id = textAt(order, "id") ?? textAt(order, "order_id");
  const units = order["purchase_units"];
  const unit: unknown = Array.isArray(units) && units.length === 1 ? units[0] : null;
  const details = known({ amount: moneyAt(unit, "amount"), reference: referenceOf(unit) });
  return id ? { payment: { ...details, id } } : {};
}

/** An authorization, a capture or, in the older API, a sale. */
function readPayment(resource: Json): EventData {
  const id = textAt(resource, "id");
  const details = known({ amount: moneyAt(resource, "amount"), reference: referenceOf(resource) });
  return id ? { payment: { ...details, id } } : {};
}

/** The resource is what reverses, and names the capture or sale that it reverses; else it is that itself. */
function readReversal(resource: Json): EventData {
  return paymentOf(reversedOf(resource) ?? textAt(resource, "id"));
}

function readRefund(refund: Json): EventData {
  const id = textAt(refund, "id");
  const payment = reversedOf(refund);
  const amount = moneyAt(refund, "amount");
  return { ...paymentOf(payment), ...(id && { refund: { ...known({ amount }), id } }) };
}

function readDispute(dispute: Json): EventData {
  const id = textAt(dispute, "dispute_id");
  const transactions = dispute["disputed_transactions"];
  const payment = Array.isArray(transactions) ? textAt(transactions[0], "seller_transaction_id") : undefined;
  const details = known({
    amount: moneyAt(dispute, "dispute_amount"),
    reason: textAt(dispute, "reason"),
    evidenceDueBy: isoOf(instantOfIso(dispute["seller_response_due_date"])),
  });
  return { ...paymentOf(payment), ...(id && { dispute: { ...details, id } }) };
}

function readPayout(item: Json): EventData {
  const id = textAt(item, "payout_item_id");
  const amount = moneyAt(at(item, "payout_item"), "amount");
  return id ? { payout: { ...known({ amount }), id } } : {};
}

function readBatch(batch: Json): EventData {
  const id = textAt(batch, "batch_header", "payout_batch_id");
  const amount = moneyAt(at(batch, "batch_header"), "amount");
  return id ? { payout: { ...known({ amount }), id } } : {};
}

function readMerchant(merchant: Json): EventData {
  const id = textAt(merchant, "merchant_id");
  return id ? { account: { id } } : {};
}

function readToken(token: Json): EventData {
  const id = textAt(token, "id");
  return id ? { paymentMethod: { id } } : {};
}

function readNothing(): EventData {
  return {};
}

/** The capture or sale that a refund belongs to: named in the older API, linked as what is above it in the newer. */
function reversedOf(resource: Json): string | undefined {
  const links: unknown[] = Array.isArray(resource["links"]) ? resource["links"] : [];
  const up = links.find((link) => textAt(link, "rel") === "up");
  return (
    textAt(resource, "sale_id") ??
    textAt(resource, "capture_id") ??
    /\/(?:captures|sale)\/([\w-]+)$/.exec(textAt(up, "href") ?? "")?.[1]
  );
}

function referenceOf(holder: unknown): string | undefined {
  return textAt(holder, "invoice_id") ?? textAt(holder, "invoice_number") ?? textAt(holder, "custom_id");
}

/** `value` and `currency_code`; in the older API `total` and `currency`. */
function moneyAt(holder: unknown, key: string): Money | undefined {
  const amount = at(holder, key);
  const currency = at(amount, "currency_code") ?? at(amount, "currency");
  return moneyOf(at(amount, "value") ?? at(amount, "total"), currency);
}
