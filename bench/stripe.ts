import { createHmac, randomBytes } from "node:crypto";

import { stripeEvent, stripeId, type DemoPayment } from "../scripts/demo/stripe.ts";

/** One event to be posted. `index`: its place among its user's. */
export interface StripePost {
  id: string;
  user: string;
  index: number;
  body: string;
}

/** Events of so many users in turn: each payment is created and then succeeds, so that every second one is new. */
export function stripePosts(count: number, users: number): StripePost[] {
  const run = randomBytes(4).toString("hex");
  const payments = new Map<string, DemoPayment>();
  const created = Math.floor(Date.now() / 1000) - count;
  return Array.from({ length: count }, (_, n) => {
    const user = `cus_${run}${n % users}`;
    const index = Math.floor(n / users);
    const isNew = index % 2 === 0;
    if (isNew) payments.set(user, { id: stripeId("pi"), customer: user, order: `order_${n}`, amount: 1999 });
    const type = isNew ? "payment_intent.created" : "payment_intent.succeeded";
    const { id, body } = stripeEvent(type, payments.get(user)!, created + n);
    return { id, user, index, body };
  });
}

/** The header that Stripe sends, signed now. https://docs.stripe.com/webhooks#verify-manually */
export function signAsStripe({ body }: StripePost, secret: string): string {
  const at = Math.floor(Date.now() / 1000);
  return `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${body}`).digest("hex")}`;
}
