import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { type Json, known, textAt } from "./json.ts";

/** By kind of resource and action: https://developer.gocardless.com/api-reference/#events-event-types */
const TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["payments.created", "payment.created"],
  ["payments.customer_approval_denied", "payment.canceled"],
  ["payments.submitted", "payment.processing"],
  ["payments.resubmission_requested", "payment.processing"],
  ["payments.confirmed", "payment.succeeded"],
  ["payments.failed", "payment.failed"],
  ["payments.cancelled", "payment.canceled"],
  ["payments.charged_back", "dispute.lost"],
  ["payments.chargeback_cancelled", "dispute.won"],
  ["refunds.created", "refund.pending"],
  ["refunds.paid", "refund.succeeded"],
  ["refunds.refund_settled", "refund.succeeded"],
  ["refunds.failed", "refund.failed"],
  ["refunds.funds_returned", "refund.returned"],
  ["payouts.paid", "payout.paid"],
  ["outbound_payments.created", "payout.created"],
  ["outbound_payments.executed", "payout.paid"],
  ["outbound_payments.failed", "payout.failed"],
  ["outbound_payments.cancelled", "payout.canceled"],
  ["outbound_payments.returned", "payout.returned"],
  ["mandates.created", "mandate.created"],
  ["mandates.active", "mandate.active"],
  ["mandates.reinstated", "mandate.active"],
  ["mandates.cancelled", "mandate.canceled"],
  ["mandates.expired", "mandate.canceled"],
  ["mandates.consumed", "mandate.canceled"],
  ["mandates.suspended_by_payer", "mandate.paused"],
  ["mandates.blocked", "mandate.failed"],
  ["mandates.failed", "mandate.failed"],
  ["subscriptions.created", "subscription.created"],
  ["subscriptions.customer_approval_denied", "subscription.canceled"],
  ["subscriptions.amended", "subscription.updated"],
  ["subscriptions.paused", "subscription.updated"],
  ["subscriptions.resumed", "subscription.updated"],
  ["subscriptions.cancelled", "subscription.canceled"],
  ["subscriptions.finished", "subscription.canceled"],
  ["creditors.updated", "account.updated"],
  ["creditors.new_payout_currency_added", "account.updated"],
  ["creditors.account_auto_frozen", "account.requirements_due"],
  ["creditors.account_auto_frozen_reverted", "account.updated"],
  ["creditors.bounced_payout", "account.requirements_due"],
]);

/**
 * The canonical type of an event and what it is about: ids alone, since GoCardless sends no amounts. A payment that
 * fails after it was confirmed is told by the same action as any other: the facts make `reversed` of it, by the scheme.
 */
export function readGoCardlessEvent(event: Json): { type: EventType; data: EventData } {
  const type = TYPES.get(`${textAt(event, "resource_type")}.${textAt(event, "action")}`) ?? "unknown";
  const link = (name: string) => textAt(event, "links", name);
  const withId = (id: string | undefined) => (id === undefined ? undefined : { id });
  const payment = link("payment");
  const data = known({
    payment: payment === undefined ? undefined : { ...readPayment(event, type), id: payment },
    // A chargeback has no id of its own: a payment has one at a time.
    dispute: type.startsWith("dispute.") ? withId(payment) : undefined,
    refund: withId(link("refund")),
    payout: withId(link("payout") ?? link("outbound_payment")),
    paymentMethod: type.startsWith("mandate.") ? withId(link("mandate")) : undefined,
    account: type.startsWith("account.") ? withId(link("creditor")) : undefined,
  });
  return { type, data };
}

function readPayment(event: Json, type: EventType) {
  const failure = known({ code: textAt(event, "details", "cause"), message: textAt(event, "details", "description") });
  return known({
    reference: textAt(event, "resource_metadata", "order_id"),
    method: textAt(event, "details", "scheme"),
    failure: type === "payment.failed" && Object.keys(failure).length > 0 ? failure : undefined,
  });
}
