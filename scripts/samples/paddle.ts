import { createHmac, randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const DOCS = "https://developer.paddle.com/webhooks";

function wrap(type: string, is: Sample["is"], data: (id: string, at: string) => Record<string, unknown>): Sample {
  const source = `${DOCS}/${type.replace(".", "s/").replaceAll("_", "-")}`;
  const make: Sample["make"] = (id, at) => {
    const occurredAt = new Date(at).toISOString();
    return {
      event_id: `evt_${id}`,
      event_type: type,
      occurred_at: occurredAt,
      notification_id: `ntf_${id}`,
      data: data(id, occurredAt),
    };
  };
  return { type, source, is, make };
}

function transaction(name: string, is: Sample["is"], status: string, attempts: Record<string, unknown>[] = []): Sample {
  return wrap(`transaction.${name}`, is, (id, at) => ({
    id: `txn_${id}`,
    status,
    customer_id: "ctm_harbour",
    currency_code: "EUR",
    custom_data: { order_id: `boat-${id}` },
    details: { totals: { subtotal: "3500", tax: "665", total: "4165", grand_total: "4165", currency_code: "EUR" } },
    payments: attempts,
    created_at: at,
    updated_at: at,
  }));
}

function adjustment(action: string, status: string, is: Sample["is"]): Sample {
  return wrap("adjustment.created", is, (id, at) => ({
    id: `adj_${id}`,
    action,
    type: "partial",
    status,
    transaction_id: `txn_${id}`,
    customer_id: "ctm_harbour",
    reason: "oar was broken",
    currency_code: "EUR",
    totals: { subtotal: "1000", tax: "190", total: "1190", currency_code: "EUR" },
    created_at: at,
    updated_at: at,
  }));
}

const subscription = (name: string, is: Sample["is"], status: string) =>
  wrap(`subscription.${name}`, is, (id) => ({ id: `sub_${id}`, status, customer_id: "ctm_harbour" }));

const invoice = (status: string, is: Sample["is"]) =>
  wrap(`invoice.${status}`, is, (id) => ({ id: `inv_${id}`, status, transaction_id: `txn_${id}` }));

const card = { type: "card", card: { type: "visa", last4: "4111", expiry_month: 4, expiry_year: 2029 } };

/** Paddle Billing. */
export const paddleSamples: ProviderSamples = {
  provider: "paddle",
  toleranceSeconds: 300,
  covers: "body",

  newKeys: sharing(() => `pdl_ntfset_${randomBytes(24).toString("hex")}`),

  async sign(event, { signingKey, now, url }) {
    const body = JSON.stringify(event);
    const signature = createHmac("sha256", signingKey).update(`${now}:${body}`).digest("hex");
    const headers = new Headers({
      "content-type": "application/json",
      "paddle-signature": `ts=${now};h1=${signature}`,
    });
    return { body: new TextEncoder().encode(body), headers, url };
  },

  events: [
    transaction("created", "payment.created", "draft"),
    transaction("billed", "payment.pending", "billed"),
    transaction("paid", "payment.processing", "paid", [{ amount: "4165", status: "captured", method_details: card }]),
    transaction("completed", "payment.succeeded", "completed", [
      { amount: "4165", status: "captured", method_details: card },
    ]),
    transaction("payment_failed", "payment.failed", "ready", [
      { amount: "4165", status: "error", error_code: "declined", method_details: card },
    ]),
    transaction("canceled", "payment.canceled", "canceled"),
    adjustment("refund", "pending_approval", "refund.pending"),
    { ...adjustment("refund", "approved", "refund.succeeded"), variant: "refund_approved" },
    { ...adjustment("chargeback", "approved", "dispute.lost"), variant: "chargeback" },
    { ...adjustment("chargeback_reverse", "approved", "dispute.won"), variant: "chargeback_reverse" },
    wrap("payout.paid", "payout.paid", (id) => ({
      id: `pay_${id}`,
      status: "paid",
      amount: "250000",
      currency_code: "USD",
    })),
    subscription("created", "subscription.created", "active"),
    subscription("imported", "subscription.created", "active"),
    subscription("activated", "subscription.updated", "active"),
    subscription("trialing", "subscription.updated", "trialing"),
    subscription("updated", "subscription.updated", "active"),
    subscription("updated", "subscription.past_due", "past_due"),
    subscription("paused", "subscription.updated", "paused"),
    subscription("resumed", "subscription.updated", "active"),
    subscription("past_due", "subscription.past_due", "past_due"),
    subscription("canceled", "subscription.canceled", "canceled"),
    invoice("created", "invoice.created"),
    invoice("issued", "invoice.updated"),
    invoice("overdue", "invoice.updated"),
    invoice("paid", "invoice.paid"),
    invoice("canceled", "invoice.canceled"),
    wrap("payment_method.saved", "payment_method.attached", (id) => ({
      id: `paymtd_${id}`,
      customer_id: "ctm_harbour",
      type: "card",
      origin: "subscription",
    })),
  ],
};
