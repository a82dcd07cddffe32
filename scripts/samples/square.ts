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
    sample("payout.paid", "payout.paid", { arrival_date: "2026-11-25" }),
    sample("card.created", "payment_method.attached", { card_brand: "VISA", last_4: "1881", customer_id: "C-81" }),
  ],
};
