import { expect } from "vitest";
import type { ProviderEvent } from "../../src/event/event.ts";
import { applyEvent, type Facts } from "../../src/event/lifecycle.ts";
import { stripe } from "../../src/providers/stripe.ts";

export type Json = Record<string, unknown>;

export const CREATED = 1_790_000_000;

export const intent: Json = {
  id: "pi_1",
  object: "payment_intent",
  amount: 1999,
  amount_received: 0,
  currency: "eur",
  customer: "cus_1",
  metadata: { order_id: "order_77" },
  payment_method_types: ["card"],
  last_payment_error: null,
};
export const charge: Json = {
  id: "ch_1",
  object: "charge",
  amount: 1999,
  amount_captured: 1999,
  amount_refunded: 0,
  captured: true,
  currency: "eur",
  customer: "cus_1",
  payment_intent: null,
  metadata: {},
  payment_method_details: { type: "card" },
};
export const refund: Json = {
  id: "re_1",
  object: "refund",
  amount: 500,
  currency: "eur",
  charge: "ch_1",
  payment_intent: "pi_1",
  reason: "requested_by_customer",
  status: "succeeded",
};
export const dispute: Json = {
  id: "dp_1",
  object: "dispute",
  amount: 1999,
  currency: "eur",
  charge: "ch_1",
  payment_intent: "pi_1",
  reason: "fraudulent",
  status: "needs_response",
  evidence_details: { due_by: 1_790_600_000 },
};
export const payout: Json = {
  id: "po_1",
  object: "payout",
  amount: 50_000,
  currency: "eur",
  arrival_date: 1_790_121_600,
  status: "in_transit",
};
export const card: Json = { brand: "visa", last4: "4242", exp_month: 12, exp_year: 2030 };
export const paymentMethod: Json = { id: "pm_1", object: "payment_method", type: "card", card, customer: "cus_1" };

/** A snapshot event of Stripe's. `fields` replace those of the event itself. */
export function eventOf(type: string, object: unknown, fields: Json = {}): Json {
  return {
    id: "evt_1",
    object: "event",
    api_version: "2026-10-28",
    created: CREATED,
    livemode: true,
    type,
    data: { object },
    ...fields,
  };
}

/** The one event that a body holds. */
export async function normalize(event: unknown, headers: Record<string, string> = {}): Promise<ProviderEvent> {
  const body = event instanceof Uint8Array ? event : new TextEncoder().encode(JSON.stringify(event));
  const url = "https://paybell.example/ingest/src_1";
  const events = await stripe.normalize({ body, headers: new Headers(headers), url }, []);
  expect(events).toHaveLength(1);
  return events.at(0)!;
}

/** What is known of a payment after these events. */
export async function factsOf(events: Json[]): Promise<Facts> {
  let facts: Facts | null = null;
  for (const event of events) {
    const { occurredAt, ...said } = await normalize(event);
    facts = applyEvent(
      facts,
      { ...said, occurredAt: occurredAt!, user: null, origin: null },
      String(event["id"]),
    )!.facts;
  }
  return facts!;
}
