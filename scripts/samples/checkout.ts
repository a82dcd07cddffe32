import { randomBytes } from "node:crypto";

import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

function sample(type: string, is: EventType, fields: object = {}): Sample {
  const make = (id: string, at: number) => ({
    id: `evt_${id}`,
    type,
    version: "1.0.42",
    created_on: new Date(at).toISOString(),
    data: { id, action_id: `act_${id}`, amount: 4250, currency: "EUR", customer: { id: "cus_81" }, ...fields },
  });
  return { type, is, source: "https://www.checkout.com/docs/developer-resources/webhooks/webhook-event-types", make };
}

const dispute = { payment_id: "pay_81", reason_code: "10.4" };

export const checkoutSamples: ProviderSamples = {
  provider: "checkout",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomBytes(24).toString("base64url")),

  sign: signsBody("cko-signature", hexOf),

  events: [
    sample("payment_pending", "payment.pending", { reference: "order-81" }),
    sample("payment_approved", "payment.authorized", { reference: "order-81" }),
    sample("payment_declined", "payment.failed", { response_code: "20051", response_summary: "Insufficient funds" }),
    sample("payment_captured", "payment.succeeded", { reference: "order-81" }),
    sample("payment_voided", "payment.canceled"),
    sample("payment_expired", "payment.expired"),
    sample("payment_refunded", "refund.succeeded"),
    sample("payment_refund_declined", "refund.failed"),
    sample("dispute_received", "dispute.opened", dispute),
    sample("dispute_won", "dispute.won", dispute),
    sample("dispute_lost", "dispute.lost", dispute),
  ],
};
