import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { flutterwaveSamples } from "../../scripts/samples/flutterwave.ts";
import { paypalSamples } from "../../scripts/samples/paypal.ts";
import type { ProviderSamples } from "../../scripts/samples/sample.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive } from "../support/merchant.ts";
import { untilDelivered, untilListed, type Json } from "./stripe.ts";

let merchant: { id: string; key: string };
/** What webhooks said. */
let told: { type: string; data: Record<string, Json> }[];

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  merchant = await newMerchant();
  await newEndpoint(merchant.key, { includeStale: true });
  told = [];
});

afterEach(() => vi.restoreAllMocks());

/** A source whose API answers what `api` says of a path; `post` signs an event as its provider does and posts it. */
async function newSource(samples: ProviderSamples, credential: Json, api: (path: string) => unknown) {
  const asked: string[] = [];
  receive(async (request) => {
    const { pathname } = new URL(request.url);
    if (request.headers.has("webhook-id")) {
      told.push(await request.json());
      return new Response(null, { status: 204 });
    }
    asked.push(pathname);
    return Response.json(api(pathname));
  });
  const { secret, signingKey } = await samples.newKeys();
  const body = { provider: samples.provider, secrets: [secret], credential };
  const { json } = await call("POST", "/v1/sources", { key: merchant.key, body });
  const url = `https://paybell.test/ingest/${String(json["id"])}`;
  const sign = async (event: unknown) => samples.sign(event, { signingKey, url, now: Math.floor(Date.now() / 1000) });
  const send = async ({ body, headers }: { body: Uint8Array; headers: Headers }) =>
    (await exports.default.fetch(new Request(url, { method: "POST", headers, body }))).status;
  return { asked, sign, send, post: async (event: unknown) => send(await sign(event)) };
}

const quarantined = async () => (await call("GET", "/v1/quarantine", { key: merchant.key })).json.data;

it("Flutterwave's word counts, not its post's, and a repetition is one whatever has become of it", async () => {
  const event = flutterwaveSamples.events[0]!.make(unique("x"), Date.now()) as { event: string; data: Json };
  let truth: Json = { ...event.data, status: "pending" };
  const source = await newSource(flutterwaveSamples, { secretKey: "FLWSECK-1" }, () => ({ data: truth }));
  expect(await source.post({ ...event, data: { ...event.data, amount: 1, status: "successful" } })).toBe(200);
  await untilDelivered(merchant.key, 1);
  expect(told).toMatchObject([
    {
      type: "payment.pending",
      data: { payment: { amount: { value: "1525050" } }, provider: { authenticity: "fetched" } },
    },
  ]);
  truth = event.data;
  await source.post({ ...event, data: { ...event.data, amount: 1, status: "successful" } });
  await vi.waitUntil(() => source.asked.length === 2);
  await source.post(event);
  await untilDelivered(merchant.key, 2);
  expect(told.map(({ type }) => type)).toEqual(["payment.pending", "payment.succeeded"]);
  expect(await untilListed(merchant.key, 2)).toHaveLength(2);
  expect(await quarantined()).toEqual([]);
});

it("Flutterwave's post of what cannot be asked for goes out as it is", async () => {
  const source = await newSource(flutterwaveSamples, { secretKey: "FLWSECK-1" }, () => ({}));
  expect(await source.post({ event: "subscription.cancelled", data: { id: 1 } })).toBe(200);
  await untilDelivered(merchant.key, 1);
  expect(told).toMatchObject([{ type: "subscription.canceled", data: { provider: { authenticity: "token" } } }]);
  expect(source.asked).toEqual([]);
});

it("PayPal's event is what PayPal has kept, and a transmission that comes again is one whatever has become of it", async () => {
  const id = unique("x").replaceAll("_", "-");
  const event = paypalSamples.events.find(({ is }) => is === "payment.succeeded")!.make(id, Date.now()) as Json;
  let truth = event;
  const source = await newSource(paypalSamples, { clientId: "c", clientSecret: unique("s") }, (path) =>
    path === "/v1/oauth2/token" ? { access_token: "A1", expires_in: 3_600 } : truth,
  );
  const request = await source.sign(event);
  expect(await source.send(request)).toBe(200);
  await untilDelivered(merchant.key, 1);
  expect(source.asked).toEqual(["/v1/oauth2/token", `/v1/notifications/webhooks-events/WH-${id}`]);
  expect(told).toMatchObject([
    { type: "payment.succeeded", data: { provider: { authenticity: "fetched", type: "PAYMENT.CAPTURE.COMPLETED" } } },
  ]);
  truth = { ...event, event_type: "PAYMENT.CAPTURE.DENIED" };
  expect(await source.send(request)).toBe(200);
  await vi.waitUntil(() => source.asked.length === 3);
  // Another transmission, behind it in the queue: by then the one before it was known again.
  await source.post(event);
  await untilDelivered(merchant.key, 2);
  expect(await untilListed(merchant.key, 2)).toHaveLength(2);
  expect(await quarantined()).toEqual([]);
});

it("a post that fits into no message goes out as it is", async () => {
  const event = flutterwaveSamples.events[0]!.make(unique("x"), Date.now()) as { event: string; data: Json };
  const source = await newSource(flutterwaveSamples, { secretKey: "FLWSECK-1" }, () => ({ data: event.data }));
  expect(await source.post({ ...event, data: { ...event.data, narration: "x".repeat(90_000) } })).toBe(200);
  await untilDelivered(merchant.key, 1);
  expect(told).toMatchObject([{ type: "payment.succeeded", data: { provider: { authenticity: "token" } } }]);
  const fits = { ...event, data: { ...event.data, narration: "x".repeat(89_000) } };
  expect(await source.post(fits)).toBe(200);
  await untilDelivered(merchant.key, 2);
  expect(told[1]).toMatchObject({ data: { provider: { authenticity: "fetched" } } });
});
