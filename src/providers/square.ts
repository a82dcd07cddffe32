import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { verifyBase64Hmac } from "./header-hmac.ts";
import { at, isObject, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, minorMoneyOf, ModeConfig, isoOf, paymentOf } from "./reading.ts";
import { prefixed } from "./signature.ts";

/**
 * Square: `x-square-hmacsha256-signature`, HMAC-SHA256 in base64 over the URL as it is registered there and the body;
 * the secret is used as it is written. https://developer.squareup.com/docs/webhooks/step3validate
 */
export const square: Provider = {
  name: "square",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("x-square-hmacsha256-signature"),

  verify: ({ body, headers, url }, secrets) =>
    verifyBase64Hmac(headers.get("x-square-hmacsha256-signature"), prefixed(url, body), secrets),

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const [eventId, providerType] = [textAt(event, "event_id"), textAt(event, "type")];
    if (!eventId || !providerType) throw new UnparseableError("the body is not an event of Square");
    const [family = ""] = providerType.split(".");
    const value = at(event, "data", "object", family);
    const object: Json = isObject(value) ? value : {};
    const normalized: ProviderEvent = {
      eventId,
      providerType,
      type: typeOf(providerType, object),
      data: read(family, object),
      occurredAt: instantOfIso(object["updated_at"]) ?? instantOfIso(event["created_at"]),
      livemode: isLive(config),
      customer: textAt(object, "customer_id") ?? textAt(object, "primary_recipient", "customer_id") ?? null,
      authenticity: "signed",
      raw: event,
    };
    return [normalized];
  },

  acknowledge: acknowledgePlainly,
};

/**
 * By Square's name of the type, with the object's state behind it where that decides.
 * https://developer.squareup.com/docs/webhooks/v2webhook-events-tech-ref
 */
const TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["payment PENDING", "payment.pending"],
  ["payment APPROVED", "payment.authorized"],
  ["payment COMPLETED", "payment.succeeded"],
  ["payment CANCELED", "payment.canceled"],
  ["payment FAILED", "payment.failed"],
  ["refund PENDING", "refund.pending"],
  ["refund COMPLETED", "refund.succeeded"],
  ["refund REJECTED", "refund.failed"],
  ["refund FAILED", "refund.failed"],
  ["dispute EVIDENCE_REQUIRED", "dispute.evidence_required"],
  ["dispute PROCESSING", "dispute.under_review"],
  ["dispute WON", "dispute.won"],
  ["dispute LOST", "dispute.lost"],
  ["dispute ACCEPTED", "dispute.accepted"],
  ["payout.sent", "payout.in_transit"],
  ["payout.paid", "payout.paid"],
  ["payout.failed", "payout.failed"],
  ["subscription.created", "subscription.created"],
  ["subscription.updated", "subscription.updated"],
  ["subscription.updated CANCELED", "subscription.canceled"],
  ["subscription.updated DEACTIVATED", "subscription.canceled"],
  ["invoice.created", "invoice.created"],
  ["invoice.published", "invoice.updated"],
  ["invoice.updated", "invoice.updated"],
  ["invoice.payment_made", "invoice.paid"],
  ["invoice.payment_made PARTIALLY_PAID", "invoice.updated"],
  ["invoice.refunded", "invoice.updated"],
  ["invoice.scheduled_charge_failed", "invoice.payment_failed"],
  ["invoice.canceled", "invoice.canceled"],
  ["invoice.deleted", "invoice.canceled"],
  ["card.created", "payment_method.attached"],
  ["card.updated", "payment_method.updated"],
  ["card.automatically_updated", "payment_method.updated"],
  ["card.disabled", "payment_method.detached"],
  ["card.forgotten", "payment_method.detached"],
  ["bank_account.created", "payment_method.attached"],
  ["bank_account.verified", "payment_method.updated"],
  ["bank_account.disabled", "payment_method.detached"],
]);

/** Types that say only that something changed: the object's state says to what. */
const BY_STATE = /^(payment|refund|dispute)\.(created|updated|state\.(updated|changed))$/;

function typeOf(providerType: string, object: Json): EventType {
  const family = BY_STATE.exec(providerType)?.[1];
  const state = textAt(object, "status") ?? textAt(object, "state") ?? "";
  if (family === "dispute" && state.startsWith("INQUIRY_")) return "dispute.warning";
  if (providerType === "dispute.created") return "dispute.opened";
  if (family) return TYPES.get(`${family} ${state}`) ?? "unknown";
  return TYPES.get(`${providerType} ${state}`) ?? TYPES.get(providerType) ?? "unknown";
}

function read(family: string, object: Json): EventData {
  const id = textAt(object, "id") ?? textAt(object, "dispute_id");
  const money = object["amount_money"];
  // Payouts have the older name.
  const amount = minorMoneyOf(at(money, "amount"), at(money, "currency") ?? at(money, "currency_code"));
  const reason = textAt(object, "reason");
  if (!id) return {};
  switch (family) {
    case "payment": {
      const reference = textAt(object, "reference_id") ?? textAt(object, "order_id");
      const method = textAt(object, "source_type")?.toLowerCase();
      return { payment: { ...known({ amount, reference, method }), id } };
    }
    case "refund":
      return { ...paymentOf(textAt(object, "payment_id")), refund: { ...known({ amount, reason }), id } };
    case "dispute": {
      const payment = textAt(object, "disputed_payment", "payment_id") ?? textAt(object, "payment_id");
      const evidenceDueBy = isoOf(instantOfIso(object["due_at"]));
      return { ...paymentOf(payment), dispute: { ...known({ amount, reason, evidenceDueBy }), id } };
    }
    case "payout":
      return { payout: { ...known({ amount, arrivalDate: textAt(object, "arrival_date") }), id } };
    case "card":
    case "bank_account":
      return {
        paymentMethod: { ...known({ brand: textAt(object, "card_brand"), last4: textAt(object, "last_4") }), id },
      };
    default:
      return {};
  }
}
