import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { miss, objectOf, recover, showJob, untilOver } from "../delivery/missed.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";
import { expectRefused, sendJson, type Bad } from "./refusal.ts";

// Jobs take their time: rounds come by alarms.
vi.setConfig({ testTimeout: 60_000 });

const DAY = 24 * 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

let merchant: { id: string; key: string };
let endpoint: string;

beforeEach(async () => {
  merchant = await newMerchant();
  ({ id: endpoint } = await newEndpoint(merchant.key));
  receive(() => new Response(null, { status: 204 }));
});

afterEach(() => vi.restoreAllMocks());

describe("POST /v1/endpoints/{id}/recover", () => {
  it("answers with the job, which says how far it is until it is done", async () => {
    const missed = await miss(merchant, endpoint, { count: 3 });
    const since = ago(DAY);
    const { status, json } = await call("POST", `/v1/endpoints/${endpoint}/recover`, {
      key: merchant.key,
      body: { since },
    });
    expect({ status, json }).toEqual({
      status: 202,
      json: {
        id: expect.stringMatching(/^job_[0-9a-z]{26}$/),
        kind: "recover",
        status: "running",
        error: null,
        filter: { statuses: ["exhausted"], since, until: expect.stringMatching(/Z$/), endpoint },
        perSecond: 10,
        looked: 0,
        queued: 0,
        skipped: 0,
        skippedBecause: {},
        delivered: 0,
        position: null,
        startedAt: expect.stringMatching(/Z$/),
        finishedAt: null,
      },
    });
    expect(await untilOver(merchant, String(json["id"]))).toEqual({
      ...json,
      status: "done",
      looked: 3,
      queued: 3,
      delivered: 3,
      position: missed[2]!.delivery,
      finishedAt: expect.stringMatching(/Z$/),
    });
  });

  it("sends again what was canceled or skipped where that is asked for", async () => {
    await miss(merchant, endpoint, {
      count: 4,
      row: (i) => ({ status: (["exhausted", "canceled", "skipped", "delivered"] as const)[i]! }),
    });
    const job = await recover(merchant, endpoint, { include: ["canceled", "skipped"] });
    expect(await untilOver(merchant, job)).toMatchObject({ looked: 2, queued: 2, delivered: 2 });
  });

  it("attempts what waits for its next attempt now where that is asked for", async () => {
    let isWell = false;
    receive(() => new Response(null, { status: isWell ? 204 : 500 }));
    await call("PATCH", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: { retrySchedule: [3600] } });
    const body = { id: "waits", type: "custom.note", user: "u_1", data: {} };
    const { json } = await call("POST", "/v1/events", { key: merchant.key, body });
    await untilStatus(merchant.key, String(json["id"]), "retrying");
    isWell = true;
    const job = await recover(merchant, endpoint, { include: ["exhausted", "retrying"] });
    expect(await untilOver(merchant, job)).toMatchObject({ looked: 1, queued: 1, delivered: 1 });
    await untilStatus(merchant.key, String(json["id"]), "delivered");
  });

  it("has nothing to do where nothing was missed", async () => {
    expect(await untilOver(merchant, await recover(merchant, endpoint))).toMatchObject({
      status: "done",
      looked: 0,
      position: null,
    });
  });

  it("refuses a sixth job while five run, however many begin at once", async () => {
    await miss(merchant, endpoint, { count: 20 });
    const path = `/v1/endpoints/${endpoint}/recover`;
    const begin = () => sendJson(merchant.key, "POST", path, { since: ago(DAY), perSecond: 1 });
    const answers = await Promise.all(Array.from({ length: 20 }, begin));
    const jobs = answers.filter(({ status }) => status === 202).map(({ json }) => String(json["id"]));
    expect(jobs).toHaveLength(5);
    await expectRefused({ name: "a sixth", status: 429, code: "too_many_jobs" }, begin);
    for (const job of jobs) {
      expect(await call("POST", `/v1/jobs/${job}/cancel`, { key: merchant.key })).toMatchObject({ status: 200 });
    }
    expect((await untilOver(merchant, await recover(merchant, endpoint, { perSecond: 100 }))).status).toBe("done");
  });
});

