import { randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { base64Of, bytesOf, hexOf, hmacOf, sharing } from "./signing.ts";

/** The page of Braintree's reference that a kind is on. */
const page = (family: string) => `https://developer.paypal.com/braintree/docs/reference/general/webhooks/${family}`;

/** `make` gives the notification as an object; a name with its type behind a space, such as `timestamp datetime`. */
function sample(kind: string, is: Sample["is"], family: string, subject: (id: string) => object): Sample {
  const make = (id: string, at: number) => ({
    notification: {
      "timestamp datetime": new Date(at).toISOString().replace(".000Z", "Z"),
      kind,
      subject: subject(id),
    },
  });
  return { type: kind, is, source: page(family), make };
}

/** An object as XML, as Braintree writes it. */
export function xmlOf(object: object): string {
  return Object.entries(object)
    .map(([key, value]: [string, unknown]) => {
      const [name, type] = key.split(" ");
      const start = `${name}${type ? ` type="${type}"` : ""}`;
      if (value === null) return `<${name} nil="true"/>`;
      const items = Array.isArray(value) ? value.map((item: unknown) => xmlOf({ item })).join("") : null;
      const text =
        items ?? (typeof value === "object" ? xmlOf(value) : escaped((value as string | number | boolean).toString()));
      return `<${start}>${text}</${name}>`;
    })
    .join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const money = { amount: "42.50", "currency-iso-code": "EUR" };
const transaction = (fields: object) => (id: string) => ({
  transaction: {
    id,
    type: "sale",
    ...money,
    "order-id": `order-${id}`,
    customer: { id: `buyer-${id}`, "first-name": "Ada & Co" },
    "payment-instrument-type": "sepa_debit_account",
    ...fields,
  },
});
const refund = (fields: object) => (id: string) => ({
  transaction: { id: `r${id}`, type: "credit", ...money, "refunded-transaction-id": id, ...fields },
});
const dispute = (status: string) => (id: string) => ({
  dispute: {
    id: `d${id}`,
    kind: "chargeback",
    status,
    "amount-disputed": "42.50",
    "currency-iso-code": "EUR",
    reason: "not_as_described",
    "reply-by-date date": "2026-12-09",
    transaction: { id, amount: "42.50" },
  },
});
const subMerchant = (status: string) => (id: string) => ({ "merchant-account": { id: `nordwind-${id}`, status } });
const subscription = (id: string) => ({
  subscription: { id, "transactions array": [{ id: `t${id}`, status: "settled", amount: "42.50" }] },
});

/** Braintree: XML in base64, in a form. */
export const braintreeSamples: ProviderSamples = {
  provider: "braintree",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => {
    const [publicKey, privateKey] = [randomBytes(8).toString("hex"), randomBytes(16).toString("hex")];
    return JSON.stringify({ publicKey, privateKey });
  }),

  async sign(event, { signingKey, url }) {
    const { publicKey, privateKey } = JSON.parse(signingKey) as { publicKey: string; privateKey: string };
    const xml = base64Of(bytesOf(xmlOf(event as object)));
    const payload = `${xml.replaceAll(/.{60}/g, "$&\n")}\n`;
    const key = new Uint8Array(await crypto.subtle.digest("SHA-1", bytesOf(privateKey)));
    const signature = hexOf(await hmacOf(key, [payload], "SHA-1"));
    const form = new URLSearchParams({ bt_signature: `${publicKey}|${signature}`, bt_payload: payload });
    return {
      body: bytesOf(form.toString()),
      headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }),
      url,
    };
  },

  events: [
    {
      ...sample("transaction_settled", "payment.succeeded", "transaction", transaction({ status: "settled" })),
      amount: "42.50 EUR",
    },
    sample(
      "transaction_settlement_declined",
      "payment.failed",
      "transaction",
      transaction({ status: "settlement_declined", "processor-settlement-response-text": "The account is closed" }),
    ),
    sample(
      "transaction_retried",
      "payment.processing",
      "transaction",
      transaction({ status: "submitted_for_settlement" }),
    ),
    {
      ...sample("transaction_settled", "refund.succeeded", "transaction", refund({ status: "settled" })),
      variant: "refund",
      amount: "42.50 EUR",
    },
    sample("refund_failed", "refund.failed", "refund", refund({ status: "processor_declined" })),
    { ...sample("dispute_opened", "dispute.opened", "dispute", dispute("open")), amount: "42.50 EUR" },
    sample("dispute_disputed", "dispute.under_review", "dispute", dispute("disputed")),
    sample("dispute_won", "dispute.won", "dispute", dispute("won")),
    sample("dispute_lost", "dispute.lost", "dispute", dispute("lost")),
    {
      ...sample("disbursement", "payout.paid", "disbursement", (id) => ({
        disbursement: {
          id,
          amount: "1042.50",
          "merchant-account": { id: "nordwind", "currency-iso-code": "EUR" },
          "disbursement-date date": "2026-11-25",
          "success boolean": "true",
          "exception-message": null,
        },
      })),
      amount: "1042.50 EUR",
    },
    sample("disbursement_exception", "payout.failed", "disbursement", (id) => ({
      disbursement: { id, amount: "1042.50", "success boolean": "false", "exception-message": "bank_rejected" },
    })),
    sample("sub_merchant_account_approved", "account.updated", "sub-merchant-account", subMerchant("active")),
    sample("sub_merchant_account_declined", "account.updated", "sub-merchant-account", subMerchant("suspended")),
    sample("granted_payment_instrument_update", "payment_method.updated", "grant-api", (id) => ({
      "granted-payment-instrument-update": { token: `m${id}`, "payment-method-nonce": { nonce: `n${id}` } },
    })),
    sample("subscription_charged_successfully", "invoice.paid", "subscription", subscription),
    sample("subscription_charged_unsuccessfully", "invoice.payment_failed", "subscription", subscription),
    sample("subscription_canceled", "subscription.canceled", "subscription", subscription),
  ],
};
