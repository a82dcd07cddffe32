import { randomBytes } from "node:crypto";

import { Stripe } from "stripe";

/** What a payment of the demonstration is about. `id`: `pi_…`; `amount`: in minor units. */
export interface DemoPayment {
  id: string;
  customer: string;
  order: string;
  amount: number;
}

/** An event of Stripe's as it travels. */
export interface StripeEvent {
  id: string;
  type: string;
  payment: DemoPayment;
  body: string;
}

/** Ids as long as Stripe's. */
export function stripeId(prefix: "cus" | "evt" | "pi"): string {
  return `${prefix}_${randomBytes(12).toString("hex")}`;
}

/** A secret of the form that Stripe shows for a webhook endpoint. */
export function stripeSecret(): string {
  return `whsec_${randomBytes(24).toString("base64url")}`;
}

/** An event about a payment intent, in the shape of Stripe's API. `created`: epoch seconds. */
export function stripeEvent(
  type: StripeEventType,
  payment: DemoPayment,
  created: number,
  id = stripeId("evt"),
): StripeEvent {
  const status = STATUS_AFTER[type];
  const body = JSON.stringify({
    id,
    object: "event",
    api_version: "2026-10-28.basil",
    created,
    livemode: true,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    data: {
      object: {
        id: payment.id,
        object: "payment_intent",
        amount: payment.amount,
        amount_received: status === "succeeded" ? payment.amount : 0,
        currency: "eur",
        customer: payment.customer,
        livemode: true,
        metadata: { order_id: payment.order },
        payment_method_types: ["card"],
        status,
      },
    },
  });
  return { id, type, payment, body };
}

/** Posts an event to a source as Stripe does, signed now by its official package; the HTTP status of the answer. */
export async function postAsStripe(ingestUrl: string, secret: string, { body }: StripeEvent): Promise<number> {
  const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret });
  const headers = { "content-type": "application/json; charset=utf-8", "stripe-signature": signature };
  const response = await fetch(ingestUrl, { method: "POST", headers, body });
  await response.body?.cancel();
  return response.status;
}

const STATUS_AFTER = {
  "payment_intent.created": "requires_payment_method",
  "payment_intent.processing": "processing",
  "payment_intent.payment_failed": "requires_payment_method",
  "payment_intent.succeeded": "succeeded",
} as const;

type StripeEventType = keyof typeof STATUS_AFTER;
