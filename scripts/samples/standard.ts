import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { base64Of, bytesOf, hmacOf, randomBase64, sharing } from "./signing.ts";

/** What senders without a format of their own post: the canonical event, as `POST /v1/events` takes it. */
const SOURCE = "docs/openapi.json, NewEvent";

const order = (id: string) => ({ id: `pay_${id}`, reference: `order_${id}` });
const euros = (value: string) => ({ value, currency: "EUR" });

export const canonicalEvents: Sample[] = [
  canonical("payment.created", "84.00 EUR", (id) => ({ payment: { ...order(id), amount: euros("8400") } })),
  canonical("payment.processing", "84.00 EUR", (id) => ({ payment: { ...order(id), amount: euros("8400") } })),
  canonical("payment.authorized", "84.00 EUR", (id) => ({ payment: { ...order(id), amount: euros("8400") } })),
  canonical("payment.succeeded", "7300 JPY", (id) => ({
    payment: { ...order(id), amount: { value: "7300", currency: "JPY" }, method: "card" },
  })),
  canonical("payment.failed", "84.00 EUR", (id) => ({
    payment: { ...order(id), amount: euros("8400"), failure: { code: "no_funds", message: "The account is empty." } },
  })),
  canonical("payment.canceled", "84.00 EUR", (id) => ({ payment: { ...order(id), amount: euros("8400") } })),
  canonical("refund.succeeded", "12.345 KWD", (id) => ({
    payment: order(id),
    refund: { id: `ref_${id}`, amount: { value: "12345", currency: "KWD" }, reason: "returned" },
  })),
  canonical("dispute.opened", "84.00 EUR", (id) => ({
    payment: order(id),
    dispute: { id: `dis_${id}`, amount: euros("8400"), evidenceDueBy: "2027-01-08T23:59:59Z" },
  })),
  canonical("payout.paid", "5120.07 EUR", (id) => ({
    payout: { id: `out_${id}`, amount: euros("512007"), arrivalDate: "2026-12-01" },
  })),
  canonical("custom.parcel.shipped", null, (id) => ({ custom: { order: `order_${id}`, parcels: 2 } })),
];

export const standardSamples: ProviderSamples = {
  provider: "standard",
  toleranceSeconds: 300,
  takesAnything: true,
  isIdInHeader: true,
  covers: "body",

  newKeys: sharing(() => `whsec_${randomBase64(24)}`),

  async sign(event, { signingKey, now, url }) {
    const body = bytesOf(JSON.stringify(event));
    const id = `msg_${crypto.randomUUID()}`;
    const key = Uint8Array.from(atob(signingKey.replace(/^whsec_/, "")), (char) => char.charCodeAt(0));
    const signature = base64Of(await hmacOf(key, [`${id}.${now}.`, body]));
    const headers = new Headers({
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(now),
      "webhook-signature": `v1,${signature}`,
    });
    return { body, headers, url };
  },

  events: canonicalEvents,
};

function canonical(type: EventType, amount: string | null, dataOf: (id: string) => object): Sample {
  return {
    type,
    source: SOURCE,
    make: (id, at) => ({ type, user: `user_${id}`, timestamp: new Date(at).toISOString(), data: dataOf(id) }),
    is: type,
    ...(amount !== null && { amount }),
  };
}
