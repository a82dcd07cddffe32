import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { countUsage, monthOf, nextMonth, overQuota, usageOf } from "../../src/store/usage.ts";
import { logEvents } from "../api/support.ts";
import { newMerchant } from "../support/merchant.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-23T12:00:00Z");
const DECEMBER = Date.parse("2026-12-01T00:00:00Z");

let id: string;

beforeEach(async () => {
  ({ id } = await newMerchant());
});

const eventsAt = async (now: number) => (await usageOf(env.DB, id, now)).events;

describe("the events of a month", () => {
  it("are counted once each, a minute after they came", async () => {
    await logEvents(id, 3, "ep_1", { from: NOW - 5 * MINUTE });
    await logEvents(id, 1, "ep_1", { from: NOW });
    await countUsage(env.DB, NOW);
    expect(await usageOf(env.DB, id, NOW)).toEqual({ month: Date.parse("2026-11-01T00:00:00Z"), events: 3 });
    await countUsage(env.DB, NOW + 5 * MINUTE);
    await countUsage(env.DB, NOW + 5 * MINUTE);
    expect(await eventsAt(NOW)).toBe(4);
  });

  it("begin anew with the month, and those of its last minutes count for it", async () => {
    await logEvents(id, 2, "ep_1", { from: DECEMBER - MINUTE });
    await logEvents(id, 1, "ep_1", { from: DECEMBER + MINUTE });
    await countUsage(env.DB, DECEMBER + 5 * MINUTE);
    expect(await eventsAt(DECEMBER - 1)).toBe(2);
    expect(await eventsAt(DECEMBER)).toBe(1);
  });

  it("cost one row a merchant and run, none where nothing came", async () => {
    await logEvents(id, 50, "ep_1", { from: NOW - 5 * MINUTE });
    const rows = async (now: number) => {
      let written = 0;
      const DB = new Proxy(env.DB, {
        get: (target, name) =>
          name === "batch"
            ? async (statements: D1PreparedStatement[]) => {
                const results = await target.batch(statements);
                written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
                return results;
              }
            : name === "prepare"
              ? target.prepare.bind(target)
              : Reflect.get(target, name),
      });
      await countUsage(DB, now);
      return written;
    };
    await countUsage(env.DB, NOW - 10 * MINUTE);
    expect(await rows(NOW)).toBe(1);
    expect(await rows(NOW + MINUTE)).toBe(0);
  });
});

describe("a merchant is over its quota", () => {
  it("with more events than it may have, and not with as many, in that month alone", async () => {
    await env.DB.prepare("UPDATE merchants SET monthly_event_limit = 2 WHERE id = ?").bind(id).run();
    await logEvents(id, 2, "ep_1", { from: NOW - 5 * MINUTE });
    await countUsage(env.DB, NOW);
    expect(await overQuota(env.DB, NOW)).not.toContain(id);
    await logEvents(id, 1, "ep_1", { from: NOW });
    await countUsage(env.DB, NOW + 5 * MINUTE);
    expect(await overQuota(env.DB, NOW)).toContain(id);
    expect(await overQuota(env.DB, DECEMBER)).not.toContain(id);
  });
});

describe("a month", () => {
  it("begins and ends in UTC", () => {
    expect(monthOf(DECEMBER)).toBe(DECEMBER);
    expect(monthOf(DECEMBER - 1)).toBe(Date.parse("2026-11-01T00:00:00Z"));
    expect(nextMonth(DECEMBER)).toBe(Date.parse("2027-01-01T00:00:00Z"));
  });
});
