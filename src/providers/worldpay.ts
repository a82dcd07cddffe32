import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { at, known, parseObject, partsOf, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError, type Verification } from "./provider.ts";
import { failureOf, instantOfIso, isLive, minorMoneyOf, ModeConfig } from "./reading.ts";
import { bytesOfHex, MAX_HEADER_LENGTH, MAX_SECRETS, MAX_SIGNATURES, verifyHmac } from "./signature.ts";

/** By classification and type. https://docs.worldpay.com/access/products/events/openapi/payment */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["payment sentForAuthorization", "payment.processing"],
  ["payment authorized", "payment.authorized"],
  ["payment sentForSettlement", "payment.succeeded"],
  ["payment settled", "payment.succeeded"],
  ["payment settlementFailed", "payment.reversed"],
  ["payment cancelled", "payment.canceled"],
  ["payment expired", "payment.expired"],
  ["payment refused", "payment.failed"],
  ["payment error", "payment.failed"],
  ["payment sentForRefund", "refund.pending"],
  ["payment refunded", "refund.succeeded"],
  ["payment refundFailed", "refund.failed"],
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

  async verify({ body, headers }, secrets) {
    const header = headers.get("event-signature");
    if (!header) return { ok: false, reason: "header-missing" };
    const signatures = parseHeader(header);
    if (!signatures) return { ok: false, reason: "header-malformed" };
    if (secrets.length > MAX_SECRETS) return { ok: false, reason: "too-many-secrets" };
    let verification: Verification = { ok: false, reason: "no-secret" };
    for (const [secretIndex, secret] of secrets.entries()) {
      const keys = partsOf(secret);
      for (const { keyId, bytes } of signatures) {
        const key = textAt(keys, keyId);
        if (key === undefined) continue;
        verification = await verifyHmac(new Uint8Array(body), [bytes], [key]);
        if (verification.ok) return { ok: true, secretIndex };
      }
    }
    return verification;
  },

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const eventId = textAt(event, "eventId");
    const details = at(event, "eventDetails");
    const providerType = textAt(details, "type");
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

/** Null where an entry is no signature, or there are more of them than may be. */
function parseHeader(header: string): { keyId: string; bytes: Uint8Array }[] | null {
  if (header.length > MAX_HEADER_LENGTH) return null;
  const entries = header.split(",").map((entry) => {
    const [, keyId = "", hex = ""] = /^([^/\s]{1,64})\/SHA256\/([0-9a-f]{64})$/i.exec(entry.trim()) ?? [];
    return { keyId, bytes: bytesOfHex(hex) };
  });
  const read = entries.flatMap(({ keyId, bytes }) => (bytes ? [{ keyId, bytes }] : []));
  return read.length === entries.length && read.length <= MAX_SIGNATURES ? read : null;
}

/**
 * `transactionReference`, which the merchant gave, is all that names the payment, and its dispute. A refund has a
 * `reference` in some events; in those without, each event is a refund of its own.
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
    default:
      return { type, data: classification === "payout" ? {} : { payment } };
  }
}

/** In minor units, as a number. */
function amountOf(details: unknown): Money | undefined {
  const value = at(details, "amount", "value");
  return typeof value === "number" ? minorMoneyOf(value, at(details, "amount", "currencyCode")) : undefined;
}
