import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, isObject, type Json, known, textAt } from "./json.ts";
import { type Mapping, readMapped } from "./mapping.ts";
import { minorMoneyOf, paymentOf } from "./reading.ts";

/** Of a transaction, whatever its notification is called. */
const TRADE_STATES: ReadonlyMap<unknown, EventType> = new Map<unknown, EventType>([
  ["SUCCESS", "payment.succeeded"],
  // It was paid; what is given back has notifications of its own.
  ["REFUND", "payment.succeeded"],
  ["ACCEPT", "payment.processing"],
  ["USERPAYING", "payment.processing"],
  ["NOTPAY", "payment.pending"],
  ["CLOSED", "payment.canceled"],
  ["REVOKED", "payment.canceled"],
  ["PAYERROR", "payment.failed"],
  ["PAY_FAIL", "payment.failed"],
]);

const BILL_STATES: ReadonlyMap<unknown, EventType> = new Map<unknown, EventType>([
  ["SUCCESS", "payout.paid"],
  ["FAIL", "payout.failed"],
  ["CANCELLED", "payout.canceled"],
]);

/** By WeChat Pay's name of the type. */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["REFUND.SUCCESS", { type: "refund.succeeded", read: readRefund }],
  ["REFUND.ABNORMAL", { type: "refund.failed", read: readRefund }],
  ["REFUND.CLOSED", { type: "refund.failed", read: readRefund }],
  ["PAYSCORE.USER_PAID", { type: "payment.succeeded", read: readServiceOrder }],
  ["PAYSCORE.USER_OPEN_SERVICE", { type: "mandate.active", read: () => ({}) }],
  ["PAYSCORE.USER_CLOSE_SERVICE", { type: "mandate.canceled", read: () => ({}) }],
  ["MCHTRANSFER.BILL.FINISHED", { type: ({ state }) => BILL_STATES.get(state) ?? "unknown", read: readBill }],
  ["COMPLAINT.CREATE", { type: "dispute.warning", read: readComplaint }],
  ["COMPLAINT.STATE_CHANGE", { type: typeOfComplaint, read: readComplaint }],
]);

const TRANSACTION: Mapping = {
  type: (transaction) =>
    (textAt(transaction, "transaction_id") && TRADE_STATES.get(transaction["trade_state"])) || "unknown",
  read: readTransaction,
};

/** The canonical type of an event and what it is about. Never throws: what is absurd is left out. */
export function readWeChatPayEvent(providerType: string, resource: Json): { type: EventType; data: EventData } {
  const mapping = providerType.startsWith("TRANSACTION.") ? TRANSACTION : MAPPINGS.get(providerType);
  return mapping ? readMapped(mapping, resource, resource) : { type: "unknown", data: {} };
}

/** What a resource is about: itself, or each of the orders that were paid in one. */
export function partsOfResource(resource: Json): Json[] {
  const orders = resource["sub_orders"];
  return Array.isArray(orders) && orders.length > 0 && orders.every(isObject) ? orders : [resource];
}

/** The user, as the merchant's own app, or else that of the merchant for whom it acts, knows them. */
export function customerOf(resource: Json): string | null {
  const holders = [resource["payer"], resource["combine_payer_info"], resource];
  const ids = holders.flatMap((holder) => ["openid", "sp_openid"].map((name) => textAt(holder, name)));
  return ids.find((id) => id !== undefined) ?? null;
}

/** An order that is paid with others says its amount under another name. */
function readTransaction(transaction: Json): EventData {
  const id = textAt(transaction, "transaction_id");
  if (!id) return {};
  const total = at(transaction, "amount", "total") ?? at(transaction, "amount", "total_amount");
  const amount = minorMoneyOf(total, currencyOf(transaction));
  const method = textAt(transaction, "trade_type")?.toLowerCase();
  return { payment: { ...known({ amount, method, reference: textAt(transaction, "out_trade_no") }), id } };
}

function readRefund(refund: Json): EventData {
  const id = textAt(refund, "refund_id");
  const amount = minorMoneyOf(at(refund, "amount", "refund"), currencyOf(refund));
  return { ...paymentOf(textAt(refund, "transaction_id")), ...(id && { refund: { ...known({ amount }), id } }) };
}

/** An order on credit: what it was paid with is the payment where there is one such, else the order itself. */
function readServiceOrder(order: Json): EventData {
  const details = at(order, "collection", "details");
  const paid: unknown = Array.isArray(details) && details.length === 1 ? details[0] : null;
  const id = textAt(paid, "transaction_id") ?? textAt(order, "order_id");
  const amount = minorMoneyOf(order["total_amount"], "CNY");
  return id ? { payment: { ...known({ amount, reference: textAt(order, "out_order_no") }), id } } : {};
}

function readBill(bill: Json): EventData {
  const id = textAt(bill, "transfer_bill_no");
  const amount = minorMoneyOf(bill["transfer_amount"], "CNY");
  return id ? { payout: { ...known({ amount }), id } } : {};
}

function typeOfComplaint({ action_type: action }: Json): EventType {
  return action === "MERCHANT_CONFIRM_COMPLETE" || action === "PLATFORM_SERVICE_FINISHED"
    ? "dispute.closed"
    : "dispute.under_review";
}

/** Which payment it is about has to be asked for. */
function readComplaint(complaint: Json): EventData {
  const id = textAt(complaint, "complaint_id");
  return id ? { dispute: { ...known({ reason: textAt(complaint, "action_type") }), id } } : {};
}

function currencyOf(holder: Json): unknown {
  return at(holder, "amount", "currency") ?? "CNY";
}
