import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { allowance, nextAt, recent, type Spent } from "../../src/delivery/pace.ts";

const rates = fc.integer({ min: 1, max: 100 });
/** Rounds of a job: so long after the one before it, with so many that wait, taking so long. */
const rounds = fc.array(fc.record({ pauseMs: fc.nat(1500), waiting: fc.nat(150), tookMs: fc.nat(400) }), {
  minLength: 1,
  maxLength: 60,
});

describe("the pace of a job", () => {
  it("is in no second exceeded, whenever its rounds come and however long they take", () => {
    fc.assert(
      fc.property(rates, rounds, (perSecond, rounds) => {
        const sent: number[] = [];
        let spent: Spent[] = [];
        let now = 0;
        for (const { pauseMs, waiting, tookMs } of rounds) {
          now += pauseMs;
          const count = Math.min(waiting, allowance(spent, perSecond, now));
          const before = recent(spent, now);
          // They go out anywhere between the beginning and the end of the round.
          sent.push(...Array.from({ length: count }, (_, i) => now + Math.floor((tookMs * i) / count)));
          now += tookMs;
          spent = [...before, { at: now, count }];
        }
        for (const from of sent) {
          expect(sent.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(perSecond);
        }
      }),
    );
  });

  it("is used: whoever comes when it says may send at least one, and not a millisecond before", () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.record({ at: fc.nat(3000), count: fc.integer({ min: 1, max: 50 }) })),
        (rate, spent) => {
          const [now, ascending] = [2000, spent.toSorted((a, b) => a.at - b.at)];
          const at = nextAt(ascending, rate, now);
          expect(at).toBeGreaterThanOrEqual(now);
          if (at > now) {
            expect(allowance(ascending, rate, at - 1)).toBe(0);
          }
          const last = ascending.at(-1)?.at ?? 0;
          expect(allowance(ascending, rate, Math.max(now, last + 1000))).toBe(rate);
        },
      ),
    );
  });
});
