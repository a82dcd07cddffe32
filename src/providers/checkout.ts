import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { isObject, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, isoOf, minorMoneyOf, ModeConfig, paymentOf } from "./reading.ts";

/** Amounts of CLP come with two zeros. https://www.checkout.com/docs/payments/accept-payments/calculating-the-value */
const DECIMALS = { CLP: 2 };

/**
 * By Checkout.com's name of the type: https://www.checkout.com/docs/developer-resources/webhooks/webhook-event-types,
 * and of the platform before: https://www.checkout.com/docs/reporting-and-insights/events-api/event-types. A dispute goes
 * into arbitration after it has been decided.
 */
const TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["payment_pending", "payment.pending"],
  ["payment_compliance_review", "payment.pending"],
  ["payment_approved", "payment.authorized"],
  ["payment_declined", "payment.failed"],
  ["payment_capture_pending", "payment.processing"],
  ["payment_captured", "payment.succeeded"],
  ["payment_voided", "payment.canceled"],
  ["payment_canceled", "payment.canceled"],
  ["payment_cancelled", "payment.canceled"],
  ["payment_expired", "payment.expired"],
  ["payment_returned", "payment.reversed"],
  ["payment_refund_pending", "refund.pending"],
  ["payment_refunded", "refund.succeeded"],
  ["payment_refund_declined", "refund.failed"],
  ["payment_paid", "payout.paid"],
  ["payment_chargeback", "dispute.opened"],
  ["payment_retrieval", "dispute.warning"],
  ["request_for_information_received", "dispute.warning"],
  ["dispute_received", "dispute.opened"],
  ["dispute_evidence_required", "dispute.evidence_required"],
  ["dispute_evidence_submitted", "dispute.under_review"],
  ["dispute_evidence_acknowledged_by_scheme", "dispute.under_review"],
  ["dispute_arbitration_evidence_submitted", "dispute.reopened"],
  ["dispute_arbitration_sent_to_scheme", "dispute.reopened"],
  ["dispute_arbitration_won", "dispute.won"],
  ["dispute_arbitration_lost", "dispute.lost"],
  ["dispute_won", "dispute.won"],
  ["dispute_lost", "dispute.lost"],
  ["dispute_expired", "dispute.lost"],
  ["dispute_accepted", "dispute.accepted"],
  ["dispute_canceled", "dispute.closed"],
  ["dispute_resolved", "dispute.closed"],
  ["fraud_reported", "fraud.warning"],
  ["card_verified", "payment_method.attached"],
]);

/**
 * Checkout.com: `Cko-Signature`, HMAC-SHA256 in hex over the body; the secret is used as it is written.
 * https://www.checkout.com/docs/workflows/secure-your-webhooks
 */
export const checkout: Provider = {
  name: "checkout",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("cko-signature"),

  verify: ({ body, headers }, secrets) => verifyHexHmac(headers.get("cko-signature"), body, secrets),

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const [eventId, providerType] = [textAt(event, "id"), textAt(event, "type")];
    if (!eventId || !providerType) throw new UnparseableError("the body is not an event of Checkout.com");
    const object: Json = isObject(event["data"]) ? event["data"] : {};
    const normalized: ProviderEvent = {
      eventId,
      providerType,
      type: TYPES.get(providerType) ?? "unknown",
      data: read(providerType, object),
      occurredAt: instantOfIso(event["created_on"] ?? event["timestamp"]),
      livemode: isLive(config) && !isOfSandbox(event),
      customer: textAt(object, "customer", "id") ?? null,
      authenticity: "signed",
      raw: event,
    };
    return [normalized];
  },

  acknowledge: acknowledgePlainly,
};

/** Whether the event names itself under an address of the sandbox, such as `https://api.sandbox.checkout.com/…`. */
function isOfSandbox(event: Json): boolean {
  return /^https:\/\/([\w-]+\.)?api\.sandbox\.checkout\.com\//.test(textAt(event, "_links", "self", "href") ?? "");
}

/** Types that speak of a payment by its id, and of what the cardholder's bank asks for by its action. */
const ACTIONS_OF_BANKS: ReadonlySet<string> = new Set(["payment_chargeback", "payment_retrieval"]);

/** `data.id` is the payment's, but of a dispute its own; a refund is known by its action. */
function read(providerType: string, object: Json): EventData {
  const id = textAt(object, "id");
  const amount = amountOf(object);
  if (!id) return {};
  if (/^(dispute|request_for_information)_/.test(providerType)) {
    return { ...paymentOf(textAt(object, "payment_id")), dispute: { ...readDispute(object), id } };
  }
  if (ACTIONS_OF_BANKS.has(providerType)) {
    const action = textAt(object, "action_id");
    return { payment: { id }, ...(action && { dispute: { ...readDispute(object), id: action } }) };
  }
  if (providerType === "payment_paid") return { payout: { ...known({ amount }), id } };
  if (providerType === "card_verified") {
    const method = textAt(object, "source", "id");
    return method ? { paymentMethod: { id: method } } : {};
  }
  if (!providerType.startsWith("payment_")) return {};
  if (providerType.startsWith("payment_refund")) {
    const action = textAt(object, "action_id");
    return { payment: { id }, ...(action && { refund: { ...known({ amount }), id: action } }) };
  }
  const [code, message] = [textAt(object, "response_code"), textAt(object, "response_summary")];
  const failure = providerType === "payment_declined" && (code || message) ? known({ code, message }) : undefined;
  return { payment: { ...known({ amount, reference: textAt(object, "reference"), failure }), id } };
}

function readDispute(object: Json) {
  return known({
    amount: amountOf(object),
    reason: textAt(object, "reason_code"),
    evidenceDueBy: isoOf(instantOfIso(object["evidence_required_by"])),
  });
}

function amountOf(object: Json) {
  return minorMoneyOf(object["amount"], object["currency"], DECIMALS);
}
