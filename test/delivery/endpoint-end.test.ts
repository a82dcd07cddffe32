import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fail, NO_FAILURES, type End } from "../../src/delivery/endpoint-end.ts";

const HOUR_MS = 3_600_000;

/** What a run of failures at these times (epoch ms) ends in, and when; null: it does not. */
function run(times: number[]): { end: End; at: number } | null {
  let failures = NO_FAILURES;
  for (const at of times) {
    const failed = fail(failures, { event: `evt_${at}`, isGone: false, at });
    if (failed.end !== null) return { end: failed.end, at };
    failures = failed.failures;
  }
  return null;
}

const every = (step: number, until: number) => Array.from({ length: Math.floor(until / step) + 1 }, (_, n) => n * step);

describe("an endpoint that does nothing but fail", () => {
  it.each([
    ["every hour: 5 days after the first 12 hours", every(1, 200), 132],
    ["every 12 hours", every(12, 300), 132],
    ["every 13 hours", every(13, 300), 143],
    ["every 10 hours: the clock starts at 20", every(10, 300), 140],
    ["every 25 hours: never two within a day", every(25, 1000), null],
    ["for 11 hours, and 6 days later again", [...every(1, 11), 155], null],
    ["once, 12 hours later, and 5 days after that", [0, 12, 132], 132],
    ["once, 12 hours later, and just under 5 days after that", [0, 12, 131.9], null],
  ])("%s", (_, hours, end) => {
    const ended = run(hours.map((hour) => Math.round(hour * HOUR_MS)));
    expect(ended).toEqual(end === null ? null : { end: "failing", at: end * HOUR_MS });
  });

  it("is disabled when the rule says so, whatever the times: compared with the rule by brute force", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 30 * 60 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, (minutes) => {
        const times = minutes.reduce<number[]>((all, gap) => [...all, (all.at(-1) ?? 0) + gap * 60_000], []);
        const isSpanned = (at: number) => times.some((one) => one <= at - 12 * HOUR_MS && one >= at - 24 * HOUR_MS);
        const clock = times.find(isSpanned);
        const expected = clock === undefined ? undefined : times.find((at) => at - clock >= 120 * HOUR_MS);
        expect(run(times)?.at).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("an endpoint that says that it is gone", () => {
  const gone = (events: (string | null)[]) => {
    let failures = NO_FAILURES;
    return events.map((event, n) => {
      const failed = fail(failures, { event: event ?? "other", isGone: event !== null, at: n });
      ({ failures } = failed);
      return failed.end;
    });
  };

  it("to three distinct events in a row is believed", () => {
    expect(gone(["a", "b", "c"])).toEqual([null, null, "gone"]);
  });

  it("to one event as often as it comes is not", () => {
    expect(gone(["a", "a", "a", "a"])).toEqual([null, null, null, null]);
  });

  it("but fails otherwise in between begins anew", () => {
    expect(gone(["a", "b", null, "c", "d", "e"])).toEqual([null, null, null, null, null, "gone"]);
  });
});
