import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { at, isObject, type Json, known, parseObject, partsOf, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError, type Verification } from "./provider.ts";
import { failureOf, instantOfIso, isLive, minorMoneyOf, ModeConfig } from "./reading.ts";
import { worldpayFault } from "./secret-faults.ts";
import { bytesOfHex, MAX_HEADER_LENGTH, MAX_SECRETS, MAX_SIGNATURES, verifyHmac } from "./signature.ts";

/** By classification and type. https://docs.worldpay.com/access/products/events/openapi/payment */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["payment sentForAuthorization", "payment.processing"],
  ["payment authorized", "payment.authorized"],
  ["payment sentForSettlement", "payment.succeeded"],
  ["payment settled", "payment.succeeded"],
  ["payment settlementFailed", "payment.reversed"],
  ["payment cancelled", "payment.canceled"],
  ["payment cancelledByCustomer", "payment.canceled"],
  ["payment expired", "payment.expired"],
  ["payment requestExpired", "payment.expired"],
  ["payment refused", "payment.failed"],
  ["payment error", "payment.failed"],
  ["payment sentForRefund", "refund.pending"],
  ["payment refunded", "refund.succeeded"],
  ["payment refundFailed", "refund.failed"],
  // Of what is no card: taken back, and nobody to defend it to.
  ["payment chargedBack", "dispute.lost"],
  ["payment tokenCreated", "payment_method.attached"],
  ["payout requested", "payout.created"],
  ["payout approved", "payout.in_transit"],
  ["payout pending", "payout.in_transit"],
  ["payout disbursed", "payout.paid"],
  ["payout refused", "payout.failed"],
  ["payout error", "payout.failed"],
  ["chargeback informationRequested", "dispute.warning"],
  ["chargeback chargedBack", "dispute.opened"],
  ["chargeback chargebackReversed", "dispute.won"],
] as const);

/**
 * Worldpay (Access): `Event-Signature: {keyId}/SHA256/{signature}`, several with commas between, HMAC-SHA256 in hex over
 * the body. A secret is a JSON object of keys by their ids: `{"1":"…","2":"…"}`. Wants 400 for a bad signature.
 * https://docs.worldpay.com/access/products/events/signature
 */
export const worldpay: Provider = {
  name: "worldpay",
  config: ModeConfig,
  secretFault: worldpayFault,

  mayBeSigned: ({ headers }) => headers.has("event-signature"),

  async verify({ body, headers }, secrets) {
    const header = headers.get("event-signature");
    if (!header) return { ok: false, reason: "header_missing" };
    const signatures = parseHeader(header);
    if (!signatures) return { ok: false, reason: "header_malformed" };
    if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too_many_secrets" };
    let verification: Verification = { ok: false, reason: "no_secret" };
    for (const [secretIndex, secret] of secrets.entries()) {
      const keys = partsOf(secret);
      for (const [keyId, named] of signatures) {
        const key = textAt(keys, keyId);
        if (key === undefined) continue;
        verification = await verifyHmac(new Uint8Array(body), named, [key]);
        if (verification.ok) return { ok: true, secretIndex };
      }
    }
    return verification;
  },

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const eventId = textAt(event, "eventId");
    const details = at(event, "eventDetails");
    const providerType = textAt(details, "type") ?? typeOfToken(event);
    if (!eventId || !providerType) throw new UnparseableError("the body is not a Worldpay event");
    const { type, data } = read(providerType, details, eventId);
    return [
      {
        eventId,
        providerType,
        type,
        occurredAt: instantOfIso(at(event, "eventTimestamp")),
        livemode: isLive(config),
        customer: null,
        authenticity: "signed",
        data,
        raw: event,
      },
    ];
  },

  acknowledge(outcome) {
    if (outcome === "bad-signature") return new Response("bad signature\n", { status: 400 });
    return acknowledgePlainly(outcome);
  },
};

/** The signatures by the key that they name; null where an entry is none, or there are more of them than may be. */
function parseHeader(header: string): Map<string, Uint8Array[]> | null {
  if (header.length > MAX_HEADER_LENGTH) return null;
  const entries = header.split(",").map((entry) => {
    const [, keyId = "", hex = ""] = /^([^/\s]{1,64})\/SHA256\/([0-9a-f]{64})$/i.exec(entry.trim()) ?? [];
    return { keyId, bytes: bytesOfHex(hex) };
  });
  const read = entries.flatMap(({ keyId, bytes }) => (bytes ? [{ keyId, bytes }] : []));
  if (read.length < entries.length || read.length > MAX_SIGNATURES) return null;
  const groups = Map.groupBy(read, ({ keyId }) => keyId);
  return new Map([...groups].map(([keyId, group]) => [keyId, group.map(({ bytes }) => bytes)]));
}

/** The events of tokens alone have no type where the others have theirs. */
function typeOfToken(event: Json): string | undefined {
  const isToken = isObject(at(event, "eventDetails", "tokenPaymentInstrument"));
  return textAt(event, "eventType") ?? (isToken ? "tokenCreated" : undefined);
}

/**
 * `transactionReference`, which the merchant gave, is all that names the payment, its dispute, or the payout. A refund
 * has a `reference` in some events; in those without, each event is a refund of its own.
 */
function read(providerType: string, details: unknown, eventId: string): { type: EventType; data: EventData } {
  const id = textAt(details, "transactionReference");
  if (!id) return { type: "unknown", data: {} };
  const classification = textAt(details, "classification") ?? "payment";
  const type = TYPES.get(`${classification} ${providerType}`) ?? "unknown";
  const [family = ""] = type.split(".");
  const amount = amountOf(details);
  const payment = { id, reference: id };
  switch (family) {
    case "refund":
      return { type, data: { payment, refund: { ...known({ amount }), id: textAt(details, "reference") ?? eventId } } };
    case "dispute":
      return { type, data: { payment, dispute: { ...known({ amount }), id } } };
    case "payment": {
      const failure =
        type === "payment.failed" ? failureOf(at(details, "refusal"), ["code", "description"]) : undefined;
      return { type, data: { payment: { ...known({ amount, failure }), ...payment } } };
    }
    case "payout":
      return { type, data: { payout: { ...known({ amount }), id } } };
    case "payment_method": {
      const paymentMethod = readToken(details);
      return paymentMethod
        ? { type, data: { payment: { id }, paymentMethod } }
        : { type: "unknown", data: { payment } };
    }
    default:
      return { type, data: classification === "payout" ? {} : { payment } };
  }
}

/** A token of a card comes with the card, that of another method with less. */
function readToken(details: unknown): EventData["paymentMethod"] {
  const instrument = at(details, "paymentInstrument");
  const id = textAt(details, "tokenId") ?? textAt(details, "tokenPaymentInstrument", "tokenId");
  const part = (name: string) => {
    const value = Number(textAt(instrument, "cardExpiryDate", name) ?? at(instrument, "cardExpiryDate", name));
    return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  const last4 = /\d{4}$/.exec(textAt(instrument, "cardNumber") ?? "")?.[0];
  const brand = textAt(instrument, "brand") ?? textAt(instrument, "method");
  return id ? { ...known({ brand, last4, expMonth: part("month"), expYear: part("year") }), id } : undefined;
}

/** In minor units, as a number. */
function amountOf(details: unknown): Money | undefined {
  const value = at(details, "amount", "value");
  return typeof value === "number" ? minorMoneyOf(value, at(details, "amount", "currencyCode")) : undefined;
}
