import { randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

const SOURCE = "https://docs.lemonsqueezy.com/help/webhooks/event-types";

function sample(type: string, is: Sample["is"], kind: string, fields: Record<string, unknown>): Sample {
  const make: Sample["make"] = (id, at) => ({
    meta: { event_name: type, test_mode: false, custom_data: { order_id: `lamp-${id}` } },
    data: {
      type: kind,
      id,
      attributes: { store_id: 3, customer_id: 5150, ...fields, updated_at: new Date(at).toISOString() },
    },
  });
  return { type, source: SOURCE, is, make };
}

const price = { currency: "USD", subtotal: 2400, total: 2856 };
const order = (type: string, is: Sample["is"], fields: Record<string, unknown>) =>
  sample(type, is, "orders", { ...price, ...fields });
const subscription = (name: string, is: Sample["is"], status: string) =>
  sample(`subscription_${name}`, is, "subscriptions", { status });
const invoice = (name: string, is: Sample["is"], status: string) =>
  sample(`subscription_payment_${name}`, is, "subscription-invoices", { ...price, status, subscription_id: 8 });

/** Lemon Squeezy. */
export const lemonsqueezySamples: ProviderSamples = {
  provider: "lemonsqueezy",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomBytes(16).toString("hex")),

  sign: signsBody("x-signature", hexOf),

  events: [
    order("order_created", "payment.succeeded", { status: "paid" }),
    order("order_created", "payment.pending", { status: "pending" }),
    order("order_created", "payment.failed", { status: "failed" }),
    order("order_refunded", "refund.succeeded", { status: "partial_refund", refunded_amount: 1000 }),
    { ...order("order_refunded", "refund.succeeded", { status: "refunded" }), variant: "whole" },
    subscription("created", "subscription.created", "active"),
    subscription("updated", "subscription.updated", "active"),
    subscription("plan_changed", "subscription.updated", "active"),
    subscription("cancelled", "subscription.canceled", "cancelled"),
    subscription("expired", "subscription.canceled", "expired"),
    invoice("success", "invoice.paid", "paid"),
    invoice("failed", "invoice.payment_failed", "pending"),
    invoice("recovered", "invoice.paid", "paid"),
    sample("subscription_payment_refunded", "refund.succeeded", "subscription-invoices", {
      ...price,
      status: "partial_refund",
      refunded_amount: 1000,
      subscription_id: 8,
    }),
  ],
};
