import type { ProviderSamples, Sample } from "./sample.ts";
import { bytesOf, hexOf, hmacOf, randomBase64, sharing } from "./signing.ts";

const DOCS = "https://docs.stripe.com/api";

type Fields = Record<string, unknown>;

/** Stripe's snapshot events about one order: paid by card, given back in part, disputed, paid out. */
export const stripeSamples: ProviderSamples = {
  provider: "stripe",
  toleranceSeconds: 300,
  covers: "body",

  newKeys: sharing(() => `whsec_${randomBase64(24)}`),

  async sign(event, { signingKey, now, url }) {
    const body = bytesOf(JSON.stringify(event, null, 2));
    const signature = hexOf(await hmacOf(signingKey, [`${now}.`, body]));
    const headers = new Headers({
      "content-type": "application/json; charset=utf-8",
      "stripe-signature": `t=${now},v1=${signature}`,
    });
    return { body, headers, url };
  },

  events: [
    snapshot("payment_intent.created", "payment.created", "62.40 EUR", (id) =>
      intent(id, { status: "requires_payment_method" }),
    ),
    snapshot("payment_intent.requires_action", "payment.requires_action", "62.40 EUR", (id) =>
      intent(id, { status: "requires_action", next_action: { type: "use_stripe_sdk" } }),
    ),
    snapshot("payment_intent.processing", "payment.processing", "62.40 EUR", (id) =>
      intent(id, { status: "processing", payment_method_types: ["sepa_debit"] }),
    ),
    snapshot("payment_intent.amount_capturable_updated", "payment.authorized", "62.40 EUR", (id) =>
      intent(id, { status: "requires_capture", amount_capturable: 6240, capture_method: "manual" }),
    ),
    snapshot("payment_intent.succeeded", "payment.succeeded", "62.40 EUR", (id) =>
      intent(id, { status: "succeeded", amount_received: 6240, latest_charge: `ch_${id}` }),
    ),
    snapshot("payment_intent.payment_failed", "payment.failed", "62.40 EUR", (id) =>
      intent(id, {
        status: "requires_payment_method",
        last_payment_error: {
          type: "card_error",
          code: "card_declined",
          decline_code: "insufficient_funds",
          message: "Your card has insufficient funds.",
          payment_method: { id: `pm_${id}`, object: "payment_method", type: "card" },
        },
      }),
    ),
    snapshot("payment_intent.canceled", "payment.canceled", "62.40 EUR", (id) =>
      intent(id, { status: "canceled", cancellation_reason: "abandoned" }),
    ),
    snapshot("charge.succeeded", "payment.succeeded", "4300 JPY", (id) => charge(id, { payment_intent: null })),
    snapshot("charge.refunded", "refund.succeeded", "900 JPY", (id) =>
      charge(id, {
        payment_intent: `pi_${id}`,
        amount_refunded: 900,
        refunds: { object: "list", data: [refund(id, { amount: 900, currency: "jpy", status: "succeeded" })] },
      }),
    ),
    snapshot("refund.created", "refund.created", "15.60 EUR", (id) => refund(id, { status: "pending" })),
    snapshot("refund.updated", "refund.succeeded", "15.60 EUR", (id) => refund(id, { status: "succeeded" })),
    snapshot("refund.failed", "refund.failed", "15.60 EUR", (id) =>
      refund(id, { status: "failed", failure_reason: "expired_or_canceled_card" }),
    ),
    snapshot("charge.dispute.created", "dispute.opened", "62.40 EUR", (id) =>
      dispute(id, { status: "needs_response" }),
    ),
    snapshot("charge.dispute.closed", "dispute.won", "62.40 EUR", (id) => dispute(id, { status: "won" })),
    snapshot("payout.created", "payout.created", "2210.05 EUR", (id) => payout(id, { status: "pending" })),
    snapshot("payout.paid", "payout.paid", "2210.05 EUR", (id) => payout(id, { status: "paid" })),
    snapshot("payout.failed", "payout.failed", "2210.05 EUR", (id) =>
      payout(id, { status: "failed", failure_code: "account_closed" }),
    ),
    snapshot("invoice.created", "invoice.created", null, (id) => invoice(id, { status: "draft" })),
    snapshot("invoice.finalized", "invoice.updated", null, (id) => invoice(id, { status: "open" })),
    snapshot("invoice.voided", "invoice.canceled", null, (id) => invoice(id, { status: "void" })),
    snapshot("customer.subscription.paused", "subscription.updated", null, (id) => subscription(id, "paused")),
    snapshot("customer.subscription.resumed", "subscription.updated", null, (id) => subscription(id, "active")),
    snapshot("mandate.updated", "mandate.active", null, (id) => mandate(id, "active")),
    snapshot("mandate.updated", "mandate.canceled", null, (id) => mandate(id, "inactive")),
    snapshot("mandate.updated", "mandate.created", null, (id) => mandate(id, "pending")),
    snapshot("payment_method.attached", "payment_method.attached", null, (id) => ({
      id: `pm_${id}`,
      object: "payment_method",
      type: "card",
      customer: `cus_${id}`,
      card: { brand: "mastercard", last4: "5454", exp_month: 4, exp_year: 2031, country: "NL", funding: "credit" },
    })),
  ],
};

