import { createHmac, randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";

const SOURCE = "https://docs.worldpay.com/access/products/events/openapi";

function event(type: string, is: Sample["is"], fields: Record<string, unknown> = {}): Sample {
  const make = (id: string, at: number) => ({
    eventId: `event-${id}`,
    // Worldpay writes no zone.
    eventTimestamp: new Date(at).toISOString().replace("Z", ""),
    eventDetails: {
      classification: "payment",
      downstreamReference: "5500112233",
      transactionReference: `garden-${id}`,
      type,
      date: new Date(at).toISOString().slice(0, 10),
      amount: { value: 7425, currencyCode: "GBP" },
      _links: { payment: { href: "" } },
      ...fields,
    },
  });
  return { type, source: SOURCE, make, is };
}

function payout(type: string, is: Sample["is"]): Sample {
  return event(type, is, { classification: "payout", _links: undefined });
}

/** The one event whose details say nothing of its type. */
function token(): Sample {
  return event("tokenCreated", "payment_method.attached", {
    type: undefined,
    amount: undefined,
    tokenCreatedAt: "2026-11-23T11:00:00Z",
    tokenPaymentInstrument: { type: "token", tokenId: "8812207311" },
    paymentInstrument: {
      type: "card/masked",
      cardNumber: "5555********4444",
      cardExpiryDate: { month: "7", year: "2031" },
      brand: "MASTERCARD",
    },
  });
}

/** Worldpay (Access). A signing key is `{keyId}:{key}`. */
export const worldpaySamples: ProviderSamples = {
  provider: "worldpay",
  toleranceSeconds: null,
  covers: "body",

  async newKeys() {
    const key = randomBytes(24).toString("base64url");
    return { secret: JSON.stringify({ 1: key }), signingKey: `1:${key}` };
  },

  async sign(event, { signingKey, url }) {
    const body = new TextEncoder().encode(JSON.stringify(event));
    const [keyId = "", ...key] = signingKey.split(":");
    const signature = createHmac("sha256", key.join(":")).update(body).digest("hex");
    const headers = new Headers({
      "content-type": "application/vnd.worldpay.events-v1.hal+json",
      "event-signature": `${keyId}/SHA256/${signature}`,
    });
    return { body, headers, url };
  },

  events: [
    event("sentForAuthorization", "payment.processing"),
    event("authorized", "payment.authorized"),
    event("sentForSettlement", "payment.succeeded"),
    event("settled", "payment.succeeded"),
    event("settlementFailed", "payment.reversed"),
    event("cancelled", "payment.canceled"),
    event("expired", "payment.expired"),
    event("refused", "payment.failed", { amount: undefined }),
    event("error", "payment.failed"),
    event("sentForRefund", "refund.pending", { reference: "refund-7", amount: { value: 500, currencyCode: "GBP" } }),
    event("refunded", "refund.succeeded", { amount: { value: 500, currencyCode: "GBP" } }),
    event("refundFailed", "refund.failed", { reference: "refund-7", refund: { refusal: { code: "5" } } }),
    event("cancelledByCustomer", "payment.canceled", { paymentInstrument: { method: "klarna" } }),
    event("requestExpired", "payment.expired", { paymentInstrument: { method: "klarna" } }),
    event("chargedBack", "dispute.lost", { paymentInstrument: { method: "sepa" } }),
    token(),
    payout("requested", "payout.created"),
    payout("approved", "payout.in_transit"),
    payout("pending", "payout.in_transit"),
    payout("disbursed", "payout.paid"),
    { ...payout("refused", "payout.failed"), variant: "payout" },
    event("informationRequested", "dispute.warning", { classification: "chargeback" }),
    event("chargedBack", "dispute.opened", { classification: "chargeback" }),
  ],
};
