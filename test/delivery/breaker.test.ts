import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { askBreaker, breakerState, CLOSED, tellBreaker, type Breaker, type Sign } from "../../src/delivery/breaker.ts";

const MINUTE_MS = 60_000;

/** A breaker that has been told of these outcomes, a second apart. */
function told(signs: Sign[], from = 0): Breaker {
  return signs.reduce((breaker, sign, n) => tellBreaker(breaker, sign, from + n * 1000), CLOSED);
}

const times = (count: number, sign: Sign): Sign[] => Array.from({ length: count }, () => sign);

describe("a breaker", () => {
  it.each([
    ["10 failures", times(10, "bad"), "open"],
    ["9 failures", times(9, "bad"), "closed"],
    ["7 failures of 10", [...times(3, "good"), ...times(7, "bad")], "open"],
    ["6 failures of 10", [...times(4, "good"), ...times(6, "bad")], "closed"],
    ["3 in a row without any answer", times(3, "hanging"), "open"],
    ["2 in a row without any answer", times(2, "hanging"), "closed"],
    ["an answer between those", ["hanging", "hanging", "bad", "hanging"] as Sign[], "closed"],
  ])("after %s is %3$s", (_, signs, state) => {
    expect(breakerState(told(signs), signs.length * 1000)).toBe(state);
  });

  it("is not opened by a success, whatever was before", () => {
    const breaker = tellBreaker(tellBreaker(told(times(8, "bad")), "good", 9000), "good", 10_000);
    expect(breakerState(breaker, 10_000)).toBe("closed");
  });

  it("forgets what is older than five minutes", () => {
    const breaker = told(times(9, "bad"));
    expect(breakerState(tellBreaker(breaker, "bad", 6 * MINUTE_MS), 6 * MINUTE_MS)).toBe("closed");
  });

  it("lets one probe through when its time is over, and closes when that succeeds", () => {
    const opened = told(times(10, "bad"));
    const at = opened.openUntil!;
    expect(askBreaker(opened, at - 1)).toMatchObject({ waitUntil: at });
    const first = askBreaker(opened, at);
    expect(first.waitUntil).toBeNull();
    expect(askBreaker(first.breaker, at + 1).waitUntil).toBeGreaterThan(at + 1);
    const closed = tellBreaker(first.breaker, "good", at + 100);
    expect(breakerState(closed, at + 101)).toBe("closed");
    expect(askBreaker(closed, at + 101).waitUntil).toBeNull();
  });

  it("stays open for twice as long after each probe that fails, at most 5 minutes", () => {
    let breaker = told(times(10, "bad"));
    const lengths: number[] = [];
    for (let n = 0; n < 6; n++) {
      const at = breaker.openUntil!;
      breaker = tellBreaker(askBreaker(breaker, at).breaker, "bad", at);
      lengths.push(breaker.openUntil! - at);
    }
    expect(lengths).toEqual([MINUTE_MS, 2 * MINUTE_MS, 4 * MINUTE_MS, 5 * MINUTE_MS, 5 * MINUTE_MS, 5 * MINUTE_MS]);
  });

  it("lets at most one probe begin a minute while it is not closed, and never stays shut for more than 5 minutes", () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 2 * MINUTE_MS }),
      act: fc.constantFrom("ask", "good", "bad", "hanging"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let breaker = CLOSED;
        let now = 0;
        let probedAt = -Infinity;
        for (const { after, act } of steps) {
          now += after;
          if (act === "ask") {
            const before = breakerState(breaker, now);
            const asked = askBreaker(breaker, now);
            breaker = asked.breaker;
            if (asked.waitUntil !== null) expect(asked.waitUntil - now).toBeLessThanOrEqual(5 * MINUTE_MS);
            if (before === "open") expect(asked.waitUntil).not.toBeNull();
            if (before === "half_open" && asked.waitUntil === null) {
              expect(now - probedAt).toBeGreaterThanOrEqual(MINUTE_MS / 2);
              probedAt = now;
            }
          } else {
            breaker = tellBreaker(breaker, act as Sign, now);
            if (act === "good") expect(breakerState(breaker, now)).toBe("closed");
          }
          expect(breaker.slices.length).toBeLessThanOrEqual(10);
        }
      }),
      { numRuns: 500 },
    );
  });
});
