import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Attempt, DeliveryRow, EventRecord, LogRow } from "../../src/outbox/contract.ts";
import { forgetEvent, overdueOutboxes, writeLog } from "../../src/store/log.ts";
import { unique } from "../support/builders.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");

function eventRecord(overrides: Partial<EventRecord> = {}): EventRecord {
  return {
    id: unique("evt"),
    merchant: "mer_log",
    source: "api",
    provider: null,
    key: "u/mer_log/u_1",
    user: "u_1",
    type: "payment.succeeded",
    payment: "pi_1",
    livemode: true,
    stale: false,
    sequence: 1,
    acceptedAt: AT,
    occurredAt: AT,
    template: "{}",
    ...overrides,
  };
}

function deliveryRow(overrides: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    id: unique("dlv"),
    merchant: "mer_log",
    event: "evt_1",
    destination: "ep_1",
    user: "u_1",
    key: "u/mer_log/u_1",
    provider: null,
    acceptedAt: AT,
    counter: 0,
    status: "pending",
    reason: null,
    waitingFor: null,
    dueAt: AT,
    previous: null,
    attempt: null,
    ...overrides,
  };
}

function attempt(at: number, overrides: Partial<Attempt> = {}): Attempt {
  return { at, class: "http", durationMs: 20, trigger: "scheduled", status: 500, ...overrides };
}

async function read(id: string) {
  const row = await env.DB.prepare(
    "SELECT status, reason, counter, attempts, first_attempt_at, delivered_at, due_at FROM deliveries WHERE merchant = 'mer_log' AND id = ?",
  )
    .bind(id)
    .first<Record<string, unknown>>();
  return row && { ...row, attempts: JSON.parse(String(row["attempts"])) as Record<string, Attempt> };
}

/** D1 with a limit that the emulator does not have: a parameter may be of 2,000,000 bytes. */
const strictD1 = {
  prepare: (query: string) => ({
    bind: (...values: unknown[]) => {
      const longest = Math.max(...values.map((value) => new TextEncoder().encode(String(value)).byteLength));
      if (longest > 2_000_000) throw new Error(`A parameter of ${longest} bytes`);
      return env.DB.prepare(query).bind(...values);
    },
  }),
  batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
} as unknown as D1Database;

