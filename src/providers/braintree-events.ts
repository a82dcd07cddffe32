import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, isObject, type Json, known, textAt } from "./json.ts";
import { type Mapping, readMapped } from "./mapping.ts";
import { UnparseableError } from "./provider.ts";
import { failureOf, instantOfIso, isoOf, moneyOf, paymentOf } from "./reading.ts";
import { readXml } from "./xml.ts";

/** By `kind`, over `subject`: https://developer.paypal.com/braintree/docs/reference/general/webhooks/overview */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["transaction_settled", { type: typeOfSettled, read: readTransaction }],
  ["transaction_settlement_declined", { type: typeOfDeclined, read: readTransaction }],
  ["transaction_retried", { type: typeByStatus, read: readTransaction }],
  ["transaction_disbursed", { type: "unknown", read: readTransaction }],
  ["transaction_reviewed", { type: "unknown", read: readReview }],
  ["refund_failed", { type: "refund.failed", read: readRefund }],
  ["dispute_opened", { type: typeOfOpened, read: readDispute }],
  ["dispute_under_review", { type: "dispute.under_review", read: readDispute }],
  ["dispute_disputed", { type: "dispute.under_review", read: readDispute }],
  ["dispute_accepted", { type: "dispute.accepted", read: readDispute }],
  ["dispute_auto_accepted", { type: "dispute.accepted", read: readDispute }],
  ["dispute_expired", { type: "dispute.lost", read: readDispute }],
  ["dispute_won", { type: "dispute.won", read: readDispute }],
  ["dispute_lost", { type: "dispute.lost", read: readDispute }],
  ["disbursement", { type: typeOfDisbursement, read: readDisbursement }],
  ["disbursement_exception", { type: typeOfDisbursement, read: readDisbursement }],
  ["sub_merchant_account_approved", { type: "account.updated", read: readSubMerchant }],
  ["sub_merchant_account_declined", { type: "account.updated", read: readSubMerchant }],
  ["local_payment_completed", { type: typeOfLocalPayment, read: readLocalPayment }],
  ["local_payment_funded", { type: typeOfLocalPayment, read: readLocalPayment }],
  ["local_payment_expired", { type: "payment.expired", read: readLocalPayment }],
  ["local_payment_reversed", { type: "payment.reversed", read: readLocalPayment }],
  ["subscription_went_active", { type: "subscription.updated", read: readSubscription }],
  ["subscription_trial_ended", { type: "subscription.updated", read: readSubscription }],
  ["subscription_billing_skipped", { type: "subscription.updated", read: readSubscription }],
  ["subscription_went_past_due", { type: "subscription.past_due", read: readSubscription }],
  ["subscription_canceled", { type: "subscription.canceled", read: readSubscription }],
  ["subscription_expired", { type: "subscription.canceled", read: readSubscription }],
  ["subscription_charged_successfully", { type: "invoice.paid", read: readSubscription }],
  ["subscription_charged_unsuccessfully", { type: "invoice.payment_failed", read: readSubscription }],
  ["payment_method_revoked_by_customer", { type: "payment_method.detached", read: readMethod }],
  ["granted_payment_method_revoked", { type: "payment_method.detached", read: readMethod }],
  ["payment_method_customer_data_updated", { type: "payment_method.updated", read: readMethod }],
  ["granted_payment_instrument_update", { type: "payment_method.updated", read: readMethod }],
  ["grantor_updated_granted_payment_method", { type: "payment_method.updated", read: readMethod }],
  ["recipient_updated_granted_payment_method", { type: "payment_method.updated", read: readMethod }],
]);

/** By a transaction's `status`: https://developer.paypal.com/braintree/docs/reference/general/statuses#transaction */
const BY_STATUS: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["authorizing", "payment.pending"],
  ["authorized", "payment.authorized"],
  ["authorization_expired", "payment.expired"],
  ["submitted_for_settlement", "payment.processing"],
  ["settlement_pending", "payment.processing"],
  ["settling", "payment.processing"],
  ["settled", "payment.succeeded"],
  ["settlement_declined", "payment.failed"],
  ["processor_declined", "payment.failed"],
  ["gateway_rejected", "payment.failed"],
  ["failed", "payment.failed"],
  ["voided", "payment.canceled"],
]);

/**
 * What a notification says, from its XML in UTF-8.
 *
 * @throws {UnparseableError} where it is none.
 */
export function readBraintreeEvent(
  xml: Uint8Array,
): Pick<ProviderEvent, "providerType" | "type" | "data" | "occurredAt" | "customer" | "raw"> {
  const { name, value } = readXml(textOf(xml));
  const providerType = textAt(value, "kind");
  const subject = at(value, "subject");
  if (name !== "notification" || !providerType) throw new UnparseableError("the body is no notification of Braintree");
  const object: Json = isObject(subject) ? subject : {};
  const mapping = MAPPINGS.get(providerType);
  return {
    providerType,
    ...(mapping ? readMapped(mapping, object, object) : { type: "unknown", data: {} }),
    occurredAt: instantOfIso(at(value, "timestamp")),
    customer: customerOf(object),
    raw: value,
  };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new UnparseableError("the body is not in UTF-8", { cause });
  }
}

/** The transaction that a subject is or holds: of a local payment, or the newest of a subscription. */
function transactionOf(subject: Json): unknown {
  const all = at(subject, "subscription", "transactions");
  const [local] = Object.keys(subject).filter((name) => name.startsWith("local-payment"));
  return at(subject, "transaction") ?? (Array.isArray(all) ? all[0] : local && at(subject, local, "transaction"));
}

