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

const capture = (id: string) => ({ resource: "capture", id: `cpt_${id}`, paymentId: `tr_${id}`, status: "succeeded" });
const dispute = (status: string) => (id: string) => ({
  resource: "dispute",
  id: `dsp_${id}`,
  paymentId: `tr_${id}`,
  status,
});
const transfer = (id: string) => ({ resource: "business-account-transfer", id: `batr_${id}` });
const invoice = (id: string) => ({ resource: "sales-invoice", id: `invoice_${id}`, customerId: `cst_${id}` });
const profile = (id: string) => ({ resource: "profile", id: `pfl_${id}`, amount: undefined });

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
    event("capture.succeeded", "payment.succeeded", capture),
    event("dispute.created", "dispute.opened", dispute("open")),
    event("dispute.updated", "dispute.under_review", dispute("under_review")),
    event("dispute.resolved", "dispute.won", dispute("won")),
    event("dispute.resolved", "dispute.lost", dispute("lost")),
    event("dispute.resolved", "dispute.closed", dispute("resolved")),
    event("payout.initiated", "payout.created", payout),
    event("payout.processing-at-bank", "payout.in_transit", payout),
    event("payout.completed", "payout.paid", payout),
    event("payout.canceled", "payout.canceled", payout),
    event("payout.failed", "payout.failed", payout),
    event("business-account-transfer.requested", "payout.created", transfer),
    event("business-account-transfer.initiated", "payout.in_transit", transfer),
    event("business-account-transfer.pending-review", "payout.in_transit", transfer),
    event("business-account-transfer.processed", "payout.paid", transfer),
    event("business-account-transfer.failed", "payout.failed", transfer),
    event("business-account-transfer.blocked", "payout.failed", transfer),
    event("business-account-transfer.returned", "payout.returned", transfer),
    event("sales-invoice.created", "invoice.created", invoice),
    event("sales-invoice.issued", "invoice.updated", invoice),
    event("sales-invoice.canceled", "invoice.canceled", invoice),
    event("sales-invoice.paid", "invoice.paid", invoice),
    event("balance-transaction.created", "account.balance_changed", (id) => ({ id: `baltr_${id}` })),
    event("profile.verified", "account.updated", profile),
    event("profile.blocked", "account.updated", profile),
  ],
};
