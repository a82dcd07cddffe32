import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { FlutterwaveV4Config } from "./config.ts";
import { statusOf, TRANSFERS, typeIn } from "./flutterwave.ts";
import { verifyBase64Hmac } from "./header-hmac.ts";
import { at, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider } from "./provider.ts";
import { failureOf, idOf, isLive, moneyOf } from "./reading.ts";
import { verifyToken } from "./signature.ts";

const CHARGES: Readonly<Record<string, EventType>> = {
  succeeded: "payment.succeeded",
  failed: "payment.failed",
  pending: "payment.pending",
  voided: "payment.canceled",
};

const REFUNDS: Readonly<Record<string, EventType>> = {
  new: "refund.created",
  pending: "refund.pending",
  succeeded: "refund.succeeded",
  completed: "refund.succeeded",
  failed: "refund.failed",
};

const CHARGEBACKS: Readonly<Record<string, EventType>> = {
  initiated: "dispute.opened",
  pending: "dispute.opened",
  declined: "dispute.under_review",
  accepted: "dispute.accepted",
  won: "dispute.won",
  lost: "dispute.lost",
  reversed: "dispute.reversed",
};

/**
 * Flutterwave v4: `flutterwave-signature`, HMAC-SHA256 in base64 over the body, the secret hash as key. Amounts are JSON
 * numbers in major units. https://developer.flutterwave.com/docs/webhooks
 */
export const flutterwaveV4: Provider = {
  name: "flutterwave-v4",
  config: FlutterwaveV4Config,

  mayBeSigned: ({ headers }) => headers.has("flutterwave-signature"),

  async verify({ body, headers }, secrets, { config }) {
    const header = headers.get("flutterwave-signature");
    if (header && config?.["signature"] === "token") return verifyToken(header, secrets);
    return verifyBase64Hmac(header, body, secrets);
  },

  async normalize({ body }, _secrets, config) {
    const isToken = config?.["signature"] === "token";
    const event = parseObject(body);
    const providerType = textAt(event, "type") ?? "unknown";
    const { type, data } = read(providerType, at(event, "data"));
    const timestamp = at(event, "timestamp");
    return [
      {
        eventId: isToken ? null : (textAt(event, "webhook_id") ?? textAt(event, "id") ?? null),
        providerType,
        type,
        occurredAt: Number.isSafeInteger(timestamp) && Number(timestamp) > 0 ? Number(timestamp) : null,
        livemode: isLive(config),
        customer: textAt(event, "data", "customer", "id") ?? null,
        authenticity: isToken ? "token" : "signed",
        data,
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

function read(providerType: string, object: unknown): { type: EventType; data: EventData } {
  const id = idOf(at(object, "id"));
  const [family = ""] = providerType.split(".");
  const status = statusOf(object);
  const charge = { payment: { id: textAt(object, "charge_id") ?? "" } };
  switch (id === undefined ? "" : family) {
    case "charge":
      return { type: typeIn(CHARGES, status), data: { payment: readCharge(id!, object) } };
    case "transfer": {
      const amount = moneyOf(at(object, "amount"), transferCurrencyOf(object));
      const type = at(object, "reversal") ? "payout.returned" : typeIn(TRANSFERS, status);
      return { type, data: { payout: { ...known({ amount }), id: id! } } };
    }
    case "refund": {
      if (charge.payment.id === "") return { type: "unknown", data: {} };
      const amount = moneyOf(at(object, "amount_refunded") ?? at(object, "amount"), at(object, "currency"));
      const type = typeIn(REFUNDS, status);
      return { type, data: { ...charge, refund: { ...known({ amount, reason: textAt(object, "reason") }), id: id! } } };
    }
    case "chargeback": {
      if (charge.payment.id === "") return { type: "unknown", data: {} };
      const amount = moneyOf(at(object, "amount"), at(object, "currency"));
      return { type: typeIn(CHARGEBACKS, status), data: { ...charge, dispute: { ...known({ amount }), id: id! } } };
    }
    default:
      return { type: "unknown", data: {} };
  }
}

function readCharge(id: string, charge: unknown): NonNullable<EventData["payment"]> {
  const isFailed = statusOf(charge) === "failed";
  const details = known({
    amount: moneyOf(at(charge, "amount"), at(charge, "currency")),
    reference: textAt(charge, "reference"),
    method: textAt(charge, "payment_method", "type"),
    failure: isFailed ? failureOf(at(charge, "processor_response"), ["code", "type"]) : undefined,
  });
  return { ...details, id };
}

/** The currency of a transfer, where it is for sure: the amount of one that is exchanged may be of either side. */
function transferCurrencyOf(transfer: unknown): string | undefined {
  const source = textAt(transfer, "source_currency");
  const same = source === textAt(transfer, "destination_currency") ? source : undefined;
  return textAt(transfer, "currency") ?? same;
}
