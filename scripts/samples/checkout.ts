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

const chargeback = { reason_code: "10.4" };
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
    sample("payment_capture_pending", "payment.processing"),
    sample("payment_compliance_review", "payment.pending"),
    sample("payment_canceled", "payment.canceled"),
    sample("payment_cancelled", "payment.canceled"),
    sample("payment_returned", "payment.reversed"),
    sample("payment_paid", "payout.paid"),
    sample("payment_refund_pending", "refund.pending"),
    sample("payment_chargeback", "dispute.opened", chargeback),
    sample("payment_retrieval", "dispute.warning", chargeback),
    sample("request_for_information_received", "dispute.warning", dispute),
    sample("payment_voided", "payment.canceled"),
    sample("payment_expired", "payment.expired"),
    sample("payment_refunded", "refund.succeeded"),
    sample("payment_refund_declined", "refund.failed"),
    sample("dispute_received", "dispute.opened", dispute),
    sample("dispute_evidence_required", "dispute.evidence_required", {
      ...dispute,
      evidence_required_by: "2026-12-09T22:00:00Z",
    }),
    sample("dispute_evidence_submitted", "dispute.under_review", dispute),
    sample("dispute_evidence_acknowledged_by_scheme", "dispute.under_review", dispute),
    sample("dispute_arbitration_evidence_submitted", "dispute.reopened", dispute),
    sample("dispute_arbitration_sent_to_scheme", "dispute.reopened", dispute),
    sample("dispute_arbitration_won", "dispute.won", dispute),
    sample("dispute_arbitration_lost", "dispute.lost", dispute),
    sample("dispute_accepted", "dispute.accepted", dispute),
    sample("dispute_canceled", "dispute.closed", dispute),
    sample("dispute_resolved", "dispute.closed", dispute),
    sample("dispute_expired", "dispute.lost", dispute),
    sample("dispute_won", "dispute.won", dispute),
    sample("dispute_lost", "dispute.lost", dispute),
    sample("fraud_reported", "fraud.warning"),
    sample("card_verified", "payment_method.attached", { source: { id: "src_81", type: "card" } }),
  ],
};
