import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { fromBase64 } from "../../src/platform/base64.ts";
import { call, newMerchant, setFaults } from "../support/merchant.ts";
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
async function postNoEvent(bytes = NO_EVENT): Promise<number> {
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
