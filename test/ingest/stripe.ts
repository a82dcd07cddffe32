import { exports } from "cloudflare:workers";
import { Stripe } from "stripe";
import { vi } from "vitest";

import { unique } from "../support/builders.ts";
import { call } from "../support/merchant.ts";

export type Json = Record<string, unknown>;

const { webhooks } = new Stripe("sk_test_unused");

/** When all of the made-up events happened, in epoch seconds, unless they say otherwise. */
export const CREATED = Date.parse("2026-11-23T12:00:00Z") / 1000;

/** A Stripe source of a merchant, with its one signing secret. */
export interface StripeSource {
  id: string;
  secret: string;
}

export async function newStripeSource(key: string, fields: Json = {}): Promise<StripeSource> {
  const secret = unique("whsec");
  const body = { provider: "stripe", secrets: [secret], ...fields };
  const { status, json } = await call("POST", "/v1/sources", { key, body });
  if (status !== 201) {
    throw new Error(`No source: ${status} ${JSON.stringify(json)}`);
  }
  return { id: String(json["id"]), secret };
}

/** A `Stripe-Signature` as Stripe's own package makes it. `timestamp`: epoch seconds. */
export async function sign(
  payload: string,
  secret: string,
  { timestamp = Math.floor(Date.now() / 1000), scheme = "v1" }: { timestamp?: number; scheme?: string } = {},
): Promise<string> {
  return webhooks.generateTestHeaderStringAsync({ payload, secret, timestamp, scheme });
}

/** Posts these very bytes to a source. */
export async function postBytes(source: string, body: string | Uint8Array, signature?: string): Promise<Response> {
  return exports.default.fetch(
    new Request(`https://paybell.test/ingest/${source}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(signature !== undefined && { "stripe-signature": signature }),
      },
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    }),
  );
}

/** Posts an event as Stripe does: signed, now. */
export async function postSigned({ id, secret }: StripeSource, event: unknown): Promise<Response> {
  const body = JSON.stringify(event);
  return postBytes(id, body, await sign(body, secret));
}

/** A snapshot event of Stripe's about an object, with an id of its own. */
export function stripeEvent(type: string, object: Json, fields: Json = {}): Json {
  return {
    id: unique("evt"),
    object: "event",
    api_version: "2026-10-28",
    created: CREATED,
    livemode: true,
    type,
    data: { object },
    ...fields,
  };
}

/** A payment intent over 19.99 EUR. */
export function intent(id: string, fields: Json = {}): Json {
  return {
    id,
    object: "payment_intent",
    amount: 1999,
    amount_received: 1999,
    currency: "eur",
    customer: null,
    metadata: { order_id: "order_77" },
    payment_method_types: ["card"],
    last_payment_error: null,
    ...fields,
  };
}

/** An event that a payment of 19.99 EUR succeeded. */
export function succeeded(customer: string | null, payment = unique("pi"), fields: Json = {}): Json {
  return stripeEvent("payment_intent.succeeded", intent(payment, { customer }), fields);
}

/** A merchant's events as the API lists them, once there are so many, by sequence. */
export async function untilListed(key: string, count: number): Promise<Json[]> {
  return vi.waitUntil(
    async () => {
      const { data } = (await call("GET", "/v1/events?order=asc&limit=100", { key })).json;
      return data.length >= count && data.toSorted((a, b) => Number(a["sequence"]) - Number(b["sequence"]));
    },
    { timeout: 10_000, interval: 25 },
  );
}

/** Waits until so many of a merchant's deliveries are delivered. */
export async function untilDelivered(key: string, count: number): Promise<Json[]> {
  return vi.waitUntil(
    async () => {
      const { data } = (await call("GET", "/v1/deliveries?status=delivered&limit=100", { key })).json;
      return data.length >= count && data;
    },
    { timeout: 10_000, interval: 25 },
  );
}
