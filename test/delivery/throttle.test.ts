import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { takeTurn, UNTHROTTLED, type Throttle } from "../../src/delivery/throttle.ts";

/** Lets askers come at these times (ms), each again when it is told to; when they started. */
function play(perSecond: number, arrivals: number[]): number[] {
  let throttle: Throttle = UNTHROTTLED;
  const waiting = arrivals.map((at, asker) => ({ at, asker }));
  const starts: number[] = [];
  while (waiting.length > 0) {
    waiting.sort((a, b) => a.at - b.at || a.asker - b.asker);
    const { at, asker } = waiting.shift()!;
    const given = takeTurn(throttle, perSecond, at);
    throttle = given.throttle;
    if ("startAt" in given.turn) starts.push(given.turn.startAt);
    else waiting.push({ at: given.turn.comeBackAt, asker });
  }
  return starts.sort((a, b) => a - b);
}

const rate = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0.1, max: 1, noNaN: true }));
const arrivals = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 60 });

describe("a throttle", () => {
  it("lets nobody start earlier than its rate allows, in any window", () => {
    fc.assert(
      fc.property(rate, arrivals, (perSecond, arrivals) => {
        const starts = play(perSecond, arrivals);
        for (const [first, from] of starts.entries()) {
          for (const [n, to] of starts.slice(first).entries()) {
            expect(n).toBeLessThanOrEqual(((to - from) / 1000) * perSecond + 1e-6);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("lets everybody start in the end, and the first at once", () => {
    fc.assert(
      fc.property(rate, arrivals, (perSecond, arrivals) => {
        const starts = play(perSecond, arrivals);
        expect(starts).toHaveLength(arrivals.length);
        expect(starts[0]).toBe(Math.min(...arrivals));
      }),
      { numRuns: 300 },
    );
  });

  it("drains a crowd at its rate: no second is left unused", () => {
    const starts = play(
      10,
      Array.from({ length: 200 }, () => 0),
    );
    expect(starts.at(-1)).toBeLessThan(200 * 100 * 1.1);
  });

  it("makes nobody wait on the spot for more than a second", () => {
    let throttle = UNTHROTTLED;
    const turns = Array.from({ length: 30 }, () => {
      const given = takeTurn(throttle, 10, 0);
      throttle = given.throttle;
      return given.turn;
    });
    expect(turns.filter((turn) => "startAt" in turn)).toHaveLength(11);
    const back = turns.flatMap((turn) => ("comeBackAt" in turn ? [turn.comeBackAt] : []));
    expect(new Set(back).size).toBe(19);
  });
});
