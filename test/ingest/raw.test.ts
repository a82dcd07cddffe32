import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { parseExactly } from "../../src/event/exact-json.ts";
import type { ProviderEvent } from "../../src/event/event.ts";
import { rawText } from "../../src/ingest/raw.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";
import { intent, newStripeSource, postBytes, sign, stripeEvent, untilDelivered, type StripeSource } from "./stripe.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const ALONE = { isAlone: true };
const providing = (raw: unknown) => ({ raw }) as ProviderEvent;

describe("the provider's object as text", () => {
  it("is the very body where the body is the object: every digit of its numbers", () => {
    const body = '{"big": 12345678901234567890,\n  "exact": 1.10, "twice": 1, "twice": 2}';
    expect(rawText(providing(parseExactly(body)), encode(`\uFEFF\n${body}\n`), ALONE)).toBe(body);
  });

  it("is written anew with every digit where the body holds more: as text where a number would lose one", () => {
    const raw = parseExactly('{"big":12345678901234567890}');
    expect(rawText(providing(raw), encode("[]"), ALONE)).toBe('{"big":"12345678901234567890"}');
  });

  it("is what the adapter read where the body holds more, or is no JSON", () => {
    const raw = { id: 1 };
    for (const body of ['[{"id":1}]', '{"items":[{"id":1}]}', "id=1", "", '{"id":1}}']) {
      expect(rawText(providing(raw), encode(body), ALONE)).toBe('{"id":1}');
    }
    expect(rawText(providing(raw), encode('{ "id":1 }'), { isAlone: false })).toBe('{"id":1}');
    expect(rawText(providing(undefined), encode("x"), ALONE)).toBe("null");
  });
});

describe("an endpoint that wants the raw payload", () => {
  let merchant: { id: string; key: string };
  let source: StripeSource;
  let bodies: { path: string; body: string }[];

  beforeEach(async () => {
    merchant = await newMerchant();
    source = await newStripeSource(merchant.key);
    bodies = [];
    receive(async (request) => {
      bodies.push({ path: new URL(request.url).pathname, body: await request.text() });
      return new Response(null, { status: 204 });
    });
  });

  afterEach(() => vi.restoreAllMocks());

  const newRaw = () => newEndpoint(merchant.key, { url: "https://shop.example/raw", payload: "raw" });
  const newFull = () => newEndpoint(merchant.key, { url: "https://shop.example/full" });
  const sentTo = (path: string) => bodies.filter((one) => one.path === path).map(({ body }) => body);
  const templateOf = async (payment: string) =>
    env.DB.prepare("SELECT template FROM events WHERE merchant = ? AND payment = ?")
      .bind(merchant.id, payment)
      .first<string>("template");

  /** Posts a payment's event with this text in place of its metadata. */
  async function postWith(payment: string, metadata: string): Promise<string> {
    const event = stripeEvent("payment_intent.succeeded", intent(payment, { customer: "cus_1", metadata: "HERE" }));
    const body = JSON.stringify(event, null, 1).replace('"HERE"', () => metadata);
    const answer = await postBytes(source.id, body, await sign(body, source.secret));
    expect(answer.status).toBe(200);
    return body;
  }

  it("gets the provider's very text under data.raw, and the others the same without it", async () => {
    await newRaw();
    await newFull();
    const body = await postWith("pi_1", '{"big":12345678901234567890,"exact":1.10}');
    await untilDelivered(merchant.key, 2);
    const [[raw], [full]] = [sentTo("/raw"), sentTo("/full")];
    expect(raw).toContain(`,"raw":${body}}}`);
    expect(raw!.replace(`,"raw":${body}`, "")).toBe(full);
  });

  it("gets a body of a megabyte, at every attempt the same", { timeout: 20_000 }, async () => {
    await newRaw();
    await postWith("pi_1", `{"a":"${'\\"'.repeat(480_000)}é"}`);
    const [delivery] = await untilDelivered(merchant.key, 1);
    const retried = await call("POST", `/v1/deliveries/${String(delivery!["id"])}/retry`, { key: merchant.key });
    expect(retried.status).toBe(202);
    await vi.waitUntil(() => bodies.length === 2, { timeout: 10_000 });
    expect(bodies[0]!.body.length).toBeGreaterThan(960_000);
    expect(bodies[1]!.body === bodies[0]!.body).toBe(true);
  });

  it("gets what it wanted when the event came, though it has changed its mind since", async () => {
    const { id } = await newRaw();
    await postWith("pi_1", "{}");
    const [delivery] = await untilDelivered(merchant.key, 1);
    await call("PATCH", `/v1/endpoints/${id}`, { key: merchant.key, body: { payload: "thin" } });
    await call("POST", `/v1/deliveries/${String(delivery!["id"])}/retry`, { key: merchant.key });
    await vi.waitUntil(() => bodies.length === 2, { timeout: 10_000 });
    expect(bodies[1]).toEqual(bodies[0]);
  });

  it("gets the full one of an event that has no provider's object", async () => {
    await newRaw();
    const body = { id: unique("e"), type: "custom.note", user: "u_1", data: { custom: { n: 1 } } };
    const { json } = await call("POST", "/v1/events", { key: merchant.key, body });
    await untilStatus(merchant.key, String(json["id"]), "delivered");
    expect(JSON.parse(bodies[0]!.body).data).toEqual({ custom: { n: 1 }, provider: null });
  });

  it("alone makes us keep that object: nobody else's row grows by it", async () => {
    await newFull();
    await postWith("pi_without", '{"marker":1}');
    await untilDelivered(merchant.key, 1);
    expect(await templateOf("pi_without")).not.toContain("marker");
    await newRaw();
    await postWith("pi_with", '{"marker":1}');
    await untilDelivered(merchant.key, 3);
    expect(await templateOf("pi_with")).toContain("marker");
  });
});
