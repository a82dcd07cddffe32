import { createHmac, randomBytes, randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const CHECKOUTS = "https://docs.cdp.coinbase.com/coinbase-business/checkout-apis/webhooks";
const ACCEPTANCE = "https://docs.cdp.coinbase.com/webhooks/payment-acceptance/example-payloads";

function checkout(type: string, is: Sample["is"], fields: Record<string, unknown>): Sample {
  const make = (id: string, at: number) => ({
    id,
    url: `https://payments.coinbase.com/payment-links/pl_${id}`,
    amount: "64.50",
    currency: "USDC",
    network: "base",
    address: "0x00000000000000000000000000000000000000aa",
    description: "Two tickets",
    eventType: type,
    metadata: { customerId: "guest-9", orderId: `tickets-${id}` },
    createdAt: new Date(at - 60_000).toISOString(),
    updatedAt: new Date(at).toISOString(),
    ...fields,
  });
  return { type, source: CHECKOUTS, make, is };
}

function refund(status: string, amount: string, currency = "USDC") {
  return {
    id: "rf_tickets",
    amount,
    currency,
    status,
    reason: "The show is off",
    createdAt: "2026-11-23T18:00:00.000Z",
  };
}

function session(
  action: string,
  is: Sample["is"],
  { balances, ...fields }: { balances?: Record<string, string>; [field: string]: unknown } = {},
): Sample {
  const type = `acceptance.payment_session.${action}`;
  const make = (id: string, at: number) => ({
    eventId: `evt_${id}`,
    eventType: type,
    timestamp: new Date(at).toISOString(),
    data: {
      paymentSession: {
        paymentSessionId: `paymentSession_${id}`,
        entityId: "entity_theatre",
        status: action,
        amount: "64.50",
        asset: "usdc",
        target: { accountId: "account_theatre", asset: "usd" },
        balances: { capturable: "0", captured: "0", refundable: "0", refunded: "0", ...balances },
        externalReferenceId: `tickets-${id}`,
        createdAt: new Date(at - 60_000).toISOString(),
        updatedAt: new Date(at).toISOString(),
      },
      ...fields,
    },
  });
  return { type, source: ACCEPTANCE, make, is };
}

/** Coinbase Business and Payment Acceptance. */
export const coinbaseCdpSamples: ProviderSamples = {
  provider: "coinbase-cdp",
  toleranceSeconds: 300,
  takesAnything: true,
  isIdInHeader: true,
  covers: "body",

  newKeys: sharing(() => randomBytes(24).toString("base64url")),

  async sign(event, { signingKey, now, url }) {
    const body = Buffer.from(JSON.stringify(event));
    const covered = { "x-hook0-id": randomUUID(), "content-type": "application/json" };
    const names = Object.keys(covered).join(" ");
    const head = Buffer.from(`${now}.${names}.${Object.values(covered).join(".")}.`);
    const v1 = createHmac("sha256", signingKey).update(head).update(body).digest("hex");
    const headers = new Headers({ ...covered, "x-hook0-signature": `t=${now},h=${names},v1=${v1}` });
    return { body: new Uint8Array(body), headers, url };
  },

  events: [
    checkout("checkout.payment.success", "payment.succeeded", {
      status: "COMPLETED",
      settlement: { totalAmount: "64.50", feeAmount: "0.65", netAmount: "63.85", currency: "USDC" },
    }),
    {
      ...checkout("checkout.payment.success", "payment.succeeded", { status: "COMPLETED", currency: "EUR" }),
      variant: "eur",
    },
    checkout("checkout.payment.failed", "payment.failed", { status: "FAILED" }),
    checkout("checkout.payment.expired", "payment.expired", { status: "EXPIRED" }),
    checkout("checkout.refund.success", "refund.succeeded", {
      status: "REFUNDED",
      refundedAmount: "64.50",
      refunds: [refund("COMPLETED", "64.50")],
    }),
    checkout("checkout.refund.failed", "refund.failed", { status: "COMPLETED", refunds: [refund("FAILED", "64.50")] }),
    session("authorization_succeeded", "payment.authorized", { balances: { capturable: "64.50" } }),
    session("authorization_failed", "payment.failed", {
      authorization: {
        authorizationId: "au_1",
        error: { code: "insufficient_funds", message: "Not enough in there." },
      },
    }),
    session("capture_succeeded", "payment.succeeded", { balances: { captured: "64.50", refundable: "64.50" } }),
    session("capture_succeeded", "payment.partially_captured", {
      balances: { captured: "20.00", capturable: "44.50" },
    }),
    session("refund_succeeded", "refund.succeeded", {
      balances: { captured: "64.50", refunded: "64.50" },
      refund: { refundId: "refund_1", status: "succeeded", amount: "64.50", reason: "The show is off" },
    }),
    session("canceled", "payment.canceled"),
    {
      type: "acceptance.disbursement.succeeded",
      source: ACCEPTANCE,
      make: (id, at) => ({
        eventId: `evt_${id}`,
        eventType: "acceptance.disbursement.succeeded",
        timestamp: new Date(at).toISOString(),
        data: { disbursementId: `disbursement_${id}`, amount: "12.00", asset: "usdc", status: "succeeded" },
      }),
      is: "payout.paid",
    },
  ],
};