/** https://docs.stripe.com/api/events/object; `objectOf`: the object as it was when it happened. */
function snapshot(
  type: string,
  is: Sample["is"],
  amount: string | null,
  objectOf: (id: string) => Fields & { object: string },
): Sample {
  const page = objectOf("").object;
  return {
    type,
    source: `${DOCS}/${page.replace(/([^s])$/, "$1s")}/object and ${DOCS}/events/types#event_types-${type}`,
    make: (id, at) => ({
      id: `evt_${id}`,
      object: "event",
      api_version: "2026-10-28.basil",
      created: Math.floor(at / 1000),
      data: { object: { ...objectOf(id), created: Math.floor(at / 1000) - 2, livemode: true } },
      livemode: true,
      pending_webhooks: 1,
      request: { id: `req_${id}`, idempotency_key: null },
      type,
    }),
    is,
    ...(amount !== null && { amount }),
  };
}

function intent(id: string, fields: Fields) {
  return {
    id: `pi_${id}`,
    object: "payment_intent",
    amount: 6240,
    amount_capturable: 0,
    amount_received: 0,
    capture_method: "automatic_async",
    currency: "eur",
    customer: `cus_${id}`,
    description: "Two chairs, “Ærø”, oak",
    last_payment_error: null,
    latest_charge: null,
    metadata: { order_id: `order_${id}` },
    payment_method: `pm_${id}`,
    payment_method_types: ["card"],
    ...fields,
  };
}

function charge(id: string, fields: Fields) {
  return {
    id: `ch_${id}`,
    object: "charge",
    amount: 4300,
    amount_captured: 4300,
    amount_refunded: 0,
    captured: true,
    currency: "jpy",
    customer: `cus_${id}`,
    metadata: { order_id: `order_${id}` },
    paid: true,
    payment_method_details: { type: "card", card: { brand: "jcb", last4: "0505" } },
    status: "succeeded",
    ...fields,
  };
}

function refund(id: string, fields: Fields) {
  return {
    id: `re_${id}`,
    object: "refund",
    amount: 1560,
    balance_transaction: `txn_${id}`,
    charge: `ch_${id}`,
    currency: "eur",
    payment_intent: `pi_${id}`,
    reason: "requested_by_customer",
    ...fields,
  };
}

function dispute(id: string, fields: Fields) {
  return {
    id: `du_${id}`,
    object: "dispute",
    amount: 6240,
    charge: `ch_${id}`,
    currency: "eur",
    evidence_details: { due_by: 1_798_761_599, has_evidence: false, past_due: false, submission_count: 0 },
    payment_intent: `pi_${id}`,
    reason: "product_not_received",
    ...fields,
  };
}

function invoice(id: string, fields: Fields) {
  return { id: `in_${id}`, object: "invoice", amount_due: 6240, currency: "eur", customer: `cus_${id}`, ...fields };
}

function subscription(id: string, status: string) {
  return { id: `sub_${id}`, object: "subscription", customer: `cus_${id}`, status };
}

function mandate(id: string, status: string) {
  return {
    id: `mandate_${id}`,
    object: "mandate",
    payment_method: `pm_${id}`,
    payment_method_details: { type: "sepa_debit", sepa_debit: { reference: "CHAIRS-81" } },
    status,
    type: "multi_use",
  };
}

function payout(id: string, fields: Fields) {
  return {
    id: `po_${id}`,
    object: "payout",
    amount: 221_005,
    arrival_date: 1_796_083_200,
    automatic: true,
    currency: "eur",
    method: "standard",
    type: "bank_account",
    ...fields,
  };
}
