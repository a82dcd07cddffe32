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
const ofPreauthorization: Fields = (id, time) => ({
  id: 91,
  reference: `tailor-${id}`,
  authorization: { channel: "card" },
  updated_at: time,
});
const ofInvoice =
  (status: string): Fields =>
  (id, time) => ({ invoice_code: `INV_${id}`, status, paid_at: time, transaction: { reference: `tailor-${id}` } });
const ofMandate: Fields = (id) => ({
  authorization_code: `AUTH_${id}`,
  channel: "direct_debit",
  brand: "Wema Bank",
  last4: "4406",
  exp_month: 3,
  exp_year: 2034,
});
const ofSubscription: Fields = (id) => ({ subscription_code: `SUB_${id}`, status: "active" });

/** The one event whose data is a list. */
const expiringCards: Sample = {
  type: "subscription.expiring_cards",
  source: "https://paystack.com/docs/payments/webhooks/ (subscription.expiring_cards)",
  is: "payment_method.expiring",
  make: (id) => ({
    event: "subscription.expiring_cards",
    data: [
      {
        expiry_date: "01/2027",
        description: "visa ending with 0902",
        brand: "visa",
        subscription: { subscription_code: `SUB_${id}` },
        customer: { customer_code: `CUS_${id}` },
      },
    ],
  }),
};

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
    event("preauthorization.reserve.success", "payment.authorized", ofPreauthorization),
    event("preauthorization.capture.success", "payment.succeeded", (id, time) => ({
      ...ofPreauthorization(id, time),
      captured_amount: "500000",
      captured_at: time,
    })),
    event("preauthorization.release.success", "payment.canceled", ofPreauthorization),
    event("charge.dispute.create", "dispute.opened", ofDispute),
    event("charge.dispute.remind", "dispute.evidence_required", ofDispute),
    event("charge.dispute.resolve", "dispute.closed", ofDispute),
    ...(["merchant-accepted", "auto-accepted"] as const).map((resolution) => ({
      ...event("charge.dispute.resolve", "dispute.accepted", (id, time) => ({ ...ofDispute(id, time), resolution })),
      variant: resolution,
    })),
    event("charge.dispute.resolve", "dispute.won", (id, time) => ({
      ...ofDispute(id, time),
      resolution: "declined",
    })),
    event("refund.needs-attention", "refund.pending", ofRefund),
    event("refund.pending", "refund.pending", ofRefund),
    event("refund.processing", "refund.pending", ofRefund),
    event("refund.processed", "refund.succeeded", ofRefund),
    event("refund.failed", "refund.failed", ofRefund),
    event("transfer.success", "payout.paid", ofTransfer),
    event("transfer.failed", "payout.failed", ofTransfer),
    event("transfer.reversed", "payout.returned", ofTransfer),
    event("invoice.create", "invoice.created", ofInvoice("pending")),
    event("invoice.update", "invoice.updated", ofInvoice("pending")),
    event("invoice.update", "invoice.paid", ofInvoice("success")),
    event("invoice.payment_failed", "invoice.payment_failed", ofSubscription),
    event("paymentrequest.pending", "invoice.created", (id) => ({ request_code: `PRQ_${id}`, status: "pending" })),
    event("paymentrequest.success", "invoice.paid", (id) => ({ request_code: `PRQ_${id}`, status: "success" })),
    event("subscription.create", "subscription.created", ofSubscription),
    event("subscription.disable", "subscription.canceled", ofSubscription),
    event("subscription.not_renew", "subscription.updated", (id) => ({
      subscription_code: `SUB_${id}`,
      status: "non-renewing",
    })),
    event("direct_debit.authorization.created", "mandate.created", ofMandate),
    event("direct_debit.authorization.active", "mandate.active", ofMandate),
    expiringCards,
  ],
};
