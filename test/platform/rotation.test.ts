import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";

import { prepareWebhook } from "../../src/channels/webhook.ts";
import { newEndpointSecret } from "../../src/platform/keys.ts";
import { MAX_VALID, rotate, validAt } from "../../src/platform/rotation.ts";
import { ATTEMPT } from "../support/webhook.ts";

const SECOND = 1000;
const AT = Date.parse("2026-11-23T12:00:00Z");
const BODY = '{"id":"evt_1"}';

interface Held {
  secret: string;
  expiresAt: number | null;
}

const held = (secret: string, expiresAt: number | null = null): Held => ({ secret, expiresAt });

/** The signatures of a webhook that is sent at `now`. */
async function signaturesAt(secrets: Held[], now: number): Promise<string[]> {
  const { headers } = await prepareWebhook({ ...ATTEMPT, secrets, now, body: BODY });
  return headers["webhook-signature"]!.split(" ");
}

/** A time that passes, then a rotation with its overlap, in seconds. */
const steps = fc.array(
  fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 700_000 })),
    overlap: fc.oneof(fc.constant(60), fc.integer({ min: 60, max: 604_800 })),
  }),
  { minLength: 1, maxLength: 14 },
);

describe("rotation", () => {
  it("puts the new one first; the one until now ends with the overlap, older ones as they were promised", () => {
    const all = [held("c"), held("b", AT + 5), held("a", AT)];
    expect(rotate(all, { secret: "d", expiresAt: null }, { now: AT, until: AT + 9 })).toEqual([
      held("d"),
      held("c", AT + 9),
      held("b", AT + 5),
    ]);
  });

  it("ends the one until now at once where there is no overlap", () => {
    expect(rotate([held("a")], { secret: "b", expiresAt: null }, { now: AT, until: AT })).toEqual([held("b")]);
  });

  it("refuses an eleventh, until one has expired", () => {
    let all = [held("0")];
    for (let n = 1; n < MAX_VALID; n++) {
      all = rotate(all, { secret: `${n}`, expiresAt: null }, { now: AT, until: AT + n })!;
    }
    expect(all).toHaveLength(10);
    const next = { secret: "next", expiresAt: null };
    expect(rotate(all, next, { now: AT, until: AT + 99 })).toBeNull();
    expect(rotate(all, next, { now: AT + 1, until: AT + 99 })).toHaveLength(10);
  });

  it("signs at every instant for every receiver within its overlap, and never more than ten times", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        let now = AT;
        let all = [held(newEndpointSecret())];
        /** What receivers were shown, and how long they may go on with it. */
        const shown = [...all];
        for (const { after, overlap } of sequence) {
          now += after * SECOND;
          const next = { secret: newEndpointSecret(), expiresAt: null };
          const rotated = rotate(all, next, { now, until: now + overlap * SECOND });
          if (rotated === null) {
            expect(validAt(all, now)).toHaveLength(10);
          } else {
            all = rotated;
            shown.at(-1)!.expiresAt = now + overlap * SECOND;
            shown.push(held(next.secret));
          }
          const ends = validAt(shown, now).flatMap(({ expiresAt }) => expiresAt ?? []);
          for (const instant of [now, ...ends.flatMap((end) => [end - 1, end])]) {
            const signed = await signaturesAt(all, instant);
            const owed = validAt(shown, instant).map(({ secret }) =>
              new Webhook(secret).sign("evt_1", new Date(Math.floor(instant / SECOND) * SECOND), BODY),
            );
            expect(signed.toSorted()).toEqual(owed.toSorted());
            expect(signed.length).toBeLessThanOrEqual(10);
            expect(signed.length).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
