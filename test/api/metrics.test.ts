import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { idFrom, timeOf } from "../../src/event/ids.ts";
import { writeLog } from "../../src/store/log.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { attempt, deliveryRow, eventRecord, logEvents, newEventId } from "./support.ts";

const AT = Date.parse("2026-11-20T12:00:00Z");
const HOUR = 3_600_000;

async function metrics(key: string, query: Record<string, string> = {}) {
  const range = { from: new Date(AT).toISOString(), to: new Date(AT + HOUR).toISOString() };
  return (await call("GET", `/v1/metrics?${new URLSearchParams({ ...range, ...query }).toString()}`, { key })).json;
}

describe("GET /v1/metrics", () => {
  it("divides by nothing where there is nothing", async () => {
    const { key } = await newMerchant();
    expect(await metrics(key, { by: "endpoint" })).toEqual({
      from: "2026-11-20T12:00:00.000Z",
      to: "2026-11-20T13:00:00.000Z",
      cut: false,
      finished: 0,
      delivered: 0,
      dsr: null,
      adt: null,
      p50: null,
      p95: null,
      p99: null,
      ownTime: null,
      receiverTime: null,
      groups: [],
    });
  });

  it("counts what is finished, and takes the mean of what was delivered, exactly", async () => {
    const { id, key } = await newMerchant();
    // Delivery i takes 100 + i ms, of which 50 are ours.
    await logEvents(id, 100, "ep_1", {
      from: AT,
      row: (i) => ({ attempt: attempt(AT + i + 50, { class: "delivered", durationMs: 51 + i, status: 204 }) }),
    });
    const others = ["exhausted", "bounced", "pending", "retrying", "canceled", "skipped"] as const;
    await logEvents(id, others.length, "ep_1", {
      from: AT + 1000,
      row: (i) => ({ status: others[i]!, attempt: attempt(AT + 2000) }),
    });
    expect(await metrics(key)).toMatchObject({
      finished: 102,
      delivered: 100,
      dsr: (100 * 100) / 102,
      adt: 0.1505,
      p50: 0.15,
      p95: 0.195,
      p99: 0.199,
      ownTime: 0.05,
      receiverTime: 0.1005,
    });
  });

  it("counts what was accepted from `from` on and before `to`", async () => {
    const { id, key } = await newMerchant();
    for (const from of [AT - 1, AT, AT + HOUR - 1, AT + HOUR]) {
      await logEvents(id, 1, "ep_1", { from });
    }
    expect((await metrics(key))["delivered"]).toBe(2);
    expect((await metrics(key, { from: "2026-11-20T13:00:00+01:00" }))["delivered"]).toBe(2);
  });

  it("says nothing of delivery times where nothing was delivered", async () => {
    const { id, key } = await newMerchant();
    await logEvents(id, 2, "ep_1", { from: AT, row: () => ({ status: "exhausted", attempt: attempt(AT) }) });
    expect(await metrics(key)).toMatchObject({
      finished: 2,
      delivered: 0,
      dsr: 0,
      adt: null,
      p99: null,
      ownTime: null,
    });
  });

  it("counts to the first success of a delivery that was retried", async () => {
    const { id, key } = await newMerchant();
    const event = newEventId(AT);
    const row = deliveryRow(id, event, "ep_1", AT);
    await writeLog(env.DB, [
      { event: eventRecord(id, event, AT) },
      { delivery: { ...row, counter: 1, status: "retrying", attempt: attempt(AT + 10) } },
      { delivery: { ...row, counter: 2, attempt: attempt(AT + 5000, { class: "delivered", durationMs: 40 }) } },
    ]);
    expect(await metrics(key)).toMatchObject({ delivered: 1, adt: 5.04, ownTime: 0.01, receiverTime: 5.03 });
  });

  it("groups by endpoint, provider and channel", async () => {
    const { id, key } = await newMerchant();
    await logEvents(id, 3, "ep_1", { from: AT });
    await logEvents(id, 1, "ep_2", {
      from: AT,
      row: () => ({ provider: "stripe", status: "exhausted", attempt: null }),
    });
    const names = async (by: string) =>
      ((await metrics(key, { by }))["groups"] as { name: string; finished: number; dsr: number }[]).map(
        ({ name, finished, dsr }) => [name, finished, dsr],
      );
    expect(await names("endpoint")).toEqual([
      ["ep_1", 3, 100],
      ["ep_2", 1, 0],
    ]);
    expect(await names("provider")).toEqual([
      ["api", 3, 100],
      ["stripe", 1, 0],
    ]);
    expect(await names("channel")).toEqual([["webhook", 4, 75]]);
  });

  it("takes the last day where no time is named", async () => {
    const { id, key } = await newMerchant();
    await logEvents(id, 1, "ep_1", { from: Date.now() - 1000 });
    await logEvents(id, 1, "ep_1", { from: Date.now() - 25 * HOUR });
    expect((await call("GET", "/v1/metrics", { key })).json["delivered"]).toBe(1);
  });

  it("looks at no more than the newest 100,000, and says from when on that is", { timeout: 30_000 }, async () => {
    const { id, key } = await newMerchant();
    const [oldest] = await logEvents(id, 1, "ep_1", { from: AT });
    const names = await env.DB.prepare("SELECT name FROM pragma_table_info('deliveries') WHERE name <> 'id'")
      .all<{ name: string }>()
      .then(({ results }) => results.map(({ name }) => name).join());
    // The same delivery again and again, in the millisecond of the first two, then in one of its own each.
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
       INSERT INTO deliveries (id, ${names})
       SELECT iif(i = 1, id || '2', ?2 || printf('%016d', i)), ${names} FROM deliveries, n WHERE merchant = ?1`,
    )
      .bind(id, idFrom("dlv", AT + 1))
      .run();
    expect(timeOf(oldest!)).toBe(AT);
    const { cut, from, finished, groups } = await metrics(key, { by: "endpoint" });
    expect({ cut, from, finished }).toEqual({ cut: true, from: new Date(AT + 1).toISOString(), finished: 99_999 });
    expect(groups).toMatchObject([{ finished: 99_999 }]);
  });
});
