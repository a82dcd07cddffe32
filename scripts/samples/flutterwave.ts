import { randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const SOURCE = "https://developer.flutterwave.com/v3.0/docs/webhooks";
/** Ids are numbers there. */
const numberOf = (id: string) => Number.parseInt(Buffer.from(id).toString("hex").slice(-10), 16);

function charge(fields: { status: string; payment_type: string; amount?: number; currency?: string }) {
  return (id: string, at: number) => ({
    event: "charge.completed",
    data: {
      id: numberOf(id),
      tx_ref: `basket-${id}`,
      flw_ref: `FLW-${id}`,
      amount: 15_250.5,
      charged_amount: 15_250.5,
      currency: "NGN",
      app_fee: 213.51,
      merchant_fee: 0,
      processor_response: fields.status === "failed" ? "Insufficient funds" : "Approved",
      narration: "Kiosk Adaeze",
      created_at: new Date(at).toISOString(),
      account_id: 40_117,
      customer: { id: 771_204, name: "Adaeze Obi", email: "adaeze@shop.example", phone_number: null },
      ...fields,
    },
  });
}

function transfer(status: string) {
  return (id: string, at: number) => ({
    event: "transfer.completed",
    "event.type": "Transfer",
    data: {
      id: numberOf(id),
      account_number: "0123456789",
      bank_name: "EXAMPLE BANK",
      bank_code: "999",
      fullname: "Kwame Mensah",
      created_at: new Date(at).toISOString(),
      currency: "GHS",
      debit_currency: "GHS",
      amount: 830,
      fee: 10,
      status,
      reference: `salary-${id}`,
      complete_message: "",
    },
  });
}

const completed = (is: Sample["is"], make: Sample["make"], variant?: string): Sample => ({
  type: "charge.completed",
  source: SOURCE,
  make,
  is,
  ...(variant && { variant }),
});

/** Flutterwave v3. */
export const flutterwaveSamples: ProviderSamples = {
  provider: "flutterwave",
  toleranceSeconds: null,
  takesAnything: true,
  areAll: true,
  covers: "nothing",

  newKeys: sharing(() => randomBytes(24).toString("hex")),

  async sign(event, { signingKey, url }) {
    const headers = new Headers({ "content-type": "application/json", "verif-hash": signingKey });
    return { body: new TextEncoder().encode(JSON.stringify(event)), headers, url };
  },

  events: [
    completed("payment.succeeded", charge({ status: "successful", payment_type: "card" })),
    completed("payment.succeeded", charge({ status: "successful", payment_type: "bank_transfer" }), "bank_transfer"),
    completed("payment.succeeded", charge({ status: "successful", payment_type: "ussd" }), "ussd"),
    completed(
      "payment.succeeded",
      charge({ status: "successful", payment_type: "mobilemoneyug", amount: 42_000, currency: "UGX" }),
      "mobile_money",
    ),
    completed("payment.failed", charge({ status: "failed", payment_type: "card" })),
    completed("payment.pending", charge({ status: "pending", payment_type: "bank_transfer" })),
    { type: "transfer.completed", source: SOURCE, make: transfer("SUCCESSFUL"), is: "payout.paid" },
    { type: "transfer.completed", source: SOURCE, make: transfer("FAILED"), is: "payout.failed" },
    { type: "transfer.completed", source: SOURCE, make: transfer("PENDING"), is: "payout.in_transit" },
    {
      type: "subscription.cancelled",
      source: `${SOURCE} (fields not verified)`,
      make: (id) => ({
        event: "subscription.cancelled",
        data: { id: numberOf(id), status: "deactivated", currency: "NGN", amount: 900, plan: { id: 3807 } },
      }),
      is: "subscription.canceled",
    },
  ],
};
