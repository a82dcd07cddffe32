import type { EventData, Payment } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, isObject, type Json, known, textAt } from "./json.ts";
import { failureOf, moneyOf } from "./reading.ts";

/** What an event is here, and what it is about. */
interface Read {
  type: EventType;
  data: EventData;
}

/** By what follows `acceptance.payment_session.`. A capture or a void that is only asked for changes nothing yet. */
const SESSIONS: ReadonlyMap<string, EventType> = new Map([
  ["created", "payment.created"],
  ["canceled", "payment.canceled"],
  ["authorization_pending", "payment.processing"],
  ["authorization_succeeded", "payment.authorized"],
  ["authorization_failed", "payment.failed"],
  ["capture_succeeded", "payment.succeeded"],
  ["void_succeeded", "payment.canceled"],
  ["refund_pending", "refund.pending"],
  ["refund_succeeded", "refund.succeeded"],
  ["refund_failed", "refund.failed"],
] as const);

const DISBURSEMENTS: ReadonlyMap<string, EventType> = new Map([
  ["pending", "payout.in_transit"],
  ["succeeded", "payout.paid"],
  ["failed", "payout.failed"],
] as const);

const MANDATES: ReadonlyMap<string, EventType> = new Map([
  ["approval_succeeded", "mandate.active"],
  ["approval_failed", "mandate.failed"],
  ["revocation_succeeded", "mandate.canceled"],
  ["canceled", "mandate.canceled"],
] as const);

const CHECKOUTS: ReadonlyMap<string, EventType> = new Map([
  ["payment.success", "payment.succeeded"],
  ["payment.failed", "payment.failed"],
  ["payment.expired", "payment.expired"],
  ["refund.success", "refund.succeeded"],
  ["refund.failed", "refund.failed"],
] as const);

/**
 * The canonical type of an event and what it is about; `unknown` where there is no mapping. Crypto assets are no ISO
 * currencies: their amounts are left out, and a refund says whether it is `whole`. Never throws.
 */
export function readCdpEvent(eventType: string, event: Json): Read {
  const [family = "", object = "", ...rest] = eventType.split(".");
  const what = rest.join(".");
  const data = at(event, "data");
  switch (family === "acceptance" ? object : family) {
    case "checkout":
      return readCheckout(CHECKOUTS.get(eventType.slice("checkout.".length)), event);
    case "payment_session":
      return readSession(SESSIONS.get(what), data);
    case "disbursement":
      return readDisbursement(DISBURSEMENTS.get(what), data);
    case "mandate":
      return { type: MANDATES.get(what) ?? "unknown", data: {} };
    default:
      return { type: "unknown", data: {} };
  }
}

/** https://docs.cdp.coinbase.com/coinbase-business/checkout-apis/webhooks */
function readCheckout(type: EventType | undefined, checkout: Json): Read {
  const id = textAt(checkout, "id");
  if (!type || !id) return { type: "unknown", data: {} };
  const payment: Payment = {
    ...known({
      amount: moneyOf(at(checkout, "amount"), at(checkout, "currency")),
      reference: textAt(checkout, "metadata", "orderId"),
    }),
    id,
  };
  if (!type.startsWith("refund.")) return { type, data: { payment } };
  const refund = newestRefund(checkout, type === "refund.succeeded" ? "COMPLETED" : "FAILED");
  const isWhole = textAt(checkout, "status") === "REFUNDED";
  return ofRefund(type, { payment, refund, id: textAt(refund, "id"), currency: at(refund, "currency"), isWhole });
}

/** The refund of that status which was made last: an event is sent for each. */
function newestRefund(checkout: Json, status: string): unknown {
  const list = at(checkout, "refunds");
  const refunds = (Array.isArray(list) ? list : []).filter((refund) => textAt(refund, "status") === status);
  const madeAt = (refund: unknown) => textAt(refund, "createdAt") ?? "";
  return refunds.reduce<unknown>((newest, refund) => (madeAt(refund) >= madeAt(newest) ? refund : newest), undefined);
}

/** https://docs.cdp.coinbase.com/webhooks/payment-acceptance/example-payloads */
function readSession(type: EventType | undefined, data: unknown): Read {
  const session = at(data, "paymentSession");
  const id = textAt(session, "paymentSessionId");
  if (!type || !id) return { type: "unknown", data: {} };
  const balance = (name: string) => textAt(session, "balances", name) ?? "";
  const asset = at(session, "asset");
  const isCapture = type === "payment.succeeded";
  const payment: Payment = {
    ...known({
      amount: moneyOf(isCapture ? balance("captured") : at(session, "amount"), asset),
      reference: textAt(session, "externalReferenceId"),
      failure: type === "payment.failed" ? failureOf(at(data, "authorization", "error")) : undefined,
    }),
    id,
  };
  if (type.startsWith("refund.")) {
    const refund = at(data, "refund");
    const isWhole = isZero(balance("refundable")) && balance("captured") === balance("refunded");
    return ofRefund(type, { payment, refund, id: textAt(refund, "refundId"), currency: asset, isWhole });
  }
  if (isCapture && isPositive(balance("capturable"))) return { type: "payment.partially_captured", data: { payment } };
  // Of a payment that was captured in part, the rest was let go.
  if (textAt(data, "void", "voidId") && isPositive(balance("captured"))) return { type: "unknown", data: { payment } };
  return { type, data: { payment } };
}

function ofRefund(
  type: EventType,
  about: { payment: Payment; refund: unknown; id: string | undefined; currency: unknown; isWhole: boolean },
): Read {
  const { refund, id } = about;
  const payment = { payment: { ...known({ reference: about.payment.reference }), id: about.payment.id } };
  if (!id) return { type: "unknown", data: payment };
  const amount = moneyOf(at(refund, "amount"), about.currency);
  const whole = about.isWhole && type === "refund.succeeded" ? (true as const) : undefined;
  const details = known({ amount, whole, reason: textAt(refund, "reason") });
  return { type, data: { ...payment, refund: { ...details, id } } };
}

function readDisbursement(type: EventType | undefined, disbursement: unknown): Read {
  const id = textAt(disbursement, "disbursementId");
  if (!type || !id || !isObject(disbursement)) return { type: "unknown", data: {} };
  const amount = moneyOf(disbursement["amount"], disbursement["asset"]);
  return { type, data: { payout: { ...known({ amount }), id } } };
}

function isZero(decimal: string): boolean {
  return /^0+(\.0+)?$/.test(decimal);
}

function isPositive(decimal: string): boolean {
  return /^\d+(\.\d+)?$/.test(decimal) && !isZero(decimal);
}
