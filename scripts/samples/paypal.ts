import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign as signWithKey } from "node:crypto";
import { crc32 } from "node:zlib";

import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";

const SOURCE = "https://developer.paypal.com/api/rest/webhooks/event-names/";

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const RSA_SHA256 = der(0x30, Buffer.from("06092a864886f70d01010b0500", "hex"));

/** A certificate that signs itself, in PEM. `validity`: as UTCTime. */
export function certificateOf(
  privateKeyPem: string,
  { commonName = "messageverificationcerts.paypal.com", validity = ["200101000000Z", "491231235959Z"] } = {},
): string {
  const name = der(0x0c, Buffer.from(commonName));
  const subject = der(0x30, der(0x31, der(0x30, Buffer.from("0603550403", "hex"), name)));
  const body = der(
    0x30,
    Buffer.from("a003020102020107", "hex"),
    RSA_SHA256,
    subject,
    der(0x30, ...validity.map((time) => der(0x17, Buffer.from(time)))),
    subject,
    createPublicKey(privateKeyPem).export({ type: "spki", format: "der" }),
  );
  const signature = signWithKey("sha256", body, privateKeyPem);
  const whole = der(0x30, body, RSA_SHA256, der(0x03, Buffer.from([0]), signature));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

function sample(type: string, is: EventType, resource: (id: string) => object): Sample {
  const make = (id: string, at: number) => ({
    id: `WH-${id}`,
    event_type: type,
    create_time: new Date(at).toISOString(),
    resource: resource(id),
  });
  return { type, is, source: SOURCE, make };
}

const amount = { value: "42.50", currency_code: "EUR" };
const capture = (id: string) => ({ id, amount, invoice_id: `order-${id}` });
const refund = (id: string) => ({
  id,
  amount,
  links: [{ rel: "up", href: `https://api.paypal.com/v2/payments/captures/C${id}` }],
});
const item = (id: string) => ({ payout_item_id: `item-${id}`, payout_item: { amount } });
const invoice = (status: string) => (id: string) => ({ invoice: { id: `INV2-${id}`, status } });
const merchant = (id: string) => ({ merchant_id: `M${id}` });
const named = (id: string) => ({ id });
const dispute = (outcome?: string) => (id: string) => ({
  dispute_id: id,
  reason: "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
  dispute_amount: amount,
  disputed_transactions: [{ seller_transaction_id: `C${id}` }],
  ...(outcome && { dispute_outcome: { outcome_code: outcome } }),
});

export const paypalSamples: ProviderSamples = {
  provider: "paypal",
  toleranceSeconds: 3 * 24 * 3600 + 300,
  isIdInHeader: true,
  unsignedHeaders: ["paypal-cert-url"],
  covers: "checksum",

  async newKeys() {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const webhookId = randomUUID().replaceAll("-", "").slice(0, 17).toUpperCase();
    const secret = JSON.stringify({ webhookId, certPem: certificateOf(key) });
    return { secret, signingKey: JSON.stringify({ webhookId, key }) };
  },

  async sign(event, { signingKey, now, url }) {
    const { webhookId, key } = JSON.parse(signingKey) as { webhookId: string; key: string };
    const body = Buffer.from(JSON.stringify(event));
    const [id, time] = [randomUUID(), new Date(now * 1000).toISOString()];
    const signature = signWithKey(
      "sha256",
      Buffer.from(`${id}|${time}|${webhookId}|${crc32(body)}`),
      createPrivateKey(key),
    );
    const headers = new Headers({
      "paypal-transmission-id": id,
      "paypal-transmission-time": time,
      "paypal-transmission-sig": signature.toString("base64"),
      "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-7f3a",
      "paypal-auth-algo": "SHA256withRSA",
    });
    return { body: new Uint8Array(body), headers, url };
  },

  events: [
    sample("CHECKOUT.ORDER.APPROVED", "payment.requires_action", (id) => ({ id, purchase_units: [{ amount }] })),
    sample("PAYMENT.AUTHORIZATION.CREATED", "payment.authorized", capture),
    sample("PAYMENT.CAPTURE.PENDING", "payment.pending", capture),
    sample("PAYMENT.CAPTURE.COMPLETED", "payment.succeeded", capture),
    sample("PAYMENT.CAPTURE.DENIED", "payment.failed", capture),
    sample("PAYMENT.CAPTURE.REFUNDED", "refund.succeeded", refund),
    sample("PAYMENT.CAPTURE.REVERSED", "payment.reversed", refund),
    sample("CUSTOMER.DISPUTE.CREATED", "dispute.opened", dispute()),
    sample("CUSTOMER.DISPUTE.RESOLVED", "dispute.won", dispute("RESOLVED_SELLER_FAVOUR")),
    sample("CUSTOMER.DISPUTE.RESOLVED", "dispute.lost", dispute("RESOLVED_BUYER_FAVOUR")),
    sample("BILLING.SUBSCRIPTION.RE-ACTIVATED", "subscription.updated", named),
    sample("BILLING.SUBSCRIPTION.CANCELLED", "subscription.canceled", named),
    sample("CHECKOUT.ORDER.DECLINED", "payment.failed", (id) => ({ id, purchase_units: [{ amount }] })),
    sample("CHECKOUT.ORDER.VOIDED", "payment.canceled", (id) => ({ id, purchase_units: [{ amount }] })),
    sample("PAYMENT.SALE.PENDING", "payment.pending", capture),
    sample("PAYMENT.PAYOUTSBATCH.DENIED", "payout.failed", (id) => ({ batch_header: { payout_batch_id: id, amount } })),
    sample("PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "payout.paid", item),
    sample("PAYMENT.PAYOUTS-ITEM.DENIED", "payout.failed", item),
    sample("PAYMENT.PAYOUTS-ITEM.HELD", "payout.in_transit", item),
    sample("PAYMENT.PAYOUTS-ITEM.REFUNDED", "payout.returned", item),
    sample("INVOICING.INVOICE.CREATED", "invoice.created", invoice("DRAFT")),
    sample("INVOICING.INVOICE.SCHEDULED", "invoice.updated", invoice("SCHEDULED")),
    sample("INVOICING.INVOICE.UPDATED", "invoice.updated", invoice("SENT")),
    sample("INVOICING.INVOICE.PAID", "invoice.paid", invoice("PAID")),
    sample("INVOICING.INVOICE.PAID", "invoice.updated", invoice("PARTIALLY_PAID")),
    sample("INVOICING.INVOICE.REFUNDED", "invoice.updated", invoice("REFUNDED")),
    sample("INVOICING.INVOICE.CANCELLED", "invoice.canceled", invoice("CANCELLED")),
    sample("CUSTOMER.ACCOUNT-LIMITATION.ADDED", "account.requirements_due", merchant),
    sample("CUSTOMER.ACCOUNT-LIMITATION.ESCALATED", "account.requirements_due", merchant),
    sample("CUSTOMER.ACCOUNT-LIMITATION.UPDATED", "account.updated", merchant),
    sample("CUSTOMER.ACCOUNT-LIMITATION.LIFTED", "account.updated", merchant),
    sample("MERCHANT.ONBOARDING.COMPLETED", "account.updated", merchant),
    sample("MERCHANT.PARTNER-CONSENT.REVOKED", "account.updated", merchant),
    sample("VAULT.CREDIT-CARD.CREATED", "payment_method.attached", named),
    sample("VAULT.CREDIT-CARD.UPDATED", "payment_method.updated", named),
    sample("VAULT.CREDIT-CARD.DELETED", "payment_method.detached", named),
  ],
};
