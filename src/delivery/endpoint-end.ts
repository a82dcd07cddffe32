// When an endpoint is disabled. Pure: no clock of its own. Times in epoch milliseconds.

const HOUR_MS = 3_600_000;
/** So many distinct events in a row have to say that the endpoint is gone: a proxy in front of it may answer 410 too. */
const MAX_GONE = 3;
/** The clock starts once failures lie at least so far apart within a day, and nothing has succeeded in between. */
const SPAN_MS = 12 * HOUR_MS;
const WITHIN_MS = 24 * HOUR_MS;
/** An endpoint that does nothing but fail for so long after that is disabled. */
const FAILING_MS = 120 * HOUR_MS;

/** What is remembered of an endpoint's failures since its last success, as JSON. */
export interface Failures {
  /** The first and the last failure of each hour of the last day that had one: enough to find any two hours apart. */
  hours: [first: number, last: number][];
  /** Since when the clock runs; null: it does not. */
  clockFrom: number | null;
  /** The events, one after the other, that the endpoint has answered to be gone. */
  gone: string[];
}

export const NO_FAILURES: Failures = { hours: [], clockFrom: null, gone: [] };

/** Why an endpoint is disabled by itself. */
export type End = "gone" | "failing";

/** One attempt that failed. */
export interface Failure {
  event: string;
  /** The endpoint has said that it is gone. */
  isGone: boolean;
  at: number;
}

/**
 * Takes in a failure; a success clears everything. `failing`: for 5 days nothing has succeeded; the days count from
 * when failures lay 12 hours apart within 24.
 */
export function fail(failures: Failures, { event, isGone, at }: Failure): { failures: Failures; end: End | null } {
  const gone = isGone ? [...new Set([...failures.gone, event])] : [];
  const hours = withFailure(failures.hours, at);
  const isSpanned = hours.flat().some((one) => one >= at - WITHIN_MS && one <= at - SPAN_MS);
  const clockFrom = failures.clockFrom ?? (isSpanned ? at : null);
  const isFailing = clockFrom !== null && at - clockFrom >= FAILING_MS;
  const end = gone.length >= MAX_GONE ? "gone" : isFailing ? "failing" : null;
  return { failures: { hours, clockFrom, gone }, end };
}

function withFailure(hours: Failures["hours"], at: number): Failures["hours"] {
  const kept = hours.filter(([, last]) => last >= at - WITHIN_MS);
  const current = kept.at(-1);
  return current && hourOf(current[0]) === hourOf(at)
    ? [...kept.slice(0, -1), [current[0], Math.max(current[1], at)]]
    : [...kept, [at, at]];
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS);
}
