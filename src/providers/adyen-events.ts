import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, type Json, known, textAt } from "./json.ts";
import { instantOfIso, minorMoneyOf, isoOf, paymentOf } from "./reading.ts";

/** Where Adyen counts in other decimals than ISO 4217. https://docs.adyen.com/development-resources/currency-codes */
export const ADYEN_DECIMALS = { CLP: 2, CVE: 0, IDR: 0, ISK: 2 };

type Subject = "payment" | "refund" | "dispute" | "payout" | "method" | "report";

/** What an event code is where `success` is true, and where it is false: a modification that failed changes nothing. */
interface Mapping {
  about: Subject;
  type: EventType | ((item: Json) => EventType);
  failed?: EventType;
}

/**
 * By Adyen's event code: https://docs.adyen.com/development-resources/webhooks/webhook-types, of disputes
 * https://docs.adyen.com/risk-management/disputes-api/dispute-notifications
 */
const MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ["AUTHORISATION", { about: "payment", type: "payment.authorized", failed: "payment.failed" }],
  ["AUTHORISATION_ADJUSTMENT", { about: "payment", type: "payment.authorized" }],
  ["PENDING", { about: "payment", type: "payment.pending" }],
  ["CAPTURE", { about: "payment", type: "payment.succeeded" }],
  ["CAPTURE_FAILED", { about: "payment", type: "payment.reversed" }],
  ["CANCELLATION", { about: "payment", type: "payment.canceled" }],
  ["TECHNICAL_CANCEL", { about: "payment", type: "payment.canceled" }],
  ["EXPIRE", { about: "payment", type: "payment.expired" }],
  ["OFFER_CLOSED", { about: "payment", type: "payment.expired" }],
  ["NOTIFICATION_OF_FRAUD", { about: "payment", type: "fraud.warning" }],
  ["REFUND", { about: "refund", type: "refund.succeeded", failed: "refund.failed" }],
  ["REFUND_WITH_DATA", { about: "refund", type: "refund.succeeded", failed: "refund.failed" }],
  ["POSTPONED_REFUND", { about: "refund", type: "refund.pending" }],
  ["REFUND_FAILED", { about: "refund", type: "refund.failed" }],
  ["REFUNDED_REVERSED", { about: "refund", type: "refund.returned" }],
  ["REQUEST_FOR_INFORMATION", { about: "dispute", type: "dispute.warning" }],
  ["NOTIFICATION_OF_CHARGEBACK", { about: "dispute", type: "dispute.warning" }],
  ["INFORMATION_SUPPLIED", { about: "dispute", type: typeOfInformation }],
  ["DISPUTE_DEFENSE_PERIOD_ENDED", { about: "dispute", type: typeOfUndefended }],
  ["CHARGEBACK", { about: "dispute", type: typeOfChargeback }],
  ["SECOND_CHARGEBACK", { about: "dispute", type: "dispute.lost" }],
  // The defense was taken and the money is back, and the cardholder's bank may still answer it.
  ["CHARGEBACK_REVERSED", { about: "dispute", type: "dispute.under_review" }],
  ["ISSUER_RESPONSE_TIMEFRAME_EXPIRED", { about: "dispute", type: "dispute.won" }],
  ["PREARBITRATION_OPEN", { about: "dispute", type: "dispute.reopened" }],
  ["PREARBITRATION_DECLINED", { about: "dispute", type: "dispute.under_review" }],
  ["PREARBITRATION_ACCEPTED", { about: "dispute", type: "dispute.accepted" }],
  ["PREARBITRATION_ISSUER_WITHDRAWN", { about: "dispute", type: "dispute.won" }],
  ["PREARBITRATION_WON", { about: "dispute", type: "dispute.won" }],
  ["PREARBITRATION_LOST", { about: "dispute", type: "dispute.lost" }],
  ["SCHEME_ARBITRATION_WON", { about: "dispute", type: "dispute.won" }],
  ["SCHEME_ARBITRATION_LOST", { about: "dispute", type: "dispute.lost" }],
  ["PAYOUT_THIRDPARTY", { about: "payout", type: "payout.paid", failed: "payout.failed" }],
  ["PAYOUT_DECLINE", { about: "payout", type: "payout.failed" }],
  ["PAYOUT_EXPIRE", { about: "payout", type: "payout.canceled" }],
  ["PAIDOUT_REVERSED", { about: "payout", type: "payout.returned" }],
  ["RECURRING_CONTRACT", { about: "method", type: "payment_method.attached" }],
  ["REPORT_AVAILABLE", { about: "report", type: typeOfReport }],
]);

