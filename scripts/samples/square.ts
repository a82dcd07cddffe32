import { createHmac, randomBytes } from "node:crypto";

import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const money = { amount: 4250, currency: "EUR" };

function sample(type: string, is: EventType, fields: object = {}): Sample {
  const [family = ""] = type.split(".");
  const make = (id: string, at: number) => ({
    event_id: `E-${id}`,
    type,
    merchant_id: "M-NORDWIND",
    created_at: new Date(at).toISOString(),
    data: {
      type: family,
      id,
      object: { [family]: { id, amount_money: money, updated_at: new Date(at).toISOString(), ...fields } },
    },
  });
  return { type, is, source: "https://developer.squareup.com/docs/webhooks/v2webhook-events-tech-ref", make };
}

const payment = { customer_id: "C-81", order_id: "order-81", source_type: "CARD" };

const invoice = (status: string) => ({ status, primary_recipient: { customer_id: "C-81" }, amount_money: undefined });

function payout(state: string, is: EventType): Sample {
  const amount_money = { amount: money.amount, currency_code: money.currency };
  return sample(`payout.${state}`, is, { status: state.toUpperCase(), amount_money, arrival_date: "2026-11-25" });
}

export const squareSamples: ProviderSamples = {
  provider: "square",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomBytes(16).toString("base64url")),

  async sign(event, { signingKey, url }) {
    const text = JSON.stringify(event);
    const signature = createHmac("sha256", signingKey)
      .update(url + text)
      .digest("base64");
    const headers = new Headers({ "x-square-hmacsha256-signature": signature });
    return { body: new TextEncoder().encode(text), headers, url };
  },

  events: [
    sample("payment.created", "payment.authorized", { ...payment, status: "APPROVED" }),
    sample("payment.updated", "payment.pending", { ...payment, status: "PENDING" }),
    sample("payment.updated", "payment.succeeded", { ...payment, status: "COMPLETED" }),
    sample("payment.updated", "payment.failed", { ...payment, status: "FAILED" }),
    sample("payment.updated", "payment.canceled", { ...payment, status: "CANCELED" }),
    sample("refund.created", "refund.pending", { payment_id: "P-81", status: "PENDING" }),
    sample("refund.updated", "refund.succeeded", { payment_id: "P-81", status: "COMPLETED" }),
    sample("dispute.created", "dispute.opened", { state: "EVIDENCE_REQUIRED", reason: "NOT_AS_DESCRIBED" }),
    sample("dispute.state.updated", "dispute.won", { state: "WON" }),
    payout("sent", "payout.in_transit"),
    payout("paid", "payout.paid"),
    payout("failed", "payout.failed"),
    sample("subscription.created", "subscription.created", { customer_id: "C-81", status: "ACTIVE" }),
    sample("subscription.updated", "subscription.updated", { customer_id: "C-81", status: "PAUSED" }),
    sample("subscription.updated", "subscription.canceled", { customer_id: "C-81", status: "CANCELED" }),
    sample("invoice.created", "invoice.created", invoice("DRAFT")),
    sample("invoice.published", "invoice.updated", invoice("UNPAID")),
    sample("invoice.updated", "invoice.updated", invoice("UNPAID")),
    sample("invoice.payment_made", "invoice.paid", invoice("PAID")),
    sample("invoice.payment_made", "invoice.updated", invoice("PARTIALLY_PAID")),
    sample("invoice.scheduled_charge_failed", "invoice.payment_failed", invoice("UNPAID")),
    sample("invoice.refunded", "invoice.updated", invoice("REFUNDED")),
    sample("invoice.canceled", "invoice.canceled", invoice("CANCELED")),
    sample("invoice.deleted", "invoice.canceled"),
    sample("card.created", "payment_method.attached", { card_brand: "VISA", last_4: "1881", customer_id: "C-81" }),
  ],
};
