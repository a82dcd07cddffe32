import fc from "fast-check";
import { expect, it } from "vitest";
import { DEFAULT_RETRY_SCHEDULE_SECONDS, nextAttemptAt } from "../../src/delivery/retry.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 10, 23);

const fresh = { schedule: DEFAULT_RETRY_SCHEDULE_SECONDS, attempts: 1, now: NOW, acceptedAt: NOW, retryAfterMs: null };

it("makes 11 attempts over about 69 hours by default", () => {
  const waits: number[] = [];
  let now = NOW;
  for (let attempts = 1; ; attempts++) {
    const at = nextAttemptAt({ ...fresh, attempts, now, random: 0 });
    if (at === null) break;
    waits.push((at - now) / 1000);
    now = at;
  }
  expect(waits).toEqual([5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400, 86400]);
  expect((now - NOW) / HOUR_MS).toBeCloseTo(68.71, 2);
});

it("adds up to a tenth by chance", () => {
  expect(nextAttemptAt({ ...fresh, random: 0 })).toBe(NOW + 5000);
  expect(nextAttemptAt({ ...fresh, random: 0.5 })).toBe(NOW + 5250);
  expect(nextAttemptAt({ ...fresh, attempts: 9, random: 1 - Number.EPSILON })).toBe(NOW + 1.1 * DAY_MS);
});

it("waits as long as the receiver asks for, if that is longer, up to a day", () => {
  expect(nextAttemptAt({ ...fresh, retryAfterMs: HOUR_MS, random: 0 })).toBe(NOW + HOUR_MS);
  expect(nextAttemptAt({ ...fresh, retryAfterMs: 1000, random: 0 })).toBe(NOW + 5000);
  expect(nextAttemptAt({ ...fresh, retryAfterMs: 9 * DAY_MS, random: 0 })).toBe(NOW + DAY_MS);
});

it("ends when the schedule is used up", () => {
  expect(nextAttemptAt({ ...fresh, attempts: 11, random: 0 })).toBeNull();
  expect(nextAttemptAt({ ...fresh, schedule: [1, 1], attempts: 2, random: 0 })).toBe(NOW + 1000);
  expect(nextAttemptAt({ ...fresh, schedule: [1, 1], attempts: 3, random: 0 })).toBeNull();
  expect(nextAttemptAt({ ...fresh, schedule: [], random: 0 })).toBeNull();
});

it("ends 14 days after acceptance", () => {
  const acceptedAt = NOW - 14 * DAY_MS;
  expect(nextAttemptAt({ ...fresh, acceptedAt: acceptedAt + 5000, random: 0 })).toBe(NOW + 5000);
  expect(nextAttemptAt({ ...fresh, acceptedAt: acceptedAt + 4999, random: 0 })).toBeNull();
});

it("is never early and never beyond its bounds", () => {
  fc.assert(
    fc.property(
      fc.record({
        schedule: fc.array(fc.integer({ min: 1, max: 86_400 }), { maxLength: 20 }),
        attempts: fc.integer({ min: 1, max: 25 }),
        now: fc.integer({ min: NOW, max: NOW + 20 * DAY_MS }),
        retryAfterMs: fc.option(fc.nat({ max: 3 * DAY_MS })),
        random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      }),
      (given) => {
        const at = nextAttemptAt({ ...given, acceptedAt: NOW });
        const delaySeconds = given.schedule[given.attempts - 1] ?? Number.NaN;
        const earliest = given.now + Math.max(delaySeconds * 1000, Math.min(given.retryAfterMs ?? 0, DAY_MS));
        const latest = Math.ceil(given.now + (earliest - given.now) * 1.1);
        const end = NOW + 14 * DAY_MS;
        const isRight = at === null ? !(latest <= end) : earliest <= at && at <= latest && at <= end;
        expect(isRight && Number.isSafeInteger(at ?? 0)).toBe(true);
      },
    ),
  );
});
