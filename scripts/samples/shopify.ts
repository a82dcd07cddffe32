import { randomBytes, randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { base64Of, sharing, signsBody } from "./signing.ts";

const SOURCE = "https://shopify.dev/docs/api/webhooks/latest";

/** A number of as many digits as Shopify's ids have, told from a text. */
const idFrom = (text: string) => Number(`7${Array.from(text, (char) => char.charCodeAt(0) % 10).join("")}`.slice(-15));
const gid = (kind: string, id: number) => `gid://shopify/${kind}/${id}`;
const money = { amount: "42.50", currency: "EUR" };

function sample(topic: string, type: string, is: Sample["is"], object: (id: number, time: string) => object): Sample {
  const make: Sample["make"] = (id, at) => object(idFrom(id), new Date(at).toISOString().replace(".000Z", "+00:00"));
  return { type, is, source: `${SOURCE}#${topic}`, make };
}

const order = (topic: string, status: string, is: Sample["is"], fields: object = {}) => {
  return {
    ...sample(topic, `Order.${status}`, is, (id, time) => ({
      id,
      admin_graphql_api_id: gid("Order", id),
      name: "#1081",
      currency: "EUR",
      total_price: "42.50",
      financial_status: status,
      test: false,
      customer: { id: 6_117_450_231 },
      created_at: time,
      updated_at: time,
      ...fields,
    })),
    amount: "42.50 EUR",
  };
};

const transaction = (kind: string, status: string, is: Sample["is"], fields: object = {}) =>
  sample("order_transactions-create", `OrderTransaction.${kind}.${status}`, is, (id, time) => ({
    id,
    admin_graphql_api_id: gid("OrderTransaction", id),
    order_id: id,
    kind,
    status,
    ...money,
    processed_at: time,
    test: false,
    ...fields,
  }));

const refund = (is: Sample["is"], status: string) =>
  sample("refunds-create", "Refund", is, (id, time) => ({
    id: id + 1,
    admin_graphql_api_id: gid("Refund", id + 1),
    order_id: id,
    note: "too small",
    created_at: time,
    refund_line_items: [],
    transactions: [{ id: id + 2, order_id: id, kind: "refund", status, ...money, test: false }],
  }));

const dispute = (kind: string, status: string, is: Sample["is"], fields: (time: string) => object = () => ({})) =>
  sample("disputes-create", `Dispute.${kind}.${status}`, is, (id, time) => ({
    id: id + 3,
    order_id: id,
    type: kind,
    ...money,
    reason: "product_not_received",
    network_reason_code: "4855",
    status,
    evidence_due_by: "2026-12-09T19:00:00-05:00",
    evidence_sent_on: null,
    finalized_on: null,
    initiated_at: time,
    ...fields(time),
  }));

const contract = (status: string, is: Sample["is"]) =>
  sample("subscription_contracts-update", `SubscriptionContract.${status}`, is, (id, time) => ({
    id,
    admin_graphql_api_id: gid("SubscriptionContract", id),
    customer_id: 6_117_450_231,
    currency_code: "EUR",
    status,
    updated_at: time,
  }));

const billing = (outcome: "success" | "failure", is: Sample["is"]) =>
  sample(`subscription_billing_attempts-${outcome}`, `SubscriptionBillingAttempt.${outcome}`, is, (id, time) => ({
    id,
    admin_graphql_api_id: gid("SubscriptionBillingAttempt", id),
    subscription_contract_id: id + 4,
    ready: true,
    ...(outcome === "success"
      ? { order_id: id + 5, error_code: null }
      : { order_id: null, error_code: "EXPIRED_PAYMENT_METHOD" }),
    created_at: time,
  }));

/** Shopify, whose topic and ids come in headers that nothing signs. */
export const shopifySamples: ProviderSamples = {
  provider: "shopify",
  toleranceSeconds: null,
  takesAnything: true,
  covers: "body",

  newKeys: sharing(() => `shpss_${randomBytes(16).toString("hex")}`),

  async sign(event, how) {
    const request = await signsBody("x-shopify-hmac-sha256", base64Of)(event, how);
    request.headers.set("x-shopify-topic", "orders/updated");
    request.headers.set("x-shopify-shop-domain", "nordwind.myshopify.com");
    request.headers.set("x-shopify-api-version", "2026-07");
    request.headers.set("x-shopify-webhook-id", randomUUID());
    request.headers.set("x-shopify-event-id", randomUUID());
    return request;
  },

  events: [
    order("orders-paid", "paid", "payment.succeeded"),
    order("orders-create", "pending", "payment.pending"),
    order("orders-create", "authorized", "payment.authorized"),
    order("orders-updated", "partially_paid", "payment.partially_captured"),
    order("orders-cancelled", "voided", "payment.canceled"),
    transaction("authorization", "success", "payment.authorized"),
    transaction("sale", "failure", "payment.failed", { error_code: "card_declined", message: "The bank said no" }),
    refund("refund.succeeded", "success"),
    refund("refund.failed", "failure"),
    dispute("chargeback", "needs_response", "dispute.opened"),
    dispute("inquiry", "needs_response", "dispute.warning"),
    dispute("chargeback", "won", "dispute.won", (time) => ({ finalized_on: time })),
    contract("active", "subscription.updated"),
    contract("failed", "subscription.past_due"),
    contract("cancelled", "subscription.canceled"),
    billing("success", "invoice.paid"),
    billing("failure", "invoice.payment_failed"),
  ],

  unmapped: (id, at) =>
    sample("products-update", "Product", "unknown", (product, time) => ({
      id: product,
      admin_graphql_api_id: gid("Product", product),
      title: "Lamp",
      updated_at: time,
    })).make(id, at),
};
