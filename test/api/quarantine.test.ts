import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { closeRequest } from "../../src/store/quarantine.ts";
import { call, receive } from "../support/merchant.ts";
import { furnishedMerchant, newQuarantined, type FurnishedMerchant } from "./support.ts";

let merchant: FurnishedMerchant;

beforeEach(async () => {
  merchant = await furnishedMerchant();
  receive(() => new Response(null, { status: 204 }));
});

afterEach(() => vi.restoreAllMocks());

const get = async (path: string) => call("GET", `/v1/quarantine${path}`, { key: merchant.key });
const replay = async (id = merchant.quarantined) => call("POST", `/v1/quarantine/${id}/replay`, { key: merchant.key });

it("lists page by page, without bodies, the newest first", async () => {
  const second = await newQuarantined(merchant.id, merchant.source, Date.now() + 1);
  const first = await get("?limit=1");
  expect(first.json).toMatchObject({
    data: [{ id: second, source: merchant.source, reason: "unparseable" }],
    next: second,
  });
  expect(first.json.data[0]).not.toHaveProperty("body");
  expect((await get(`?limit=1&after=${second}`)).json).toMatchObject({
    data: [{ id: merchant.quarantined }],
    next: null,
  });
});

it("takes in what can be read by now, as of when it came, and knows it when it is replayed again", async () => {
  const id = await newQuarantined(merchant.id, merchant.source, Date.now() - 3_600_000);
  const { status, json } = await replay(id);
  expect(status).toBe(200);
  expect(json.data).toMatchObject([{ id: expect.stringMatching(/^evt_/), sequence: 1, status: "accepted" }]);
  const { json: row } = await get(`/${id}`);
  expect(row["replayedAt"]).not.toBeNull();
  const event = await vi.waitUntil(
    async () => {
      const shown = await call("GET", `/v1/events/${String(json.data[0]!["id"])}`, { key: merchant.key });
      return shown.status === 200 && shown.json;
    },
    { timeout: 10_000, interval: 25 },
  );
  expect(event).toMatchObject({ type: "payout.paid", source: merchant.source });
  expect((await replay(id)).json.data).toEqual([{ ...json.data[0], status: "duplicate" }]);
});

it("says what still is no event, and leaves it as it is", async () => {
  const request = { body: new TextEncoder().encode("{"), headers: new Headers(), url: "https://paybell.test/" };
  const { body } = await closeRequest(env, merchant.quarantined, request);
  await env.DB.prepare("UPDATE quarantine SET body = ? WHERE id = ?").bind(body, merchant.quarantined).run();
  expect(await replay()).toMatchObject({ status: 409, json: { code: "not_replayable" } });
  expect((await get(`/${merchant.quarantined}`)).json["replayedAt"]).toBeNull();
});

it("needs its source", async () => {
  await call("DELETE", `/v1/sources/${merchant.source}`, { key: merchant.key });
  expect(await replay()).toMatchObject({ status: 409, json: { code: "not_replayable" } });
});

it("goes with its merchant", async () => {
  await call("DELETE", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
  await vi.waitUntil(
    async () =>
      (await env.DB.prepare("SELECT 1 FROM quarantine WHERE merchant = ?").bind(merchant.id).first()) === null,
    { timeout: 10_000, interval: 25 },
  );
});
