import { env } from "cloudflare:workers";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { beforeAll, describe, expect, it } from "vitest";

import { deliveryListQuery, listDeliveries, type DeliveryFilter } from "../../src/store/delivery-list.ts";
import { logEvents } from "../api/support.ts";
import { unique } from "../support/builders.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");
const merchant = unique("mer");
const PAGE: DeliveryFilter = { order: "desc", limit: 50 };

/** The statement of a list, ready to run. */
function prepare(filter: Partial<DeliveryFilter>, prefix = ""): D1PreparedStatement {
  const { sql, params } = new SQLiteAsyncDialect().sqlToQuery(deliveryListQuery(merchant, { ...PAGE, ...filter }));
  return env.DB.prepare(prefix + sql).bind(...params);
}

/** How SQLite goes about it, a line a step. */
async function plan(filter: Partial<DeliveryFilter>): Promise<string> {
  const { results } = await prepare(filter, "EXPLAIN QUERY PLAN ").all<{ detail: string }>();
  return results.map(({ detail }) => detail).join("\n");
}

async function rowsRead(filter: Partial<DeliveryFilter>): Promise<number> {
  return (await prepare(filter).all()).meta.rows_read;
}

/** Every id that a filter brings, page by page, and how many pages that took. */
async function walk(filter: Partial<DeliveryFilter>): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let after: string | undefined;
  for (let pages = 1; ; pages++) {
    const { rows, next } = await listDeliveries(env.DB, merchant, { ...PAGE, ...filter, after });
    expect(rows.length).toBeLessThanOrEqual(filter.limit ?? PAGE.limit);
    ids.push(...rows.map(({ id }) => id));
    if (next === null) {
      return { ids, pages };
    }
    after = next;
  }
}

beforeAll(async () => {
  await logEvents(merchant, 12_500, "ep_1", {
    from: AT,
    row: (index) => ({
      status: index % 100 === 0 ? "exhausted" : index < 20 ? "pending" : "delivered",
      user: index === 3 ? "u_rare" : "u_1",
      attempt: null,
    }),
  });
  await logEvents(unique("mer"), 50, "ep_1", { from: AT });
});

describe("a list of deliveries", () => {
  it.each<[string, Partial<DeliveryFilter>, string]>([
    ["all", {}, "SEARCH deliveries USING PRIMARY KEY (merchant=?)"],
    ["those since", { since: AT }, "SEARCH deliveries USING PRIMARY KEY (merchant=? AND id>?)"],
    ["the next page", { after: "dlv_9" }, "SEARCH deliveries USING PRIMARY KEY (merchant=? AND id"],
    ["an event's", { event: "evt_0" }, "SEARCH deliveries USING PRIMARY KEY (merchant=? AND id>? AND id<?)"],
    ["delivered ones", { statuses: ["delivered"] }, "SEARCH deliveries USING PRIMARY KEY (merchant=?)"],
    ["pending ones", { statuses: ["pending"] }, "INDEX deliveries_not_delivered (merchant=?)"],
    [
      "exhausted ones since",
      { statuses: ["exhausted"], since: AT },
      "INDEX deliveries_not_delivered (merchant=? AND id>?)",
    ],
  ])("walks an index for %s, in its order", async (_, filter, step) => {
    for (const order of ["asc", "desc"] as const) {
      const steps = await plan({ ...filter, order });
      expect(steps).toContain(step);
      expect(steps).not.toContain("TEMP B-TREE");
      expect(steps).not.toContain("SCAN deliveries");
      expect(steps).not.toContain("MATERIALIZE");
    }
  });

  it("stops reading where the page is full", async () => {
    expect(await rowsRead({})).toBeLessThan(110);
    expect(await rowsRead({ statuses: ["delivered"] })).toBeLessThan(110);
    expect(await rowsRead({ statuses: ["exhausted"] })).toBeLessThan(150);
  });

  it("reads at most 10,000 rows for one page, which may then be short", async () => {
    expect(await rowsRead({ user: "u_rare" })).toBeLessThan(20_100);
    const { rows, next } = await listDeliveries(env.DB, merchant, { ...PAGE, user: "u_rare" });
    expect(rows).toEqual([]);
    expect(next).not.toBeNull();
    expect((await walk({ user: "u_rare" })).ids).toHaveLength(1);
  });

  it.each(["asc", "desc"] as const)("brings each once and in order, page by page: %s", async (order) => {
    const { ids, pages } = await walk({ order, limit: 100, since: AT + 12_000 });
    expect(ids).toHaveLength(500);
    expect(ids).toEqual(order === "asc" ? ids.toSorted() : ids.toSorted().reverse());
    expect(pages).toBe(5);
  });

  it("finds those of a status", async () => {
    expect((await walk({ statuses: ["pending"] })).ids).toHaveLength(19);
    expect((await walk({ statuses: ["exhausted"] })).ids).toHaveLength(125);
    expect((await walk({ statuses: ["bounced"] })).ids).toEqual([]);
  });

  it("finds those of several statuses, and those up to a time", async () => {
    expect((await walk({ statuses: ["pending", "exhausted"] })).ids).toHaveLength(144);
    expect((await walk({ statuses: ["pending", "delivered"], until: AT + 50 })).ids).toHaveLength(49);
    expect((await walk({ since: AT + 12_490, until: AT + 12_495 })).ids).toHaveLength(5);
  });

  it("finds those of a type of event, which it also tells", async () => {
    expect((await walk({ since: AT + 12_490, type: "payment.failed" })).ids).toEqual([]);
    const filter = { ...PAGE, since: AT + 12_490, type: "payment.succeeded" };
    const { rows } = await listDeliveries(env.DB, merchant, filter);
    expect(rows).toHaveLength(10);
    expect(rows[0]).toMatchObject({ type: "payment.succeeded", payment: "pi_1" });
    expect(await rowsRead({ type: "payment.failed" })).toBeLessThan(30_100);
  });

  it("finds those of an endpoint and of a channel", async () => {
    const since = AT + 12_490;
    expect((await walk({ since, endpoint: "ep_1" })).ids).toHaveLength(10);
    expect((await walk({ since, endpoint: "ep_2" })).ids).toEqual([]);
    expect((await walk({ since, channel: "webhook" })).ids).toHaveLength(10);
    expect((await walk({ since, channel: "email" })).ids).toEqual([]);
  });

  it("has a last page that is full and says so", async () => {
    const { rows, next } = await listDeliveries(env.DB, merchant, { ...PAGE, since: AT + 12_450 });
    expect(rows).toHaveLength(50);
    expect(next).toBeNull();
  });
});
