import { env, exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { OPERATIONAL_TYPES } from "../../src/event/operational.ts";
import { onJobFinished } from "../../src/delivery/job-finished.ts";
import type { Job } from "../../src/store/jobs.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

const SHOP = "https://shop.example/hook";
const OPS = "https://ops.example/hook";

let merchant: { id: string; key: string };
let ops: { id: string; secret: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(() => vi.restoreAllMocks());

interface Told {
  type: string;
  data: Record<string, Record<string, unknown>>;
}

/** What the merchant's endpoint for operational events is sent, verified; the shop's endpoint answers as it is told. */
async function listen(
  answer: (url: string) => Response,
  eventTypes: string[] = [...OPERATIONAL_TYPES],
): Promise<Told[]> {
  ops = await newEndpoint(merchant.key, { url: OPS, eventTypes, retrySchedule: [1, 1, 1, 1] });
  const told: Told[] = [];
  receive(async (request) => {
    if (request.url === OPS) {
      told.push(new Webhook(ops.secret).verify(await request.text(), Object.fromEntries(request.headers)) as Told);
    }
    return answer(request.url);
  });
  return told;
}

const ok = () => new Response(null, { status: 204 });
const shopFails = (url: string) => (url === SHOP ? new Response(null, { status: 500 }) : ok());
const shopIsGone = (url: string) => (url === SHOP ? new Response(null, { status: 410 }) : ok());

let posted = 0;

async function post(): Promise<string> {
  posted += 1;
  const body = { id: `a_${posted}`, type: "custom.note", user: `u_${posted}`, data: { custom: {} } };
  return String((await call("POST", "/v1/events", { key: merchant.key, body })).json["id"]);
}

const until = async (told: Told[], count: number) => vi.waitUntil(() => told.length >= count, { timeout: 10_000 });

describe("a merchant hears", () => {
  it("once that an endpoint was disabled, and why, in a signed webhook", async () => {
    const told = await listen(shopIsGone, ["endpoint.*"]);
    const { id } = await newEndpoint(merchant.key, { url: SHOP, retrySchedule: [3600] });
    for (let n = 0; n < 3; n++) await post();
    await until(told, 1);
    expect(told).toMatchObject([{ type: "endpoint.disabled", data: { endpoint: { id, reason: "gone" } } }]);
  });

  it("of each endpoint that is disabled, also of two at the same time", async () => {
    const told = await listen((url) => (url === OPS ? ok() : new Response(null, { status: 410 })), ["endpoint.*"]);
    const ids = await Promise.all(
      ["a", "b"].map(
        async (name) =>
          (await newEndpoint(merchant.key, { url: `https://shop.example/${name}`, retrySchedule: [3600] })).id,
      ),
    );
    for (let n = 0; n < 3; n++) await post();
    await until(told, 2);
    expect(new Set(told.map(({ data }) => data["endpoint"]!["id"]))).toEqual(new Set(ids));
  });

  it("of its endpoint, also where another merchant has just heard the same of one of that name", async () => {
    const gone = async () => {
      await call("PUT", "/v1/endpoints/main", { key: merchant.key, body: { url: SHOP, retrySchedule: [3600] } });
      for (let n = 0; n < 3; n++) await post();
    };
    const first = await listen(shopIsGone);
    await gone();
    await until(first, 1);
    merchant = await newMerchant();
    const second = await listen(shopIsGone);
    await gone();
    await until(second, 1);
  });

  it(
    "once an hour of deliveries that fail for good, however many, and of the fourth failure",
    { timeout: 30_000 },
    async () => {
      const told = await listen(shopFails);
      const { id } = await newEndpoint(merchant.key, { url: SHOP, retrySchedule: [1, 1, 1] });
      const event = await post();
      await untilStatus(merchant.key, event, "exhausted");
      await until(told, 1);
      expect(told.map(({ type }) => type)).toEqual(["delivery.exhausted"]);
      expect(told[0]!.data["delivery"]).toMatchObject({ event, endpoint: id, reason: "http", attempts: 4 });
      await untilStatus(merchant.key, await post(), "exhausted");
      expect(told).toHaveLength(1);
    },
  );

  it("that a delivery has failed four times and goes on", { timeout: 30_000 }, async () => {
    const told = await listen(shopFails);
    await newEndpoint(merchant.key, { url: SHOP, retrySchedule: [1, 1, 1, 3600] });
    await post();
    await until(told, 1);
    expect(told).toMatchObject([{ type: "delivery.failing", data: { delivery: { attempts: 4 } } }]);
  });

  it("that bad signatures pile up at a source", async () => {
    const told = await listen(ok);
    const body = { provider: "stripe", secrets: ["whsec_of_the_tests_1"] };
    const source = (await call("POST", "/v1/sources", { key: merchant.key, body })).json;
    for (let n = 0; n < 20; n++) {
      await exports.default.fetch(
        new Request(`https://paybell.test/ingest/${String(source["id"])}`, {
          method: "POST",
          body: "{}",
          headers: { "stripe-signature": `t=1,v1=${"0".repeat(64)}` },
        }),
      );
    }
    await until(told, 1);
    expect(told).toMatchObject([
      { type: "source.rejecting", data: { source: { id: source["id"], provider: "stripe" } } },
    ]);
  });

  it("that a job is done", async () => {
    const told = await listen(ok);
    const job = { id: "job_1", merchant: merchant.id, status: "done", queued: 3, skipped: 1, delivered: 2 };
    await onJobFinished(env, job as Job);
    await onJobFinished(env, job as Job);
    await until(told, 1);
    expect(told).toMatchObject([{ type: "job.finished", data: { job: { id: "job_1", delivered: 2 } } }]);
  });

  it("by email too, where it has given an address for alerts", async () => {
    const sent = vi.spyOn(env.EMAIL, "send").mockResolvedValue({ messageId: "<1@paybell.example>" } as never);
    await env.DB.prepare("UPDATE merchants SET alert_email = 'ops@shop.example' WHERE id = ?").bind(merchant.id).run();
    receive(({ url }) => shopIsGone(url));
    await newEndpoint(merchant.key, { url: SHOP, retrySchedule: [3600] });
    for (let n = 0; n < 3; n++) await post();
    await vi.waitUntil(() => sent.mock.calls.length > 0, { timeout: 10_000 });
    expect(sent.mock.calls[0]![0]).toMatchObject({
      to: "ops@shop.example",
      subject: expect.stringContaining("endpoint.disabled"),
      text: expect.stringContaining("gone"),
    });
  });
});

describe("nobody hears", () => {
  it("of Paybell's work who has not named it: not by null, not by *", async () => {
    const told = await listen(shopIsGone, ["endpoint.disabled"]);
    const others: string[] = [];
    const both = receive((request) => {
      others.push(request.url);
      return request.url === SHOP ? new Response(null, { status: 410 }) : ok();
    });
    await newEndpoint(merchant.key, { url: SHOP, retrySchedule: [3600] });
    await newEndpoint(merchant.key, { url: "https://all.example/hook", eventTypes: ["*"] });
    for (let n = 0; n < 3; n++) await post();
    await vi.waitUntil(() => both.some(({ url }) => url === OPS), { timeout: 10_000 });
    expect(told).toEqual([]);
    expect(others.filter((url) => url === "https://all.example/hook")).toHaveLength(3);
  });

  it("that what tells of such things has failed itself", { timeout: 30_000 }, async () => {
    let asked = 0;
    await listen((url) => {
      asked += url === OPS ? 1 : 0;
      return new Response(null, { status: 500 });
    });
    const job = { id: "job_2", merchant: merchant.id, status: "done", queued: 0, skipped: 0, delivered: 0 };
    await onJobFinished(env, job as Job);
    await vi.waitUntil(() => asked === 5, { timeout: 20_000 });
    const events = (await call("GET", "/v1/events", { key: merchant.key })).json.data;
    expect(events.map(({ type }) => type)).toEqual(["job.finished"]);
  });

  it("what a merchant posts under such a name: it is refused", async () => {
    const body = { id: "x", type: "endpoint.disabled", data: {} };
    expect(await call("POST", "/v1/events", { key: merchant.key, body })).toMatchObject({ status: 422 });
  });
});