/** Where one is named, by a transaction or a payment method, whose element is called after its kind. */
function customerOf(subject: Json): string | null {
  const [first] = Object.values(subject);
  const named = [
    textAt(transactionOf(subject), "customer", "id"),
    textAt(first, "customer-id"),
    ...methodsOf(subject).map((method) => textAt(method, "customer-id")),
  ];
  return named.find((id) => id !== undefined) ?? null;
}

/** A refund is a transaction of its own. */
function isRefund(subject: Json): boolean {
  return textAt(transactionOf(subject), "type") === "credit";
}

function typeOfSettled(subject: Json): EventType {
  return isRefund(subject) ? "refund.succeeded" : "payment.succeeded";
}

function typeOfDeclined(subject: Json): EventType {
  return isRefund(subject) ? "refund.failed" : "payment.failed";
}

function typeByStatus(subject: Json): EventType {
  const type = BY_STATUS.get(textAt(transactionOf(subject), "status") ?? "");
  return (isRefund(subject) ? undefined : type) ?? "unknown";
}

/** What a debit is drawn from is called as elsewhere: it may come back after it has succeeded. */
function readTransaction(subject: Json): EventData {
  if (isRefund(subject)) return readRefund(subject);
  const transaction = transactionOf(subject);
  const id = textAt(transaction, "id");
  const instrument = textAt(transaction, "payment-instrument-type");
  const hasFailed = typeByStatus(subject) === "payment.failed";
  const details = known({
    amount: amountOf(transaction),
    reference: textAt(transaction, "order-id"),
    method: instrument === "sepa_debit_account" ? "sepa_debit" : instrument,
    failure: hasFailed ? whyFailed(transaction) : undefined,
  });
  return id ? { payment: { ...details, id } } : {};
}

/** The settlement's reason where it was the settlement that failed, else the authorization's. */
function whyFailed(transaction: unknown) {
  return (
    failureOf(transaction, ["processor-settlement-response-code", "processor-settlement-response-text"]) ??
    failureOf(transaction, ["processor-response-code", "processor-response-text"])
  );
}

function readRefund(subject: Json): EventData {
  const refund = transactionOf(subject);
  const id = textAt(refund, "id");
  const payment = paymentOf(textAt(refund, "refunded-transaction-id"));
  return { ...payment, ...(id && { refund: { ...known({ amount: amountOf(refund) }), id } }) };
}

function readReview(subject: Json): EventData {
  return paymentOf(textAt(subject, "transaction-review", "transaction-id"));
}

/** A retrieval asks for papers, and moves no money yet. */
function typeOfOpened(subject: Json): EventType {
  return textAt(subject, "dispute", "kind") === "retrieval" ? "dispute.warning" : "dispute.opened";
}

/** The evidence is due by a day, which we let end where it begins: at no place it ends before. */
function readDispute(subject: Json): EventData {
  const dispute = at(subject, "dispute");
  const id = textAt(dispute, "id");
  const dueBy = textAt(dispute, "reply-by-date");
  const details = known({
    amount: amountOf(dispute, "amount-disputed") ?? amountOf(dispute),
    reason: textAt(dispute, "reason"),
    evidenceDueBy: dueBy && isoOf(instantOfIso(`${dueBy}T00:00`)),
  });
  return { ...paymentOf(textAt(dispute, "transaction", "id")), ...(id && { dispute: { ...details, id } }) };
}

/** One of the type `debit` takes money from the merchant: that is no payout. */
function typeOfDisbursement(subject: Json): EventType {
  const disbursement = at(subject, "disbursement");
  if (!textAt(disbursement, "id") || textAt(disbursement, "disbursement-type") === "debit") return "unknown";
  return textAt(disbursement, "success") === "false" ? "payout.failed" : "payout.paid";
}

function readDisbursement(subject: Json): EventData {
  const disbursement = at(subject, "disbursement");
  const id = textAt(disbursement, "id");
  const currency = at(disbursement, "merchant-account", "currency-iso-code");
  const details = known({
    amount: moneyOf(at(disbursement, "amount"), currency),
    arrivalDate: textAt(disbursement, "disbursement-date"),
  });
  return id ? { payout: { ...details, id } } : {};
}

/** Without a transaction the merchant has yet to make one, under another id. */
function typeOfLocalPayment(subject: Json): EventType {
  return transactionOf(subject) ? typeByStatus(subject) : "payment.requires_action";
}

function readLocalPayment(subject: Json): EventData {
  const [local] = Object.values(subject);
  return transactionOf(subject) ? readTransaction(subject) : paymentOf(textAt(local, "payment-id"));
}

function readSubMerchant(subject: Json): EventData {
  const id = textAt(subject, "merchant-account", "id");
  return id ? { account: { id } } : {};
}

function readSubscription(subject: Json): EventData {
  return paymentOf(textAt(transactionOf(subject), "id"));
}

/** The payment method that a subject is or is about: the first that has a token. */
function readMethod(subject: Json): EventData {
  const id = methodsOf(subject)
    .map((method) => textAt(method, "token"))
    .find((token) => token !== undefined);
  return id === undefined ? {} : { paymentMethod: { id } };
}

function methodsOf(subject: Json): unknown[] {
  const [first] = Object.values(subject);
  const inner = at(first, "payment-method");
  return [first, ...(isObject(inner) ? Object.values(inner) : [])];
}

function amountOf(holder: unknown, key = "amount") {
  return moneyOf(at(holder, key), at(holder, "currency-iso-code"));
}