describe("writeLog", () => {
  it("ends in the same row however rows are ordered, doubled and split over flushes", async () => {
    const story: Omit<DeliveryRow, "id">[] = [
      deliveryRow(),
      deliveryRow({ counter: 1, status: "retrying", reason: "http", dueAt: AT + 5000, attempt: attempt(AT + 10) }),
      deliveryRow({ counter: 3, status: "retrying", reason: "timeout", dueAt: AT + 9000, attempt: attempt(AT + 5100) }),
      deliveryRow({
        counter: 4,
        status: "delivered",
        dueAt: null,
        attempt: attempt(AT + 9100, { class: "delivered", status: 200 }),
      }),
    ];
    const shuffled = fc.shuffledSubarray([...story, ...story], { minLength: story.length * 2 });
    await fc.assert(
      fc.asyncProperty(shuffled, fc.integer({ min: 1, max: 4 }), async (rows, size) => {
        const id = unique("dlv");
        for (let start = 0; start < rows.length; start += size) {
          await writeLog(
            env.DB,
            rows.slice(start, start + size).map((row): LogRow => ({ delivery: { ...row, id } })),
          );
        }
        expect(await read(id)).toMatchObject({
          status: "delivered",
          counter: 4,
          first_attempt_at: AT + 10,
          delivered_at: AT + 9120,
          due_at: null,
        });
        expect(Object.keys((await read(id))!.attempts)).toEqual(["1", "3", "4"]);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps delivered final when a retry by hand fails later, and shows the attempt", async () => {
    const id = unique("dlv");
    await writeLog(env.DB, [
      { delivery: deliveryRow({ id, counter: 1, status: "delivered", attempt: attempt(AT, { class: "delivered" }) }) },
    ]);
    await writeLog(env.DB, [
      { delivery: deliveryRow({ id, counter: 2, status: "exhausted", attempt: attempt(AT + 1) }) },
    ]);
    const row = (await read(id))!;
    expect(row).toMatchObject({ status: "delivered", counter: 2 });
    expect(Object.keys(row.attempts)).toEqual(["1", "2"]);
  });

  it.each([
    ["one after the other", (rows: LogRow[]) => rows.map((row) => [row])],
    ["in one flush", (rows: LogRow[]) => [rows]],
  ])("shows the attempt that delivered where another under its number did not: %s", async (_, flushesOf) => {
    const good = { counter: 1, status: "delivered", attempt: attempt(AT + 1, { class: "delivered", status: 204 }) };
    const bad = { counter: 1, status: "retrying", attempt: attempt(AT + 2, { status: 429, retryAt: AT + 9 }) };
    for (const order of [
      [good, bad],
      [bad, good],
    ] as Partial<DeliveryRow>[][]) {
      const delivery = deliveryRow();
      for (const flush of flushesOf(order.map((one) => ({ delivery: { ...delivery, ...one } })))) {
        await writeLog(env.DB, flush);
      }
      expect(await read(delivery.id)).toMatchObject({ status: "delivered", attempts: { 1: good.attempt } });
      expect((await read(delivery.id))?.attempts[1]).not.toHaveProperty("retryAt");
    }
  });

  it("writes one billed row for an event and one for a delivery, and none for what it knows already", async () => {
    const rows: LogRow[] = [
      { event: eventRecord({ acceptedAt: Date.now() }) },
      {
        delivery: deliveryRow({
          counter: 1,
          status: "delivered",
          dueAt: null,
          attempt: attempt(AT, { class: "delivered" }),
        }),
      },
    ];
    let written = 0;
    const counting = new Proxy(env.DB, {
      get: (db, name) =>
        name === "batch"
          ? async (statements: D1PreparedStatement[]) => {
              const results = await db.batch(statements);
              written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
              return results;
            }
          : (Reflect.get(db, name) as () => unknown).bind(db),
    });
    await writeLog(counting, rows);
    expect(written).toBe(2);
    await writeLog(counting, rows);
    expect(written).toBe(2);
    // Its place in the feed is one more, where it comes late.
    await writeLog(counting, [{ event: eventRecord({ acceptedAt: Date.now() - 60_000 }) }]);
    expect(written).toBe(4);
  });

  it("takes an event of up to 1 MiB in which every character has to be escaped", async () => {
    const template = `{"raw":"${'\\"'.repeat(500_000)}"}`;
    const event = eventRecord({ template });
    await writeLog(strictD1, [{ event }, { event: eventRecord() }]);
    const stored = env.DB.prepare("SELECT template FROM events WHERE merchant = 'mer_log' AND id = ?").bind(event.id);
    expect((await stored.first<string>("template")) === template).toBe(true);
  });

  it("completes a spilled event once it has a sequence, and never takes that back", async () => {
    const spilled = eventRecord({ sequence: null, template: "early" });
    const read = async () =>
      env.DB.prepare("SELECT sequence, template FROM events WHERE merchant = ? AND id = ?")
        .bind("mer_log", spilled.id)
        .first();
    await writeLog(env.DB, [{ event: spilled }]);
    await writeLog(env.DB, [{ event: { ...spilled, sequence: 7, template: "whole" } }]);
    await writeLog(env.DB, [{ event: spilled }]);
    expect(await read()).toEqual({ sequence: 7, template: "whole" });
  });

  it("takes many large rows in as many parameters as they need", async () => {
    const rows = Array.from({ length: 12 }, (): LogRow => ({ event: eventRecord({ template: "ü".repeat(200_000) }) }));
    await writeLog(strictD1, rows);
    const stored = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE length(template) = 200000").first("n");
    expect(stored).toBe(12);
  });
});

describe("forgetEvent", () => {
  it("takes back an event and its deliveries, and nobody else's", async () => {
    const id = "evt_00000000000000000000000007";
    const delivery = deliveryRow({ id: "dlv_00000000000000000000000007_ep_1", event: id });
    const other = deliveryRow();
    await writeLog(env.DB, [{ event: eventRecord({ id }) }, { delivery }, { delivery: other }]);
    await forgetEvent(env.DB, "mer_log", id);
    expect(await read(delivery.id)).toBeNull();
    expect(await read(other.id)).not.toBeNull();
  });
});

describe("overdueOutboxes", () => {
  it("names the outboxes with something unfinished that was due, once each", async () => {
    const key = unique("u/mer_log");
    const unfinished = { key, status: "retrying" as const, counter: 1 };
    await writeLog(env.DB, [
      { delivery: deliveryRow({ ...unfinished, dueAt: AT - 1 }) },
      { delivery: deliveryRow({ ...unfinished, dueAt: AT - 2 }) },
      { delivery: deliveryRow({ ...unfinished, key: "u/later", dueAt: AT + 1 }) },
      { delivery: deliveryRow({ ...unfinished, key: "u/done", status: "exhausted", dueAt: null }) },
    ]);
    const names = await overdueOutboxes(env.DB, AT);
    expect(names.filter((name) => name === key)).toEqual([key]);
    expect(names).not.toContain("u/later");
    expect(names).not.toContain("u/done");
  });
});
