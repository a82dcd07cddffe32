import { createHmac, randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

type Entities = (id: string, at: number) => Record<string, Record<string, unknown>>;

function event(type: string, is: Sample["is"], entities: Entities): Sample {
  const make = (id: string, at: number) => {
    const seconds = Math.floor(at / 1000);
    const held = Object.entries(entities(id, seconds));
    return {
      entity: "event",
      account_id: "acc_teahouse",
      event: type,
      contains: held.map(([name]) => name),
      payload: Object.fromEntries(held.map(([name, entity]) => [name, { entity: { entity: name, ...entity } }])),
      created_at: seconds,
    };
  };
  return { type, source: `https://razorpay.com/docs/webhooks/payloads/ (${type})`, make, is };
}

const money = { amount: 84_900, currency: "INR" };
const ofPayment = (id: string, fields: Record<string, unknown> = {}) => ({
  payment: { id: `pay_${id}`, ...money, order_id: `order_${id}`, method: "upi", customer_id: `cust_${id}`, ...fields },
});
const ofRefund: Entities = (id) => ({
  refund: { id: `rfnd_${id}`, payment_id: `pay_${id}`, amount: 20_000, currency: "INR" },
  ...ofPayment(id),
});
const ofDispute: Entities = (id, at) => ({
  ...ofPayment(id),
  dispute: { id: `disp_${id}`, payment_id: `pay_${id}`, ...money, reason_code: "goods_not_received", respond_by: at },
});
const ofLink: Entities = (id) => ({
  payment_link: { id: `plink_${id}`, ...money, amount_paid: 40_000, reference_id: `table-${id}` },
  ...ofPayment(id, { amount: 40_000 }),
});
const ofSubscription: Entities = (id) => ({
  subscription: { id: `sub_${id}`, plan_id: "plan_teas", customer_id: `cust_${id}`, paid_count: 3, total_count: 12 },
});
const ofInvoice =
  (status: string, paid: number): Entities =>
  (id) => ({
    ...(paid > 0 && ofPayment(id, { amount: paid, invoice_id: `inv_${id}` })),
    invoice: { id: `inv_${id}`, ...money, amount_paid: paid, status, customer_id: `cust_${id}` },
  });
/** What recurring payments are drawn from; `card`: a card that is saved. */
const ofToken =
  (status: string, fields: Record<string, unknown> = { method: "upi", recurring: true }): Entities =>
  (id) => ({
    token: { id: `token_${id}`, customer_id: `cust_${id}`, recurring_details: { status }, ...fields },
  });
const card = {
  method: "card",
  card: { last4: "1881", network: "RuPay", expiry_month: "04", expiry_year: "2031" },
};
const ofAccount: Entities = () => ({ account: { name: "Teahouse" } });
const ofPayout: Entities = (id) => ({ payout: { id: `pout_${id}`, ...money } });

export const razorpaySamples: ProviderSamples = {
  provider: "razorpay",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomUUID()),

  async sign(event, { signingKey, url }) {
    const body = new TextEncoder().encode(JSON.stringify(event));
    const signature = createHmac("sha256", signingKey).update(body).digest("hex");
    const headers = new Headers({
      "content-type": "application/json",
      "x-razorpay-signature": signature,
      "x-razorpay-event-id": randomUUID(),
    });
    return { body, headers, url };
  },

  events: [
    event("payment.authorized", "payment.authorized", (id) => ofPayment(id)),
    event("payment.captured", "payment.succeeded", (id) => ofPayment(id)),
    event("payment.failed", "payment.failed", (id) =>
      ofPayment(id, { error_code: "BAD_REQUEST_ERROR", error_description: "The bank said no" }),
    ),
    event("order.paid", "unknown", (id) => ofPayment(id)),
    event("payment_link.paid", "payment.succeeded", ofLink),
    event("payment_link.partially_paid", "payment.partially_captured", ofLink),
    event("payment_link.cancelled", "payment.canceled", ofLink),
    event("payment_link.expired", "payment.expired", ofLink),
    event("refund.created", "refund.pending", ofRefund),
    event("refund.processed", "refund.succeeded", ofRefund),
    event("refund.failed", "refund.failed", ofRefund),
    event("payment.dispute.created", "dispute.opened", ofDispute),
    event("payment.dispute.under_review", "dispute.under_review", ofDispute),
    event("payment.dispute.action_required", "dispute.evidence_required", ofDispute),
    event("payment.dispute.won", "dispute.won", ofDispute),
    event("payment.dispute.lost", "dispute.lost", ofDispute),
    event("payment.dispute.closed", "dispute.closed", ofDispute),
    event("settlement.processed", "settlement.completed", (id) => ({ settlement: { id: `setl_${id}`, amount: 1000 } })),
    event("payout.pending", "payout.created", ofPayout),
    event("payout.queued", "payout.created", ofPayout),
    event("payout.initiated", "payout.in_transit", ofPayout),
    event("payout.processed", "payout.paid", ofPayout),
    event("payout.reversed", "payout.returned", ofPayout),
    event("payout.failed", "payout.failed", ofPayout),
    event("payout.rejected", "payout.failed", ofPayout),
    event("subscription.authenticated", "subscription.created", ofSubscription),
    event("subscription.activated", "subscription.updated", ofSubscription),
    event("subscription.charged", "subscription.updated", (id, at) => ({
      ...ofSubscription(id, at),
      ...ofPayment(id),
    })),
    event("subscription.updated", "subscription.updated", ofSubscription),
    event("subscription.paused", "subscription.updated", ofSubscription),
    event("subscription.resumed", "subscription.updated", ofSubscription),
    event("subscription.pending", "subscription.past_due", ofSubscription),
    event("subscription.halted", "subscription.past_due", ofSubscription),
    event("subscription.cancelled", "subscription.canceled", ofSubscription),
    event("subscription.completed", "subscription.canceled", ofSubscription),
    event("invoice.paid", "invoice.paid", ofInvoice("paid", 84_900)),
    event("invoice.partially_paid", "invoice.updated", ofInvoice("partially_paid", 40_000)),
    event("invoice.expired", "invoice.canceled", ofInvoice("expired", 0)),
    event("token.confirmed", "mandate.active", ofToken("confirmed")),
    event("token.rejected", "mandate.failed", ofToken("rejected")),
    event("token.paused", "mandate.paused", ofToken("paused")),
    event("token.resumed", "mandate.active", ofToken("confirmed")),
    event("token.cancelled", "mandate.canceled", ofToken("cancelled")),
    event("token.activated", "payment_method.attached", ofToken("active", card)),
    event("token.suspended", "payment_method.updated", ofToken("suspended", card)),
    event("token.expiry_updated", "payment_method.updated", ofToken("active", card)),
    event("token.deactivated", "payment_method.detached", ofToken("deactivated", card)),
    event("transaction.created", "account.balance_changed", (id) => ({
      transaction: { id: `txn_${id}`, ...money, debit: 84_900, credit: 0, balance: 1_250_000 },
    })),
    event("account.needs_clarification", "account.requirements_due", ofAccount),
    event("account.suspended", "account.updated", ofAccount),
  ],
};
