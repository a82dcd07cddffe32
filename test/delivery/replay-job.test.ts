import {
  createScheduledController,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import worker from "../../src/index.ts";
import { call, newEndpoint, newMerchant, receive, setFaults, untilStatus } from "../support/merchant.ts";
import { miss, objectOf, recover, showJob, untilOver, type Merchant, type Missed } from "./missed.ts";

const LONG = { timeout: 90_000 };

let merchant: Merchant;
let endpoint: string;

beforeEach(async () => {
  merchant = await newMerchant();
  ({ id: endpoint } = await newEndpoint(merchant.key));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await setFaults({});
});

const ok = () => new Response(null, { status: 204 });
const idsOf = (sent: Request[]) => sent.map(({ headers }) => headers.get("webhook-id")!);

/** The events of each user in the order in which they came. */
function byUser(missed: Missed[], order: string[]): Record<string, string[]> {
  const userOf = new Map(missed.map(({ event, user }) => [event, user]));
  return Object.groupBy(order, (event) => userOf.get(event) ?? "nobody") as Record<string, string[]>;
}

function inOrder(missed: Missed[]): Record<string, string[]> {
  return byUser(
    missed,
    missed.map(({ event }) => event),
  );
}

const show = async (delivery: string) =>
  (await call("GET", `/v1/deliveries/${delivery}`, { key: merchant.key })).json as unknown as {
    status: string;
    attempts: { trigger: string; class: string }[];
  };

describe("a job that recovers an endpoint", () => {
  it("sends 500 deliveries of 7 users again: in order, none twice, none missing, counted exactly", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 500, users: 7 });
    const sent = receive(ok);
    const job = await untilOver(merchant, await recover(merchant, endpoint));
    expect(job).toMatchObject({ status: "done", looked: 500, queued: 500, skipped: 0, delivered: 500 });
    expect(byUser(missed, idsOf(sent))).toEqual(inOrder(missed));
    expect(new Set(sent.map(({ headers }) => headers.get("paybell-attempt")))).toEqual(new Set(["2"]));
    expect(await show(missed[250]!.delivery)).toMatchObject({
      status: "delivered",
      attempts: [{ trigger: "scheduled" }, { trigger: "manual" }],
    });
    const left = await runInDurableObject(objectOf(merchant, job.id), async (_, { storage }) => [
      ...storage.kv.list(),
      await storage.getAlarm(),
    ]);
    expect(left).toEqual([null]);
  });

  it("sends what really went the usual way before again as it was: the same id, the same bytes", LONG, async () => {
    await call("PATCH", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: { retrySchedule: [1] } });
    let isUp = false;
    const bodies = new Map<string, Set<string>>();
    const sent = receive(async (request) => {
      const id = request.headers.get("webhook-id")!;
      bodies.set(id, (bodies.get(id) ?? new Set()).add(await request.text()));
      return isUp ? ok() : new Response(null, { status: 500 });
    });
    // So few that the endpoint's breaker stays closed.
    const events = Array.from({ length: 4 }, (_, n) => ({ id: `e_${n}`, type: "custom.note", user: `u_${n % 2}` }));
    const body = events.map((event, n) => ({ ...event, data: { custom: { n } } }));
    const { json } = await call("POST", "/v1/events", { key: merchant.key, body });
    const ids = (json["data"] as { id: string }[]).map(({ id }) => id);
    await Promise.all(ids.map((id) => untilStatus(merchant.key, id, "exhausted")));
    isUp = true;
    const before = sent.length;
    const job = await untilOver(merchant, await recover(merchant, endpoint));
    expect(job).toMatchObject({ status: "done", queued: 4, delivered: 4 });
    const missed = ids.map((event, n) => ({ event, user: events[n]!.user, delivery: "" }));
    expect(byUser(missed, idsOf(sent.slice(before)))).toEqual(inOrder(missed));
    expect(ids.map((id) => bodies.get(id)?.size)).toEqual(ids.map(() => 1));
  });

  it("takes its time, however often it is woken", LONG, async () => {
    await miss(merchant, endpoint, { count: 15, users: 5 });
    receive(ok);
    const job = await recover(merchant, endpoint, { perSecond: 5 });
    const { startedAt, finishedAt } = await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(objectOf(merchant, job));
        const shown = await showJob(merchant, job);
        return shown.status === "done" && shown;
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(Date.parse(String(finishedAt)) - Date.parse(String(startedAt))).toBeGreaterThanOrEqual(2_000);
  });

  it("killed at any moment, with outboxes that fail and answers that get lost, does so too", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 150, users: 5 });
    const job = await recover(merchant, endpoint);
    const stub = () => objectOf(merchant, job);
    await setFaults({ seed: 7, retryFails: 0.1, retryAnswersLost: 0.1 });
    let kills = 0;
    const sent = receive(async () => {
      if (sent.length % 12 === 0) {
        kills += 1;
        await runInDurableObject(stub(), (_, state) => state.abort("killed")).catch(() => undefined);
      }
      return ok();
    });
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(stub()).catch(() => undefined);
        await evictDurableObject(stub()).catch(() => undefined);
        return (await showJob(merchant, job)).status !== "running";
      },
      { timeout: 80_000, interval: 100 },
    );
    expect(kills).toBeGreaterThan(5);
    expect(byUser(missed, idsOf(sent))).toEqual(inOrder(missed));
    expect(await showJob(merchant, job)).toMatchObject({ status: "done", looked: 150, queued: 150, skipped: 0 });
  });

  it("goes on when D1 comes back", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 60, users: 3 });
    const sent = receive(ok);
    const job = await recover(merchant, endpoint, { perSecond: 20 });
    await vi.waitUntil(() => sent.length >= 20, { timeout: 10_000 });
    await setFaults({ d1Fails: 1 });
    await runDurableObjectAlarm(objectOf(merchant, job));
    await runDurableObjectAlarm(objectOf(merchant, job));
    await setFaults({});
    expect(await untilOver(merchant, job)).toMatchObject({ status: "done", queued: 60, skipped: 0 });
    expect(new Set(idsOf(sent))).toEqual(new Set(missed.map(({ event }) => event)));
  });

  it("canceled in the middle sends nothing more again, and its counts say what it has done", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 100, users: 4 });
    const sent = receive(ok);
    const job = await recover(merchant, endpoint, { perSecond: 20 });
    await vi.waitUntil(async () => (await showJob(merchant, job)).queued >= 20, { timeout: 10_000 });
    const { status, json } = await call("POST", `/v1/jobs/${job}/cancel`, { key: merchant.key });
    expect({ status, job: json["status"] }).toEqual({ status: 200, job: "canceled" });
    const queued = Number(json["queued"]);
    expect(queued).toBeLessThan(100);
    await vi.waitUntil(() => sent.length >= queued, { timeout: 20_000 });
    expect(await runDurableObjectAlarm(objectOf(merchant, job))).toBe(false);
    const again = await call("POST", `/v1/jobs/${job}/cancel`, { key: merchant.key });
    expect(again).toMatchObject({ status: 409, json: { code: "job_over" } });
    expect(await showJob(merchant, job)).toMatchObject({ status: "canceled", queued, finishedAt: expect.any(String) });
    expect(sent).toHaveLength(queued);
    const [came, all] = [byUser(missed, idsOf(sent)), inOrder(missed)];
    for (const user of Object.keys(all)) {
      expect(came[user]).toEqual(all[user]!.slice(0, came[user]?.length));
    }
  });

  it(
    "goes past a receiver that fails again: each is attempted once, in order, and then retries by itself",
    LONG,
    async () => {
      // So few that the endpoint's breaker stays closed: with more, the job waits for it.
      const missed = await miss(merchant, endpoint, { count: 8, users: 2 });
      const sent = receive(() => new Response(null, { status: 500 }));
      const job = await untilOver(merchant, await recover(merchant, endpoint));
      expect(job).toMatchObject({ status: "done", queued: 8, delivered: 0 });
      expect(byUser(missed, idsOf(sent))).toEqual(inOrder(missed));
      expect(await show(missed[0]!.delivery)).toMatchObject({
        status: "retrying",
        attempts: [{ class: "http" }, { class: "http", trigger: "manual" }],
      });
    },
  );

  it("has at most 50 on their way, and a fresh event goes before the rest", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 80, users: 80 });
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const sent = receive(async ({ headers }) => {
      await (missed.some(({ event }) => event === headers.get("webhook-id")) ? answered : undefined);
      return ok();
    });
    const job = await recover(merchant, endpoint);
    await vi.waitUntil(async () => (await showJob(merchant, job)).queued === 50, { timeout: 20_000 });
    const { json } = await call("POST", "/v1/events", {
      key: merchant.key,
      body: { id: "fresh", type: "payment.created", user: "u_0", data: { payment: { id: "p_fresh" } } },
    });
    await untilStatus(merchant.key, String(json["id"]), "delivered");
    await runDurableObjectAlarm(objectOf(merchant, job));
    expect(await showJob(merchant, job)).toMatchObject({ status: "running", looked: 80, queued: 50 });
    answer();
    expect(await untilOver(merchant, job)).toMatchObject({ status: "done", queued: 80, delivered: 80 });
    expect(sent).toHaveLength(81);
  });

  it("leaves out what can't or need not be sent again, and says why", LONG, async () => {
    const gone = await newEndpoint(merchant.key);
    const [noBody, spilled, fine] = await miss(merchant, endpoint, {
      count: 3,
      event: (i) => [{ template: null }, { sequence: null }, {}][i]!,
    });
    await miss(merchant, endpoint, { count: 1, row: () => ({ reason: "ambiguous" }) });
    await miss(merchant, endpoint, { count: 2, row: (i) => ({ status: i === 0 ? "canceled" : "delivered" }) });
    await miss(merchant, gone.id, { count: 2 });
    await call("DELETE", `/v1/endpoints/${gone.id}`, { key: merchant.key });
    const sent = receive(ok);
    const since = new Date(Date.now() - 24 * 3_600_000).toISOString();
    const body = { status: "exhausted", since };
    const { json } = await call("POST", "/v1/deliveries/retry", { key: merchant.key, body });
    expect(await untilOver(merchant, String(json["id"]))).toMatchObject({
      status: "done",
      looked: 6,
      queued: 1,
      skipped: 5,
      skippedBecause: { body_gone: 1, waiting: 1, ambiguous: 1, endpoint_deleted: 2 },
      delivered: 1,
    });
    expect(idsOf(sent)).toEqual([fine!.event]);
    for (const { delivery } of [noBody!, spilled!]) {
      expect(await show(delivery)).toMatchObject({ status: "exhausted", attempts: [{ trigger: "scheduled" }] });
    }
  });

  it("two at once for the same endpoint send each delivery once", LONG, async () => {
    await miss(merchant, endpoint, { count: 40, users: 2 });
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const sent = receive(async () => {
      await answered;
      return ok();
    });
    const jobs = [await recover(merchant, endpoint), await recover(merchant, endpoint)];
    await vi.waitUntil(
      async () => {
        const shown = await Promise.all(jobs.map((job) => showJob(merchant, job)));
        return shown.reduce((sum, { queued, skipped }) => sum + queued + skipped, 0) === 80;
      },
      { timeout: 20_000 },
    );
    answer();
    const [one, two] = [await untilOver(merchant, jobs[0]!), await untilOver(merchant, jobs[1]!)];
    expect(one.queued + two.queued).toBe(40);
    expect(one.skipped + two.skipped).toBe(40);
    expect(sent).toHaveLength(40);
  });

  it("fails when its merchant is suspended", LONG, async () => {
    await miss(merchant, endpoint, { count: 30 });
    const sent = receive(ok);
    const job = await recover(merchant, endpoint, { perSecond: 1 });
    await vi.waitUntil(() => sent.length === 1, { timeout: 10_000 });
    await call("POST", `/v1/merchants/${merchant.id}/suspend`, { key: env.ADMIN_TOKEN });
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(objectOf(merchant, job));
        const row = await env.DB.prepare("SELECT status, error FROM jobs WHERE id = ?").bind(job).first();
        return row?.["status"] === "failed" && row["error"] === "merchant_suspended";
      },
      { timeout: 10_000 },
    );
    expect(sent.length).toBeLessThan(5);
  });

  it("fails when its endpoint is disabled, and goes on once that is enabled, whatever a copy says", LONG, async () => {
    await miss(merchant, endpoint, { count: 3 });
    const sent = receive(ok);
    const setStatus = async (status: string) =>
      env.DB.prepare("UPDATE endpoints SET status = ? WHERE merchant = ?").bind(status, merchant.id).run();
    await setStatus("disabled");
    const patch = { key: merchant.key, body: { description: "read anew" } };
    await call("PATCH", `/v1/endpoints/${endpoint}`, patch);
    const failed = await untilOver(merchant, await recover(merchant, endpoint));
    expect(failed).toMatchObject({ status: "failed", error: "endpoint_disabled", queued: 0 });
    await setStatus("enabled");
    expect(await untilOver(merchant, await recover(merchant, endpoint))).toMatchObject({
      status: "done",
      delivered: 3,
    });
    expect(sent).toHaveLength(3);
  });

  it("is woken by the cron when its first call got lost", LONG, async () => {
    const missed = await miss(merchant, endpoint, { count: 3 });
    const sent = receive(ok);
    const job = await recover(merchant, endpoint, { perSecond: 1 });
    await runInDurableObject(objectOf(merchant, job), async (_, { storage }) => storage.deleteAll());
    await env.DB.prepare("UPDATE jobs SET updated_at = updated_at - 3600000 WHERE id = ?").bind(job).run();
    await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
    await untilOver(merchant, job);
    expect(new Set(idsOf(sent))).toEqual(new Set(missed.map(({ event }) => event)));
  });
});
