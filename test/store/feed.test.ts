import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { eventId, timePart } from "../../src/event/ids.ts";
import { HELD_BACK_MS, positionFrom, readFeed } from "../../src/store/feed.ts";
import { writeLog } from "../../src/store/log.ts";
import { eventRecord } from "../api/support.ts";
import { unique } from "../support/builders.ts";

let made = 0;

/** Writes events, each received so many milliseconds ago, in one flush of the log; returns their ids. */
async function write(merchant: string, ages: number[], template = "{}"): Promise<string[]> {
  const records = ages.map((age) => {
    made += 1;
    const at = Date.now() - age;
    return {
      ...eventRecord(merchant, eventId(at, String(made % 1000).padStart(10, "0"), "0".repeat(6)), at),
      template,
    };
  });
  await writeLog(
    env.DB,
    records.map((event) => ({ event })),
  );
  return records.map(({ id }) => id);
}

/** Reads page by page until there is nothing more. `heldBackMs` below 0: as if so much time had passed by. */
async function drain(merchant: string, after: string, limit: number, heldBackMs?: number) {
  const ids: string[] = [];
  for (let next = after; ;) {
    const page = await readFeed(env.DB, merchant, {
      after: next,
      limit,
      ...(heldBackMs !== undefined && { heldBackMs }),
    });
    ids.push(...page.rows.map(({ id }) => id));
    next = page.next;
    if (page.isCaughtUp) return { ids, next };
  }
}

const LATER = -60_000;

describe("the feed", () => {
  it("shows events in the order of their receipt", async () => {
    const merchant = unique("mer");
    const ids = await write(merchant, [4000, 3000, 2000, 1000, 0]);
    for (const limit of [1, 2, 5, 100]) {
      expect((await drain(merchant, "", limit, LATER)).ids).toEqual(ids);
    }
  });

  it("holds back what is younger than its window, and goes on from there", async () => {
    const merchant = unique("mer");
    const [id] = await write(merchant, [0]);
    const early = await drain(merchant, "", 10);
    expect(early.ids).toEqual([]);
    expect(early.next <= timePart(Date.now() - HELD_BACK_MS)).toBe(true);
    expect((await drain(merchant, early.next, 10, LATER)).ids).toEqual([id]);
  });

  it("shows an event that is written late, though the cursor has passed the time of its receipt", async () => {
    const merchant = unique("mer");
    const [first] = await write(merchant, [4000]);
    const { next } = await drain(merchant, "", 10, 0);
    const [hour, week] = await write(merchant, [3_600_000, 7 * 24 * 3_600_000]);
    const rest = await drain(merchant, next, 10, LATER);
    expect(rest.ids).toHaveLength(2);
    expect(new Set(rest.ids)).toEqual(new Set([hour, week]));
    expect((await drain(merchant, "", 10, LATER)).ids[0]).toBe(first);
    expect((await drain(merchant, rest.next, 10, LATER)).ids).toEqual([]);
  });

  it("passes no event, and shows none twice, however late they are written", { timeout: 60_000 }, async () => {
    const age = fc.oneof(
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 4_900, max: 5_100 }),
      fc.integer({ min: 5_000, max: 30_000 }),
      fc.integer({ min: 30_000, max: 1_000_000 }),
    );
    const step = fc.oneof(
      fc.record({ write: fc.array(age, { minLength: 1, maxLength: 6 }) }),
      fc.record({ read: fc.integer({ min: 1, max: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const merchant = unique("mer");
        const written: string[] = [];
        const read: string[] = [];
        let after = "";
        for (const one of steps) {
          if ("write" in one) {
            written.push(...(await write(merchant, one.write)));
          } else {
            // The window that every event is safe in, at its very edge: on time is what is younger than 5 s.
            const page = await readFeed(env.DB, merchant, { after, limit: one.read, heldBackMs: 5_000 });
            read.push(...page.rows.map(({ id }) => id));
            after = page.next;
          }
        }
        read.push(...(await drain(merchant, after, 3, LATER)).ids);
        expect(read.toSorted()).toEqual(written.toSorted());
      }),
      { numRuns: 40 },
    );
  });

  it("passes no event behind any number of late ones", async () => {
    const merchant = unique("mer");
    const [onTime] = await write(merchant, [4000]);
    const late = await write(
      merchant,
      Array.from({ length: 450 }, (_, i) => 100_000 - i),
    );
    const { ids } = await drain(merchant, "", 10, LATER);
    expect(ids).toHaveLength(451);
    expect(new Set(ids)).toEqual(new Set([...late, onTime]));
  });

  it("cuts a page at about a megabyte of bodies", async () => {
    const merchant = unique("mer");
    const ids = await write(merchant, [3, 2, 1, 0], `{"a":"${"x".repeat(400_000)}"}`);
    const page = await readFeed(env.DB, merchant, { after: "", limit: 10, heldBackMs: LATER });
    expect(page.rows.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await drain(merchant, page.next, 10, LATER)).ids).toEqual(ids.slice(2));
  });

  it("keeps its place when an event gets its sequence later", async () => {
    const merchant = unique("mer");
    const at = Date.now() - 1000;
    const record = { ...eventRecord(merchant, eventId(at, "0".repeat(10), "0".repeat(6)), at), sequence: null };
    await writeLog(env.DB, [{ event: record }]);
    const { ids, next } = await drain(merchant, "", 10, 0);
    expect(ids).toEqual([record.id]);
    await writeLog(env.DB, [{ event: { ...record, sequence: 7 } }]);
    expect((await drain(merchant, next, 10, LATER)).ids).toEqual([]);
    const [row] = (await readFeed(env.DB, merchant, { after: "", limit: 10, heldBackMs: 0 })).rows;
    expect(row).toMatchObject({ id: record.id, sequence: 7 });
  });

  it("shows nobody else's", async () => {
    const [mine, theirs] = [unique("mer"), unique("mer")];
    await write(theirs, [1000, 100_000]);
    expect((await drain(mine, "", 10, LATER)).ids).toEqual([]);
  });
});

describe("positionFrom", () => {
  it("takes positions and ids of events, and nothing else", async () => {
    const merchant = unique("mer");
    const [first, second] = await write(merchant, [1000, 500]);
    const { next } = await readFeed(env.DB, merchant, { after: "", limit: 1, heldBackMs: 0 });
    expect(positionFrom(next)).toBe(next);
    expect((await drain(merchant, positionFrom(first!)!, 10, 0)).ids).toEqual([second]);
    for (const text of [
      "x",
      "evt_1",
      "dlv_1",
      "0".repeat(9),
      `${"0".repeat(10)}evt_`,
      "u".repeat(10),
      " ".repeat(10),
    ]) {
      expect(positionFrom(text)).toBeNull();
    }
  });
});
