import { randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { base64Of, sharing, signsBody } from "./signing.ts";

const SOURCE = "https://developer.flutterwave.com/docs/webhooks";
const UNVERIFIED = `${SOURCE} (fields not verified)`;

const wrap =
  (type: string, data: (id: string, at: number) => Record<string, unknown>): Sample["make"] =>
  (id, at) => ({ webhook_id: `wbk_${id}`, timestamp: at, type, data: data(id, at) });

function charge(status: string, method: string, fields: Record<string, unknown> = {}): Sample["make"] {
  return wrap("charge.completed", (id, at) => ({
    id: `chg_${id}`,
    amount: 1899.99,
    currency: "KES",
    reference: `trip-${id}`,
    status,
    description: null,
    redirect_url: null,
    meta: {},
    customer: { id: "cus_wanjiku", email: "wanjiku@shop.example", meta: {} },
    payment_method: { id: `pmd_${id}`, type: method, meta: {} },
    processor_response:
      status === "failed" ? { code: "51", type: "insufficient_funds" } : { code: "00", type: "approved" },
    created_datetime: new Date(at - 40_000).toISOString(),
    ...fields,
  }));
}

function transfer(status: string, fields: Record<string, unknown> = {}): Sample["make"] {
  return wrap("transfer.disburse", (id, at) => ({
    id: `trf_${id}`,
    amount: 3100.4,
    source_currency: "NGN",
    destination_currency: "NGN",
    reference: `supplier-${id}`,
    status,
    disburse_datetime: new Date(at).toISOString(),
    fee: { currency: "NGN", value: 26.88 },
    ...fields,
  }));
}

function refund(status: string): Sample["make"] {
  return wrap("refund.completed", (id) => ({
    id: `rfd_${id}`,
    charge_id: `chg_${id}`,
    amount_refunded: 450.5,
    currency: "KES",
    reason: "duplicate",
    status,
  }));
}

function chargeback(type: string, status: string): Sample["make"] {
  return wrap(type, (id) => ({ id: `chb_${id}`, charge_id: `chg_${id}`, amount: 1899.99, currency: "KES", status }));
}

/** Flutterwave v4. */
export const flutterwaveV4Samples: ProviderSamples = {
  provider: "flutterwave-v4",
  toleranceSeconds: null,
  takesAnything: true,
  covers: "body",

  newKeys: sharing(() => randomBytes(24).toString("hex")),

  sign: signsBody("flutterwave-signature", base64Of),

  events: [
    { type: "charge.completed", source: SOURCE, make: charge("succeeded", "card"), is: "payment.succeeded" },
    {
      type: "charge.completed",
      variant: "mobile_money",
      source: SOURCE,
      make: charge("succeeded", "mobile_money", { currency: "UGX", amount: 64_000 }),
      is: "payment.succeeded",
    },
    { type: "charge.completed", source: SOURCE, make: charge("failed", "card"), is: "payment.failed" },
    { type: "charge.completed", source: SOURCE, make: charge("pending", "bank_transfer"), is: "payment.pending" },
    { type: "transfer.disburse", source: SOURCE, make: transfer("SUCCESSFUL"), is: "payout.paid" },
    { type: "transfer.disburse", source: SOURCE, make: transfer("FAILED"), is: "payout.failed" },
    {
      type: "transfer.disburse",
      source: SOURCE,
      make: transfer("FAILED", { reversal: { initial_status: "SUCCESSFUL", reconciliation_status: "REVERSED" } }),
      is: "payout.returned",
    },
    { type: "refund.completed", source: UNVERIFIED, make: refund("succeeded"), is: "refund.succeeded" },
    { type: "refund.completed", source: UNVERIFIED, make: refund("failed"), is: "refund.failed" },
    {
      type: "chargeback.created",
      source: UNVERIFIED,
      make: chargeback("chargeback.created", "initiated"),
      is: "dispute.opened",
    },
    {
      type: "chargeback.updated",
      source: UNVERIFIED,
      make: chargeback("chargeback.updated", "lost"),
      is: "dispute.lost",
    },
  ],
};
