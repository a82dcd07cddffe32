import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Gathered } from "../../src/store/gathered.ts";

const env = {} as Env;

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

/** Look-ups of names that begin with `real`; `asked`: what was looked up together. */
function gathered(load?: () => Promise<void>) {
  const asked: string[][] = [];
  const things = new Gathered(async (_, names) => {
    asked.push(names);
    await load?.();
    return new Map(names.filter((name) => name.startsWith("real")).map((name) => [name, { name }]));
  });
  return { things, asked };
}

describe("look-ups that are gathered", () => {
  it("are one, whoever asks, and each gets its own answer", async () => {
    const { things, asked } = gathered();
    const names = [...Array.from({ length: 200 }, (_, n) => `made up ${n}`), "real 1", "real 1", "real 2"];
    const found = await Promise.all(names.map((name) => things.find(env, name)));
    expect(found.filter((one) => one !== null).map(({ name }) => name)).toEqual(["real 1", "real 1", "real 2"]);
    expect(asked.length).toBeLessThanOrEqual(2);
    expect(asked.flat().length).toBe(202);
  });

  it("take no more at once than goes into a query", async () => {
    const { things, asked } = gathered();
    const answers = await Promise.allSettled(Array.from({ length: 1_200 }, (_, n) => things.find(env, `made up ${n}`)));
    expect(answers.filter(({ status }) => status === "rejected").length).toBe(200);
    expect(Math.max(...asked.map(({ length }) => length))).toBe(1_000);
  });

  it("are tried again where D1 fails, and one that waits gets its answer then", async () => {
    let fails = 2;
    const { things, asked } = gathered(async () => {
      if (fails-- > 0) throw new Error("D1 does not answer");
    });
    expect(await things.find(env, "real 1")).toEqual({ name: "real 1" });
    expect(asked.length).toBe(3);
  });

  it("do not hang where whoever looked up has hung up: another one does", async () => {
    let isFirst = true;
    const { things } = gathered(() => {
      const hangs = isFirst;
      isFirst = false;
      return hangs ? new Promise<void>(() => undefined) : Promise.resolve();
    });
    void things.find(env, "real 1");
    await vi.waitUntil(() => !isFirst);
    expect(await things.find(env, "real 2")).toEqual({ name: "real 2" });
  });

  it("answer with what there is now, not with what was there before, while another look-up is under way", async () => {
    const { promise: isDone, resolve: finish } = Promise.withResolvers<void>();
    let isRevoked = false;
    let isHanging = false;
    const things = new Gathered(async (_, names) => {
      isHanging = names.includes("another");
      await (isHanging && isDone);
      return new Map(names.filter((name) => name === "key" && !isRevoked).map((name) => [name, { name }]));
    });
    expect(await things.find(env, "key")).toEqual({ name: "key" });
    isRevoked = true;
    const another = things.find(env, "another");
    await vi.waitUntil(() => isHanging);
    const key = things.find(env, "key");
    await scheduler.wait(100);
    finish();
    expect([await key, await another]).toEqual([null, null]);
  });
});
