import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { validAt } from "../../src/platform/rotation.ts";
import { firstSecret, openSecrets, replaceSecret } from "../../src/store/endpoint-secrets.ts";

const SECOND = 1000;
const AT = Date.parse("2026-11-23T12:00:00Z");
const KEY = { merchant: "mer_1", id: "ep_1" };

/** So few secrets that a merchant often goes back to one that it had. */
const steps = fc.array(
  fc.record({
    after: fc.integer({ min: 0, max: 900 }),
    overlap: fc.integer({ min: 60, max: 3600 }),
    secret: fc.integer({ min: 1, max: 13 }).map((n) => `whsec_${n}`),
  }),
  { minLength: 1, maxLength: 25 },
);

describe("an endpoint's secrets", () => {
  it("are at every instant those that were promised, whichever come again, and never more than ten", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        let now = AT;
        let row = { ...KEY, ...(await firstSecret(env, KEY, "whsec_1")) };
        let newest = "whsec_1";
        /** Until when each secret was said to sign; the newest has no end. */
        const promised = new Map([[newest, Infinity]]);
        for (const { after, overlap, secret } of sequence) {
          now += after * SECOND;
          const columns = await replaceSecret(env, row, secret, { now, until: now + overlap * SECOND });
          if (columns === null) {
            const others = [...promised].filter(([other, until]) => other !== secret && until > now);
            expect(others).toHaveLength(10);
          } else if (secret !== newest) {
            promised.set(newest, now + overlap * SECOND);
            promised.set(secret, Infinity);
            newest = secret;
          }
          row = { ...row, ...columns };
          const all = await openSecrets(env, row);
          expect(all[0]).toEqual({ secret: newest, expiresAt: null });
          const ends = [...promised.values()].filter((until) => until > now && until < Infinity);
          for (const instant of [now, ...ends.flatMap((end) => [end - 1, end])]) {
            const signing = validAt(all, instant).map(({ secret }) => secret);
            const owed = [...promised].filter(([, until]) => until > instant).map(([secret]) => secret);
            expect(signing.toSorted()).toEqual(owed.toSorted());
            expect(signing.length).toBeLessThanOrEqual(10);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
