import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { fromBase64 } from "../../src/platform/base64.ts";
import { CAPS } from "../../src/platform/caps.ts";
import { call, newEndpoint, newMerchant, receive, setFaults } from "../support/merchant.ts";
import { newStripeSource, postBytes, postSigned, sign, succeeded, untilListed, type StripeSource } from "./stripe.ts";

let merchant: { id: string; key: string };
let source: StripeSource;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  merchant = await newMerchant();
  source = await newStripeSource(merchant.key);
});

afterEach(async () => {
  await setFaults({});
  vi.restoreAllMocks();
});

const NO_EVENT = new Uint8Array([0x7b, 0xff, 0x00, 0x7d]);

/** Posts bytes that are signed and no event. */
async function postNoEvent(bytes: Uint8Array<ArrayBuffer> = NO_EVENT): Promise<number> {
  // Stripe's package signs text: bytes that are none are signed here.
  const timestamp = Math.floor(Date.now() / 1000);
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(source.secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signed = new Uint8Array([...new TextEncoder().encode(`${timestamp}.`), ...bytes]);
  const hex = Array.from(new Uint8Array(await crypto.subtle.sign("HMAC", key, signed)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return (await postBytes(source.id, bytes, `t=${timestamp},v1=${hex}`)).status;
}

const list = async () => (await call("GET", "/v1/quarantine", { key: merchant.key })).json.data;
const bytesOf = async (id: unknown) =>
  fromBase64(String((await call("GET", `/v1/quarantine/${String(id)}`, { key: merchant.key })).json["body"]));

it("keeps what is signed and no event with its very bytes, once, and acknowledges it", async () => {
  expect(await postNoEvent()).toBe(200);
  expect(await postNoEvent()).toBe(200);
  const kept = await list();
  expect(kept).toMatchObject([{ source: source.id, reason: "unparseable", event: null, replayedAt: null }]);
  expect(await bytesOf(kept[0]!["id"])).toEqual(NO_EVENT);
});

it("keeps a known id with other content, and says which event it names", async () => {
  const event = succeeded("cus_1");
  await postSigned(source, event);
  const [known] = await untilListed(merchant.key, 1);
  const altered = { ...event, livemode: false };
  expect((await postSigned(source, altered)).status).toBe(200);
  const kept = await list();
  expect(kept).toMatchObject([{ reason: "altered", event: known!["id"] }]);
  expect(new TextDecoder().decode((await bytesOf(kept[0]!["id"]))!)).toBe(JSON.stringify(altered));
});

it("keeps as many bytes as may come", async () => {
  const bytes = new Uint8Array(1024 * 1024).fill(0xff);
  expect(await postNoEvent(bytes)).toBe(200);
  expect(await bytesOf((await list())[0]!["id"])).toEqual(bytes);
});

it("keeps nothing of an event that comes again as it was, nor of what a stranger signs", async () => {
  const event = succeeded("cus_1");
  await postSigned(source, event);
  await postSigned(source, event);
  await postBytes(source.id, "{", await sign("{", "whsec_other"));
  expect(await list()).toEqual([]);
});

it("keeps no header that can be read: one may be a secret", async () => {
  await postNoEvent();
  const row = await env.DB.prepare("SELECT * FROM quarantine WHERE merchant = ?").bind(merchant.id).first();
  expect(JSON.stringify(row)).not.toContain("stripe-signature");
});

it("waits on the backup queue while D1 does not take it", async () => {
  await postSigned(source, succeeded("cus_1"));
  await setFaults({ d1Fails: 1 });
  expect(await postNoEvent()).toBe(200);
  await setFaults({});
  await vi.waitUntil(async () => (await list()).length === 1, { timeout: 30_000, interval: 100 });
}, 40_000);

it("lets the provider come again where that queue does not take it either", async () => {
  await postSigned(source, succeeded("cus_1"));
  await setFaults({ d1Fails: 1, backupFails: 1 });
  expect(await postNoEvent()).toBe(503);
  await setFaults({});
  expect(await postNoEvent()).toBe(200);
  expect(await list()).toHaveLength(1);
});

/** Makes the one request that is there look as if it were as large as `bytes`, and `requests` of them. */
async function pretend(usage: { requests?: number; bytes?: number }): Promise<void> {
  await env.DB.prepare("UPDATE quarantine_usage SET requests = ?2, bytes = ?3 WHERE merchant = ?1")
    .bind(merchant.id, usage.requests ?? 3, usage.bytes ?? 1_000)
    .run();
}

const usage = async () => (await call("GET", "/v1/quarantine", { key: merchant.key })).json["usage"];
const bytes = (n: number) => new Uint8Array(new TextEncoder().encode(`{"no event":${n}`));

it("counts what is there, also when some of it goes", async () => {
  expect(await usage()).toMatchObject({ requests: 0, bytes: 0, dropped: 0, droppedAt: null });
  await postNoEvent(bytes(1));
  const one = ((await usage()) as { bytes: number }).bytes;
  await postNoEvent(bytes(2));
  await postNoEvent(bytes(2));
  expect(await usage()).toMatchObject({ requests: 2, bytes: 2 * one, dropped: 0 });
  await env.DB.prepare("DELETE FROM quarantine WHERE merchant = ? AND id = ?")
    .bind(merchant.id, (await list())[0]!["id"])
    .run();
  expect(await usage()).toMatchObject({ requests: 1, bytes: one });
});

it.each([
  ["too many", { requests: CAPS.quarantineRequests }],
  ["too large", { bytes: CAPS.quarantineBytes + 1 }],
])(
  "where they are %s, the oldest makes room, and the merchant is told",
  async (_, full) => {
    await newEndpoint(merchant.key, { eventTypes: ["quarantine.*"] });
    const sent: unknown[] = [];
    receive(async (request) => {
      sent.push(await request.json());
      return new Response(null, { status: 204 });
    });
    for (const n of [1, 2, 3]) {
      await postNoEvent(bytes(n));
    }
    const ids = (await list()).map(({ id }) => id);
    await pretend(full);
    expect(await postNoEvent(bytes(4))).toBe(200);
    const kept = (await list()).map(({ id }) => id);
    expect(kept).toHaveLength("requests" in full ? 3 : 2);
    expect(kept.slice(1)).toEqual(ids.slice(0, kept.length - 1));
    expect(await usage()).toMatchObject({ dropped: 4 - kept.length, droppedAt: expect.any(String) });
    await vi.waitUntil(() => sent.length > 0, { timeout: 20_000 });
    expect(sent[0]).toMatchObject({
      type: "quarantine.full",
      data: { quarantine: { source: source.id, dropped: 4 - kept.length, maxRequests: CAPS.quarantineRequests } },
    });
  },
  30_000,
);
