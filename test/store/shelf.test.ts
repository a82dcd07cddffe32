import { describe, expect, it } from "vitest";

import { Shelf, weigh } from "../../src/store/shelf.ts";

const KIB = 1024;
const item = (merchant: string, size: number) => ({ merchant, value: "x".repeat(size) });
const keysOf = (shelf: Shelf<{ merchant: string }>, keys: string[]) => keys.filter((key) => shelf.get(key));

describe("copies of many merchants", () => {
  it("are bounded by their bytes: what one has too much pushes out its own oldest, and nothing of others", () => {
    const shelf = new Shelf(100 * KIB);
    shelf.set("small/1", item("small", KIB));
    shelf.set("small/2", item("small", KIB));
    const big = Array.from({ length: 1_000 }, (_, n) => `big/${n}`);
    for (const key of big) {
      shelf.set(key, item("big", 10 * KIB));
    }
    expect(keysOf(shelf, ["small/1", "small/2"])).toEqual(["small/1", "small/2"]);
    expect(keysOf(shelf, big)).toEqual(big.slice(-9));
  });

  it("share what there is where all have as much", () => {
    const shelf = new Shelf(100 * KIB);
    const keys = Array.from({ length: 40 }, (_, n) => `m${n % 4}/${n}`);
    for (const key of keys) {
      shelf.set(key, item(key.slice(0, 2), 10 * KIB));
    }
    const owners = Map.groupBy(keysOf(shelf, keys), (key) => key.slice(0, 2));
    expect(Math.min(...[...owners.values()].map(({ length }) => length))).toBe(2);
  });

  it("hold one thing that is larger than everything, as long as nothing else comes", () => {
    const shelf = new Shelf(10 * KIB);
    shelf.set("a", item("m1", 50 * KIB));
    expect(shelf.get("a")).toBeDefined();
    shelf.set("b", item("m2", KIB));
    expect(keysOf(shelf, ["a", "b"])).toEqual(["b"]);
  });

  it("weigh what they are replaced by, and nothing once they are taken down", () => {
    const shelf = new Shelf(10 * KIB);
    for (let n = 0; n < 100; n++) {
      shelf.set("a", item("m1", 4 * KIB));
      shelf.set("b", item("m2", 4 * KIB));
      shelf.clear("m1");
      shelf.delete("b");
      shelf.delete("b");
    }
    shelf.set("a", item("m1", 4 * KIB));
    shelf.set("b", item("m2", 4 * KIB));
    expect(keysOf(shelf, ["a", "b"])).toEqual(["a", "b"]);
  });
});

describe("weigh", () => {
  it("grows with texts and with the number of things", () => {
    expect(weigh("x".repeat(1_000))).toBeGreaterThanOrEqual(1_000);
    expect(weigh(Array.from({ length: 1_000 }, () => 1))).toBeGreaterThanOrEqual(8_000);
    expect(weigh({ ["k".repeat(1_000)]: null })).toBeGreaterThanOrEqual(1_000);
  });
});
