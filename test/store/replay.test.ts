import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { candidates } from "../../src/store/replay.ts";
import type { JobFilter } from "../../src/store/schema.ts";
import { logEvents } from "../api/support.ts";
import { miss } from "../delivery/missed.ts";
import { unique } from "../support/builders.ts";

/** Twenty thousand rows are written first. */
const MANY = { timeout: 30_000 };
const AT = Date.parse("2026-11-23T12:00:00Z");
const ALL: JobFilter = { statuses: ["exhausted"], since: AT, until: AT + 3_600_000 };

/** All that a filter fits, page by page, and how long the pages were. */
async function walk(merchant: string, filter: Partial<JobFilter> = {}): Promise<{ ids: string[]; pages: number[] }> {
  const [ids, pages]: [string[], number[]] = [[], []];
  let after: string | null = null;
  do {
    const found = await candidates(env.DB, merchant, { ...ALL, ...filter }, after);
    ids.push(...found.page.map(({ id }) => id));
    pages.push(found.page.length);
    after = found.next;
  } while (after !== null);
  return { ids, pages };
}

describe("the deliveries that a job sends again", () => {
  it("come in the order of their sequence where they came together, over all pages, each once", async () => {
    const merchant = unique("mer");
    const missed = await miss({ id: merchant, key: "" }, "ep_1", { count: 650, from: AT });
    const { ids, pages } = await walk(merchant);
    expect(ids).toEqual(missed.map(({ delivery }) => delivery));
    expect(pages.length).toBeGreaterThan(3);
  });

  it("are all found where more came in one millisecond than a page holds", async () => {
    const merchant = unique("mer");
    const missed = await miss({ id: merchant, key: "" }, "ep_1", { count: 3, from: AT });
    const ids = await logEvents(merchant, 450, "ep_1", { from: AT + 10, row: () => ({ status: "exhausted" }) });
    await env.DB.prepare("UPDATE deliveries SET id = replace(id, substr(id, 5, 10), ?) WHERE merchant = ? AND id > ?")
      .bind(ids[0]!.slice(4, 14), merchant, missed[2]!.delivery)
      .run();
    const found = await walk(merchant);
    expect(found.ids).toHaveLength(453);
    expect(new Set(found.ids).size).toBe(453);
  });

  it("are looked for in 10,000 rows at a time: pages may be empty and have a next one", MANY, async () => {
    const merchant = unique("mer");
    const skipped = { status: "skipped" as const, attempt: null };
    await logEvents(merchant, 10_500, "ep_1", { from: AT, row: () => skipped });
    const [last] = await miss({ id: merchant, key: "" }, "ep_1", { count: 1, from: AT + 20_000 });
    expect(await walk(merchant)).toEqual({ ids: [last!.delivery], pages: [0, 1] });
    await logEvents(merchant, 10_500, "ep_1", { from: AT + 30_000 });
    expect(await walk(merchant)).toMatchObject({ pages: [0, 1] });
    const delivered = await walk(merchant, { statuses: ["delivered"], endpoint: "ep_1", since: AT + 30_000 });
    expect(delivered.ids).toHaveLength(10_500);
  });

  it("are those that every part of the filter fits", async () => {
    const merchant = unique("mer");
    const owner = { id: merchant, key: "" };
    const [one] = await miss(owner, "ep_1", { count: 1, from: AT });
    const [two] = await miss(owner, "ep_1", {
      count: 1,
      from: AT + 50,
      event: () => ({ user: "u_1" }),
      row: () => ({ user: "u_1" }),
    });
    const [other] = await miss(owner, "ep_2", { count: 1, from: AT + 100, event: () => ({ type: "refund.created" }) });
    const [email] = await miss(owner, "email", { count: 1, from: AT + 200, row: () => ({ status: "bounced" }) });
    const found = async (filter: Partial<JobFilter>) => (await walk(merchant, filter)).ids;
    const ids = [one!.delivery, two!.delivery, other!.delivery];
    expect(await found({})).toEqual(ids);
    expect(await found({ endpoint: "ep_1" })).toEqual(ids.slice(0, 2));
    expect(await found({ user: "u_1" })).toEqual([two!.delivery]);
    expect(await found({ type: "refund.created" })).toEqual([other!.delivery]);
    expect(await found({ since: AT + 100 })).toEqual([other!.delivery]);
    expect(await found({ until: AT + 100 })).toEqual(ids.slice(0, 2));
    expect(await found({ channel: "email" })).toEqual([]);
    expect(await found({ statuses: ["exhausted", "bounced"], channel: "webhook" })).toEqual(ids);
    expect(await found({ statuses: ["exhausted", "bounced"] })).toEqual([...ids, email!.delivery]);
    expect((await walk(unique("mer"))).ids).toEqual([]);
  });
});
