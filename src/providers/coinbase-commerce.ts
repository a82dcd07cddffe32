import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, moneyOf } from "./reading.ts";

/** https://docs.cdp.coinbase.com/commerce/introduction/payment-status */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["charge:created", "payment.created"],
  ["charge:pending", "payment.processing"],
  ["charge:confirmed", "payment.succeeded"],
  ["charge:failed", "payment.failed"],
  ["charge:delayed", "payment.pending"],
  ["charge:resolved", "payment.succeeded"],
] as const);

/**
 * Coinbase Commerce: `X-CC-Webhook-Signature`, HMAC-SHA256 in hex over the body. The event is nested under `event`.
 * https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security
 */
export const coinbaseCommerce: Provider = {
  name: "coinbase-commerce",

  mayBeSigned: ({ headers }) => headers.has("x-cc-webhook-signature"),

  verify: ({ body, headers }, secrets) => verifyHexHmac(headers.get("x-cc-webhook-signature"), body, secrets),

  async normalize({ body }) {
    const delivery = parseObject(body);
    const event = at(delivery, "event");
    const providerType = textAt(event, "type");
    if (!providerType) throw new UnparseableError("the body holds no Coinbase Commerce event");
    const charge = at(event, "data");
    return [
      {
        eventId: textAt(event, "id") ?? null,
        providerType,
        type: typeOf(providerType, charge),
        occurredAt: instantOfIso(at(event, "created_at")),
        livemode: true,
        customer: null,
        authenticity: "signed",
        data: readCharge(charge),
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

/** A charge that nobody paid in time fails too. */
function typeOf(providerType: string, charge: unknown): EventType {
  const type = textAt(charge, "code") ? (TYPES.get(providerType) ?? "unknown") : "unknown";
  const timeline = at(charge, "timeline");
  const last: unknown = Array.isArray(timeline) ? timeline.at(-1) : undefined;
  return type === "payment.failed" && textAt(last, "status") === "EXPIRED" ? "payment.expired" : type;
}

/** What was asked for. `pricing.local` is in the merchant's currency; where there is no price there is no amount. */
function readCharge(charge: unknown): EventData {
  const id = textAt(charge, "code");
  const price = at(charge, "pricing", "local");
  const details = known({
    amount: moneyOf(at(price, "amount"), at(price, "currency")),
    reference: textAt(charge, "metadata", "order_id"),
  });
  return id ? { payment: { ...details, id } } : {};
}
