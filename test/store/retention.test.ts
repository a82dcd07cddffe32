import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { deliveryId } from "../../src/event/ids.ts";
import { CAPS } from "../../src/platform/caps.ts";
import { tidyLog } from "../../src/store/retention.ts";
import { writeLog } from "../../src/store/log.ts";
import { jobs } from "../../src/store/schema.ts";
import { deliveryRow, eventRecord, logEvents, newEventId, newJob, newQuarantined } from "../api/support.ts";
import { call, newMerchant } from "../support/merchant.ts";

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;
const NOW = Date.parse("2026-11-23T12:00:00Z");

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

const log = (ageDays: number, status: "delivered" | "retrying" = "delivered") =>
  logEvents(merchant.id, 1, "ep_1", { from: NOW - ageDays * DAY, row: () => ({ status }) });

/** Which events of the merchant have a body, and which are there without one. */
async function kept(): Promise<{ events: string[]; bodies: string[]; deliveries: number }> {
  const events = await env.DB.prepare("SELECT id, template FROM events WHERE merchant = ? ORDER BY id")
    .bind(merchant.id)
    .all<{ id: string; template: string | null }>();
  const deliveries = await env.DB.prepare("SELECT count(*) AS n FROM deliveries WHERE merchant = ?")
    .bind(merchant.id)
    .first<number>("n");
  return {
    events: events.results.map(({ id }) => id),
    bodies: events.results.filter(({ template }) => template !== null).map(({ id }) => id),
    deliveries: deliveries!,
  };
}

