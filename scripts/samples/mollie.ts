import { randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

const SOURCE = "mollie-api-typescript 1.12.28: WebhookEventTypes, EntityWebhookEvent, PaymentResponse";

function event(type: string, is: Sample["is"], entity: (id: string) => Record<string, unknown>): Sample {
  const make = (id: string, at: number) => {
    const embedded = { mode: "live", amount: { value: "35.50", currency: "EUR" }, ...entity(id) };
    return {
      resource: "event",
      id: `event_${id}`,
      type,
      entityId: embedded["id" as keyof typeof embedded],
      createdAt: new Date(at).toISOString(),
      _embedded: { entity: embedded },
    };
  };
  return { type, source: SOURCE, make, is };
}

const payment = (id: string) => ({
  resource: "payment",
  id: `tr_${id}`,
  method: "ideal",
  customerId: `cst_${id}`,
  metadata: { order_id: `basket-${id}` },
});
const refund = (id: string) => ({ resource: "refund", id: `re_${id}`, paymentId: `tr_${id}` });
const payout = (id: string) => ({ resource: "payout", id: `payout_${id}` });
const chargeback = (id: string) => ({
  resource: "chargeback",
  id: `chb_${id}`,
  paymentId: `tr_${id}`,
  reason: { code: "AC01", description: "Account is not known" },
});

/** The signed webhooks; the older form has a single type, which says nothing. */
export const mollieSamples: ProviderSamples = {
  provider: "mollie",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomUUID()),

  sign: signsBody("x-mollie-signature", (mac) => `sha256=${hexOf(mac)}`),

  events: [
    event("payment.paid", "payment.succeeded", payment),
    event("payment.pending", "payment.pending", payment),
    event("payment.authorized", "payment.authorized", payment),
    event("payment.failed", "payment.failed", payment),
    event("payment.canceled", "payment.canceled", payment),
    event("payment.expired", "payment.expired", payment),
    event("payment-link.paid", "payment.succeeded", (id) => ({ resource: "payment-link", id: `pl_${id}` })),
    event("refund.queued", "refund.created", refund),
    event("refund.pending", "refund.pending", refund),
    event("refund.processing", "refund.pending", refund),
    event("refund.refunded", "refund.succeeded", refund),
    event("refund.failed", "refund.failed", refund),
    event("refund.canceled", "refund.failed", refund),
    event("chargeback.received", "dispute.opened", chargeback),
    event("chargeback.reversed", "dispute.won", chargeback),
    event("payout.initiated", "payout.created", payout),
    event("payout.processing-at-bank", "payout.in_transit", payout),
    event("payout.completed", "payout.paid", payout),
    event("payout.canceled", "payout.canceled", payout),
    event("payout.failed", "payout.failed", payout),
    event("sales-invoice.paid", "invoice.paid", (id) => ({ resource: "sales-invoice", id: `invoice_${id}` })),
  ],
};
