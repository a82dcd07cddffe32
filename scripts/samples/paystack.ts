import { randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

type Fields = (id: string, time: string) => Record<string, unknown>;

function event(type: string, is: Sample["is"], fields: Fields): Sample {
  const make = (id: string, at: number) => {
    const time = new Date(at).toISOString();
    const data = { domain: "live", currency: "NGN", amount: 750_000, updated_at: time, ...fields(id, time) };
    return { event: type, data: { ...data, customer: { customer_code: `CUS_${id}` } } };
  };
  return { type, source: `https://paystack.com/docs/payments/webhooks/ (${type})`, make, is };
}

const ofRefund: Fields = (id) => ({ id: `rf-${id}`, transaction_reference: `tailor-${id}` });
const ofTransfer: Fields = (id) => ({ id: 1, transfer_code: `TRF_${id}`, reference: `wages-${id}` });
const ofDispute: Fields = (id, time) => ({
  id: `dp-${id}`,
  refund_amount: 750_000,
  category: "chargeback",
  dueAt: time,
  transaction: { id: 77, reference: `tailor-${id}` },
});
const ofSubscription: Fields = (id) => ({ subscription_code: `SUB_${id}`, status: "active" });

export const paystackSamples: ProviderSamples = {
  provider: "paystack",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => `sk_test_${randomUUID()}`),

  sign: signsBody("x-paystack-signature", hexOf, "SHA-512"),

  events: [
    event("charge.success", "payment.succeeded", (id, time) => ({
      id: 77,
      reference: `tailor-${id}`,
      channel: "card",
      paid_at: time,
    })),
    event("charge.dispute.create", "dispute.opened", ofDispute),
    event("charge.dispute.remind", "dispute.evidence_required", ofDispute),
    event("charge.dispute.resolve", "dispute.closed", ofDispute),
    event("refund.pending", "refund.pending", ofRefund),
    event("refund.processing", "refund.pending", ofRefund),
    event("refund.processed", "refund.succeeded", ofRefund),
    event("refund.failed", "refund.failed", ofRefund),
    event("transfer.success", "payout.paid", ofTransfer),
    event("transfer.failed", "payout.failed", ofTransfer),
    event("transfer.reversed", "payout.returned", ofTransfer),
    event("invoice.payment_failed", "invoice.payment_failed", ofSubscription),
    event("subscription.create", "subscription.created", ofSubscription),
    event("subscription.disable", "subscription.canceled", ofSubscription),
  ],
};