/** The canonical type of an item and what it is about. Never throws: what is absurd is left out. */
export function readAdyenItem(item: Json, how: { autoCapture: boolean }): { type: EventType; data: EventData } {
  const code = textAt(item, "eventCode") ?? "";
  const mapping = code === "CANCEL_OR_REFUND" ? mappingOfEither(item) : MAPPINGS.get(code);
  if (!mapping) return { type: "unknown", data: readPaymentId(item) };
  const isSuccess = String(item["success"]) === "true";
  const type = isSuccess ? typeOf(mapping, item) : (mapping.failed ?? "unknown");
  const isPaid = how.autoCapture && code === "AUTHORISATION" && isSuccess;
  return { type: isPaid ? "payment.succeeded" : type, data: read(mapping.about, item, isSuccess) };
}

function typeOf({ type }: Mapping, item: Json): EventType {
  return typeof type === "string" ? type : type(item);
}

/** The one modification that is either; which one it was, stands beside what is signed. */
function mappingOfEither(item: Json): Mapping | undefined {
  const action = textAt(item, "additionalData", "modification.action");
  return MAPPINGS.get(action === "refund" ? "REFUND" : action === "cancel" ? "CANCELLATION" : "");
}

function typeOfChargeback(item: Json): EventType {
  switch (textAt(item, "additionalData", "disputeStatus") ?? "") {
    case "Lost":
      return "dispute.lost";
    case "Accepted":
      return "dispute.accepted";
    case "Pending":
      return "dispute.under_review";
    default:
      return "dispute.opened";
  }
}

/** An answer to a mere request for information leaves it at that: no money has been moved. */
function typeOfInformation(item: Json): EventType {
  return isRequestOnly(item) ? "dispute.warning" : "dispute.under_review";
}

/** Sent where the dispute was not defended in time, or its liability was accepted. */
function typeOfUndefended(item: Json): EventType {
  if (isRequestOnly(item)) return "dispute.warning";
  return textAt(item, "additionalData", "disputeStatus") === "Accepted" ? "dispute.accepted" : "dispute.lost";
}

/** A request for information has codes of its own, until a chargeback follows it. */
function isRequestOnly(item: Json): boolean {
  const has = (name: string) => textAt(item, "additionalData", name) !== undefined;
  return has("rfiReasonCode") && !has("chargebackReasonCode");
}

/** A report is named where a payment has its reference. */
function typeOfReport(item: Json): EventType {
  return textAt(item, "pspReference")?.startsWith("settlement_detail") ? "settlement.completed" : "unknown";
}

function read(about: Subject, item: Json, isSuccess: boolean): EventData {
  const id = textAt(item, "pspReference");
  const amount = minorMoneyOf(at(item, "amount", "value"), at(item, "amount", "currency"), ADYEN_DECIMALS);
  const reason = textAt(item, "reason");
  if (!id || about === "report") return {};
  switch (about) {
    case "payment": {
      const payment = { id: textAt(item, "originalReference") ?? id };
      const failure = isSuccess || !reason ? undefined : { message: reason };
      const reference = textAt(item, "merchantReference");
      return {
        payment: { ...known({ amount, reference, method: textAt(item, "paymentMethod"), failure }), ...payment },
      };
    }
    case "refund":
      return { ...readPaymentId(item), refund: { ...known({ amount }), id } };
    case "dispute": {
      const evidenceDueBy = isoOf(instantOfIso(at(item, "additionalData", "defensePeriodEndsAt")));
      return { ...readPaymentId(item), dispute: { ...known({ amount, reason, evidenceDueBy }), id } };
    }
    case "payout":
      return { payout: { ...known({ amount }), id } };
    case "method":
      return { ...readPaymentId(item), paymentMethod: { id } };
  }
}

/** Only which payment an item belongs to. */
function readPaymentId(item: Json): EventData {
  return paymentOf(textAt(item, "originalReference"));
}