describe("what is older than it is kept", () => {
  it("goes: bodies after 30 days, the log after 90; younger ones stay", async () => {
    const [[older], [old], [young]] = [await log(91), await log(31), await log(29)];
    await tidyLog(env, NOW);
    expect(await kept()).toEqual({ events: [old, young], bodies: [young], deliveries: 2 });
    expect((await call("GET", `/v1/events/${older!}`, { key: merchant.key })).status).toBe(404);
    expect((await call("GET", `/v1/events/${old!}`, { key: merchant.key })).json["body"]).toBeNull();
  });

  it("stays while it is unfinished, with the body that is still to be sent", async () => {
    const [[old], [older]] = [await log(40, "retrying"), await log(100, "retrying")];
    const spilled = newEventId(NOW - 100 * DAY);
    await writeLog(env.DB, [{ event: { ...eventRecord(merchant.id, spilled, NOW - 100 * DAY), sequence: null } }]);
    await tidyLog(env, NOW);
    const all = [older!, spilled, old!].toSorted();
    expect(await kept()).toEqual({ events: all, bodies: all, deliveries: 2 });
  });

  it("goes once it is finished", async () => {
    const [event] = await log(100, "retrying");
    await tidyLog(env, NOW);
    const row = deliveryRow(merchant.id, event!, "ep_1", NOW - 100 * DAY);
    await writeLog(env.DB, [{ delivery: { ...row, id: deliveryId(event!, "ep_1"), counter: 2 } }]);
    await tidyLog(env, NOW + 2 * HOUR);
    expect(await kept()).toEqual({ events: [], bodies: [], deliveries: 0 });
  });

  it("goes once it is finished: a body within a day or two, though the sweep has passed it", async () => {
    const [event] = await log(30.1, "retrying");
    await tidyLog(env, NOW);
    await tidyLog(env, NOW + DAY);
    expect((await kept()).bodies).toEqual([event]);
    const row = deliveryRow(merchant.id, event!, "ep_1", NOW - 30.1 * DAY);
    await writeLog(env.DB, [{ delivery: { ...row, counter: 2 } }]);
    await tidyLog(env, NOW + 2 * DAY);
    await tidyLog(env, NOW + 2 * DAY + 2 * HOUR);
    expect(await kept()).toMatchObject({ events: [event], bodies: [] });
  });

  it("looks at bodies again once a day, not at each run", async () => {
    await tidyLog(env, NOW);
    await tidyLog(env, NOW + 2 * HOUR);
    const [again] = await log(35);
    await tidyLog(env, NOW + 4 * HOUR);
    expect((await kept()).bodies).toEqual([again]);
    await tidyLog(env, NOW + DAY);
    await tidyLog(env, NOW + DAY + 2 * HOUR);
    expect((await kept()).bodies).toEqual([]);
  });

  it("takes jobs that are over with it", async () => {
    const started = { old: NOW - 91 * DAY, young: NOW - 89 * DAY };
    const rows = [
      newJob(merchant.id, { startedAt: started.old }),
      newJob(merchant.id, { startedAt: started.old, status: "running" }),
      newJob(merchant.id, { startedAt: started.young }),
    ];
    await drizzle(env.DB).insert(jobs).values(rows);
    await tidyLog(env, NOW);
    const left = await env.DB.prepare("SELECT id FROM jobs WHERE merchant = ?").bind(merchant.id).all<{ id: string }>();
    expect(left.results.map(({ id }) => id).toSorted()).toEqual([rows[1]!.id, rows[2]!.id].toSorted());
  });

  it.each([
    ["lines of the audit", "audit", CAPS.auditLines, "?1, 'aud_' || printf('%06d', i), 1, 'key_1', 'a.b', NULL, '[]'"],
    [
      "revoked keys",
      "api_keys",
      CAPS.revokedKeys,
      "'hash' || i || ?1, 'key_' || printf('%06d', i) || ?1, ?1, NULL, 'pbk', '[]', 1, iif(i > 0, 2, NULL)",
    ],
    [
      "jobs that are over",
      "jobs",
      CAPS.jobsKept,
      "?1, 'job_7' || printf('%06d', i), 'retry', '{}', 1, iif(i > 0, 'done', 'running'), NULL, 0, 0, 0, '{}', 0, NULL, 1, 1, 1",
    ],
  ])("leaves so many %s and no more, the newest", async (_, table, cap, row) => {
    await env.DB.prepare(`DELETE FROM ${table} WHERE merchant = ?`).bind(merchant.id).run();
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) INSERT INTO ${table} SELECT ${row} FROM n`,
    )
      .bind(merchant.id, cap + 10)
      .run();
    await tidyLog(env, NOW);
    const left = await env.DB.prepare(
      `SELECT count(*) AS rows, min(id) AS first FROM (SELECT id FROM ${table} WHERE merchant = ?1 ORDER BY id LIMIT -1 OFFSET ?2)`,
    )
      .bind(merchant.id, table === "audit" ? 0 : 1)
      .first<{ rows: number; first: string }>();
    expect(left!.rows).toBe(cap);
    expect(left!.first).toContain("000011");
  });

  it("takes quarantined requests when bodies go", async () => {
    await newQuarantined(merchant.id, "src_1", NOW - 31 * DAY);
    const young = await newQuarantined(merchant.id, "src_1", NOW - 29 * DAY);
    await tidyLog(env, NOW);
    expect((await call("GET", "/v1/quarantine", { key: merchant.key })).json.data).toMatchObject([{ id: young }]);
  });

  it("goes on where the last run was, and looks at a merchant once an hour", async () => {
    await log(31);
    const [next] = await log(30 - 1 / 96);
    await tidyLog(env, NOW);
    await tidyLog(env, NOW + HOUR / 2);
    expect((await kept()).bodies).toEqual([next]);
    await tidyLog(env, NOW + DAY);
    expect((await kept()).bodies).toEqual([]);
  });

  it("goes in bites: a run writes so much and leaves the rest to the next", async () => {
    await logEvents(merchant.id, 2_500, "ep_1", { from: NOW - 120 * DAY });
    const statements = vi.fn<(query: string) => void>();
    const DB = new Proxy(env.DB, {
      get: (target, name) =>
        name === "prepare"
          ? (query: string) => {
              statements(query);
              return target.prepare(query);
            }
          : Reflect.get(target, name),
    });
    await tidyLog({ ...env, DB }, NOW);
    expect(await kept()).toEqual({ events: [], bodies: [], deliveries: 0 });
    const bites = statements.mock.calls.filter(([query]) => query.startsWith("DELETE FROM deliveries"));
    expect(bites.length).toBeGreaterThanOrEqual(3);
  });

  it("stays where the days make no sense", async () => {
    await log(400);
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (const LOG_DAYS of ["", "ninety", "0", "-1"]) {
      await tidyLog({ ...env, LOG_DAYS }, NOW);
    }
    expect(error).toHaveBeenCalledTimes(4);
    expect((await kept()).events).toHaveLength(1);
    error.mockRestore();
  });
});