describe("POST /v1/deliveries/retry", () => {
  it("sends again what fits, and nothing else", async () => {
    await miss(merchant, endpoint, { count: 6, users: 3 });
    const body = { status: "exhausted", since: ago(DAY), user: "u_1", type: "payment.succeeded", channel: "webhook" };
    const { status, json } = await call("POST", "/v1/deliveries/retry", { key: merchant.key, body });
    expect(status).toBe(202);
    expect(json).toMatchObject({
      kind: "retry",
      filter: { user: "u_1", type: "payment.succeeded", channel: "webhook" },
    });
    expect(await untilOver(merchant, String(json["id"]))).toMatchObject({ looked: 2, queued: 2, delivered: 2 });
  });

  it("sends one endpoint again what it was delivered", async () => {
    await miss(merchant, endpoint, { count: 2, row: () => ({ status: "delivered" }) });
    const body = { status: "delivered", endpoint, since: ago(DAY) };
    const { json } = await call("POST", "/v1/deliveries/retry", { key: merchant.key, body });
    expect(await untilOver(merchant, String(json["id"]))).toMatchObject({ queued: 2, delivered: 2 });
  });
});

describe("GET /v1/jobs", () => {
  it("lists jobs, the newest first", async () => {
    const ids = [await recover(merchant, endpoint), await recover(merchant, endpoint)];
    await Promise.all(ids.map((id) => untilOver(merchant, id)));
    const { json } = await call("GET", "/v1/jobs?limit=1", { key: merchant.key });
    expect(json.data).toEqual([await showJob(merchant, String(json.data[0]!["id"]))]);
    const rest = await call("GET", `/v1/jobs?limit=1&after=${String(json["next"])}`, { key: merchant.key });
    expect([...json.data, ...rest.json.data].map(({ id }) => id)).toEqual(ids.toSorted().toReversed());
  });
});

describe("a job that can't be", () => {
  const since = ago(DAY);
  const RECOVERIES: (Bad & { input: object })[] = [
    { name: "no since", input: {}, path: "/since" },
    { name: "since that is no time", input: { since: "yesterday" }, path: "/since" },
    { name: "since 31 days ago", input: { since: ago(31 * DAY) }, path: "/since", says: "30 days" },
    { name: "since in the future", input: { since: ago(-DAY) }, path: "/since", says: "later" },
    { name: "since after until", input: { since, until: ago(2 * DAY) }, path: "/since", says: "until" },
    { name: "an empty include", input: { since, include: [] }, path: "/include" },
    { name: "an include that is no status", input: { since, include: ["exhausted", "delivered"] }, path: "/include/1" },
    { name: "a pace of 0", input: { since, perSecond: 0 }, path: "/perSecond" },
    { name: "a pace of 101", input: { since, perSecond: 101 }, path: "/perSecond" },
    { name: "a pace of half a delivery", input: { since, perSecond: 0.5 }, path: "/perSecond" },
    { name: "an unknown field", input: { since, statuses: [] }, path: "/statuses" },
  ].map((bad) => ({ status: 422, code: "invalid", ...bad }));
  const RETRIES: (Bad & { input: object })[] = [
    { name: "no status", input: { since }, path: "/status" },
    { name: "a status that stands behind others", input: { since, status: "pending" }, path: "/status" },
    { name: "what was delivered, to all", input: { since, status: "delivered" }, path: "/endpoint" },
    { name: "what was skipped, to all", input: { since, status: "skipped" }, path: "/endpoint" },
    { name: "a channel that there is not", input: { since, status: "exhausted", channel: "fax" }, path: "/channel" },
    { name: "since 31 days ago", input: { since: ago(31 * DAY), status: "exhausted" }, path: "/since" },
  ].map((bad) => ({ status: 422, code: "invalid", ...bad }));

  it.each(RECOVERIES)("recover: $name", async ({ input, ...bad }) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", `/v1/endpoints/${endpoint}/recover`, input));
  });

  it.each(RETRIES)("retry: $name", async ({ input, ...bad }) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/deliveries/retry", input));
  });

  it("of an endpoint that there is not", async () => {
    await expectRefused({ name: "no endpoint", status: 404, code: "not_found" }, () =>
      sendJson(merchant.key, "POST", "/v1/endpoints/ep_none/recover", { since }),
    );
  });
});

describe("deleting a merchant", () => {
  it("deletes its jobs, and they end", async () => {
    await miss(merchant, endpoint, { count: 20 });
    const job = await recover(merchant, endpoint, { perSecond: 1 });
    await vi.waitUntil(async () => (await showJob(merchant, job)).queued > 0, { timeout: 10_000 });
    await call("DELETE", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    const left = await env.DB.prepare("SELECT id FROM jobs WHERE merchant = ?").bind(merchant.id).all();
    expect(left.results).toEqual([]);
    const object = objectOf(merchant, job);
    await vi.waitUntil(async () => !(await runDurableObjectAlarm(object)), { timeout: 20_000 });
  });
});
