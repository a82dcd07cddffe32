import fc from "fast-check";
import { expect, it } from "vitest";

import { Lanes } from "../../bridge/lanes.ts";

it("begins nothing before what came before it under its key has ended, and lets other keys go on", async () => {
  const lanes = new Lanes();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (key: string, name: string) =>
    lanes.run(key, () => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const first = run("a", "a1");
  void run("a", "a2");
  void run("b", "b1");
  await Promise.resolve();
  expect(begun).toEqual(["a1", "b1"]);
  ends.get("a1")!();
  await first;
  expect(begun).toEqual(["a1", "b1", "a2"]);
});

it("keeps the order of each key, whatever takes how long, and remembers no key that has nothing to do", async () => {
  const piece = fc.record({ key: fc.constantFrom("a", "b", "c"), turns: fc.nat({ max: 5 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const lanes = new Lanes();
      const ended: number[] = [];
      const runs = pieces.map(({ key, turns }, i) =>
        lanes.run(key, async () => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          ended.push(i);
        }),
      );
      await lanes.ended();
      expect(ended).toHaveLength(pieces.length);
      for (const lane of Map.groupBy(ended, (i) => pieces[i]!.key).values()) {
        expect(lane).toEqual(lane.toSorted((a, b) => a - b));
      }
      await Promise.all(runs);
      expect(lanes.size).toBe(0);
    }),
  );
});
