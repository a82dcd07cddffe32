import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { Ledger } from "../../src/delivery/ledger.ts";
import { V, type BackupMessage, type EventItem, type LogRow, type SettleInput } from "../../src/outbox/contract.ts";
import { unique } from "../support/builders.ts";

/**
 * Bindings that record what happens, each of which can be told to fail; the backup queue at some of its calls, in
 * order. D1 answers once `written` is resolved.
 */
function bindings(
  fails: { d1?: boolean; backup?: boolean | boolean[]; settle?: number; written?: Promise<void> } = {},
) {
  const happened: string[] = [];
  const backedUp: BackupMessage[] = [];
  const settled: SettleInput[] = [];
  let settleFails = fails.settle ?? 0;
  const bindings = {
    ...env,
    DB: {
      prepare: () => ({ bind: () => ({}) }),
      batch: async () => {
        if (fails.d1) {
          throw new Error("D1 does not answer");
        }
        happened.push("logging");
        await fails.written;
        happened.push("logged");
      },
    },
    BACKUP: {
      send: async (message: BackupMessage) => {
        if (Array.isArray(fails.backup) ? fails.backup.shift() : fails.backup) {
          throw new Error("The backup queue does not answer");
        }
        backedUp.push(message);
      },
    },
    USER_OUTBOX: {
      getByName: (key: string) => ({
        settle: async (input: SettleInput) => {
          happened.push(`settle ${key}`);
          if (settleFails-- > 0) {
            throw new Error("The outbox does not settle");
          }
          settled.push(input);
          return { v: V, next: [] };
        },
      }),
    },
  } as unknown as Env;
  return { bindings, happened, backedUp, settled };
}

const settle = { event: "evt_1", delivery: "dlv_1", counter: 1, outcome: { kind: "delivered" as const } };
const row = { event: { id: unique("evt") } } as unknown as LogRow;
afterEach(() => {
  vi.useRealTimers();
});

/** Something is always under way. */
const never = () => false;
const none = () => undefined;

describe("Ledger", () => {
  it("logs before it settles, once for all that came together, and settles once an outbox", async () => {
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    const { bindings: env, happened, settled } = bindings({ written });
    const ledger = new Ledger(env, () => 7, none, never);
    const noted = Promise.all([
      ledger.note("u/1", [row], settle),
      ledger.note("u/1", [row], settle),
      ledger.note("u/2", [row], settle),
    ]);
    await vi.waitUntil(() => happened.length > 0, { timeout: 10_000 });
    write();
    await noted;
    expect(happened).toEqual(["logging", "logged", "settle u/1", "settle u/2"]);
    expect(settled.map(({ settles, takes, unlogged }) => [settles.length, takes, unlogged.length])).toEqual([
      [2, 7, 0],
      [1, 7, 0],
    ]);
  });

  it("puts log rows on the backup queue when D1 fails", async () => {
    const { bindings: env, backedUp, settled } = bindings({ d1: true });
    await new Ledger(env, () => 0, none, never).note("u/1", [row], settle);
    expect(backedUp).toMatchObject([{ kind: "log", rows: [row] }]);
    expect(settled[0]!.unlogged).toEqual([]);
  });

  it("lets log rows travel in the settle when D1 and the backup queue fail", async () => {
    const { bindings: env, settled } = bindings({ d1: true, backup: true });
    await new Ledger(env, () => 0, none, never).note("u/1", [row], settle);
    expect(settled).toMatchObject([{ settles: [settle], unlogged: [row] }]);
  });

  it("settles again when that fails, and the third time puts it on the backup queue", async () => {
    const twice = bindings({ settle: 2 });
    await new Ledger(twice.bindings, () => 0, none, never).note("u/1", [row], settle);
    expect(twice.settled).toHaveLength(1);
    expect(twice.backedUp).toEqual([]);
    const always = bindings({ settle: 3 });
    await new Ledger(always.bindings, () => 0, none, never).note("u/1", [row], settle);
    expect(always.settled).toEqual([]);
    expect(always.backedUp).toEqual([{ v: V, kind: "settle", key: "u/1", settles: [settle] }]);
  });

  it("puts no settle on the backup queue before the rows that travel in it: a row that it does not take would be lost", async () => {
    const { bindings: env, backedUp } = bindings({ d1: true, settle: 3, backup: [true, false, true] });
    await new Ledger(env, () => 0, none, never).note("u/1", [row], settle);
    expect(backedUp).toMatchObject([{ kind: "log", rows: [row] }]);
  });

  it("writes a hundred rows at once without waiting for more", async () => {
    vi.useFakeTimers();
    const { bindings: env, happened } = bindings();
    const ledger = new Ledger(env, () => 0, none, never);
    const notes = Array.from({ length: 100 }, () => ledger.note("u/1", [row], null));
    await Promise.all(notes);
    expect(happened).toEqual(["logging", "logged"]);
  });

  it("hands on what became ready", async () => {
    const { bindings: env } = bindings();
    const next = [{ v: V, record: {}, planned: [], ready: [] }] as unknown as EventItem[];
    env.USER_OUTBOX.getByName = () => ({ settle: async () => ({ v: V, next }) }) as never;
    const { promise, resolve } = Promise.withResolvers<EventItem[]>();
    await new Ledger(env, () => 1, resolve, never).note("u/1", [], settle);
    expect(await promise).toBe(next);
  });
});
