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
    ["7 failures in a row", times(7, "bad"), "open"],
    ["6 failures", times(6, "bad"), "closed"],
    ["7 failures in a row after a hundred successes", [...times(100, "good"), ...times(7, "bad")], "open"],
    ["a success between those", [...times(6, "bad"), ...times(6, "good"), ...times(6, "bad")], "closed"],
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
    const breaker = told(times(6, "bad"));
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

  it("is probed every 5 s at first, then after a fifth of the time it has been down, at most 5 minutes", () => {
    let breaker = told(times(10, "bad"));
    const lengths: number[] = [];
    for (let n = 0; n < 40; n++) {
      const at = breaker.openUntil!;
      breaker = tellBreaker(askBreaker(breaker, at).breaker, "bad", at);
      lengths.push(Math.round((breaker.openUntil! - at) / 1000));
    }
    expect(lengths.slice(0, 10)).toEqual([5, 5, 5, 5, 5, 6, 7, 9, 10, 12]);
    expect(lengths.slice(-3)).toEqual([300, 300, 300]);
  });

  it("costs an endpoint that goes down a handful of requests, whatever was before, and finds it well soon", () => {
    const before = fc.array(
      fc.record({ sign: fc.constantFrom<Sign>("good", "slow", "bad", "hanging"), gapMs: fc.nat(5000) }),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(
        before,
        fc.integer({ min: 10, max: 200 }),
        fc.integer({ min: 15, max: 600 }),
        (before, everyMs, seconds) => {
          let breaker = CLOSED;
          let now = 0;
          for (const { sign, gapMs } of before) {
            now += gapMs;
            const { waitUntil, breaker: asked } = askBreaker(breaker, now);
            if (waitUntil === null) breaker = tellBreaker(asked, sign, now);
          }
          const [downAt, wellAt] = [now, now + seconds * 1000];
          const wasDownAt = breaker.downAt ?? downAt;
          let requests = 0;
          for (; now < wellAt; now += everyMs) {
            const { waitUntil, breaker: asked } = askBreaker(breaker, now);
            breaker = waitUntil === null ? tellBreaker(asked, "bad", now) : breaker;
            requests += Number(waitUntil === null);
          }
          // Seven in a row, then a probe every 5 s for 25 s, then each after a fifth more.
          expect(requests).toBeLessThanOrEqual(
            7 + 5 + Math.ceil(Math.log(Math.max(seconds / 25, 1)) / Math.log(1.2)) + 2,
          );
          while (askBreaker(breaker, now).waitUntil !== null) now += everyMs;
          expect(now - wellAt).toBeLessThanOrEqual(Math.max(5000, (wellAt - wasDownAt) / 5) + everyMs);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("lets at most one probe begin in five seconds while it is not closed, and never stays shut for more than 5 minutes", () => {
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
              expect(now - probedAt).toBeGreaterThanOrEqual(5000);
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
