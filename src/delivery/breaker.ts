// Whether an endpoint as a whole is down. Pure: no clock of its own. Times in epoch milliseconds.

/** Outcomes are counted in slices of time, the last {@link SLICES} of which make up the window. */
const SLICE_MS = 30_000;
const SLICES = 10;
/** In the window so many outcomes, so large a share of them failures: the endpoint is down. */
const MIN_OUTCOMES = 10;
const MAX_FAILED_SHARE = 0.7;
/** So many successes in the window are enough to tell whether the endpoint is slow. */
const MIN_GOOD = 3;
/** So many failures in a row within the window say it too, whatever was before them. */
const MAX_FAILURES_IN_A_ROW = 7;
/** So many attempts in a row without any answer as well: each of them has held a slot for its whole timeout. */
const MAX_HANGING = 3;
/** It is left alone for this share of the time that it has been down, within these bounds; then one attempt probes it. */
const OPEN_SHARE = 0.2;
const MIN_OPEN_MS = 5_000;
const MAX_OPEN_MS = 300_000;
/** How long a probe may take before another one is sent. */
const PROBE_MS = 60_000;

/** One slice of the window. */
interface Slice {
  at: number;
  good: number;
  bad: number;
  /** Of the good ones. */
  slow: number;
}

/** What a breaker remembers, as JSON. */
export interface Breaker {
  slices: Slice[];
  /** When the last attempts failed, those in a row, the newest last. */
  failedAt: number[];
  /** Attempts in a row that got no answer at all. */
  hanging: number;
  /** Since when it is open or half open; null: it is closed. */
  downAt: number | null;
  /** Until when it is open; null: closed. After that it is half open: one probe at a time. */
  openUntil: number | null;
  /** When the probe that is under way began; null: none is. */
  probeAt: number | null;
}

export const CLOSED: Breaker = { slices: [], failedAt: [], hanging: 0, downAt: null, openUntil: null, probeAt: null };

/**
 * How an attempt ended, as far as the endpoint's health goes. `slow`: it succeeded, late; `hanging`: it failed without
 * any answer.
 */
export type Sign = "good" | "slow" | "bad" | "hanging";

export type BreakerState = "closed" | "open" | "half_open";

export function breakerState({ openUntil }: Breaker, now: number): BreakerState {
  if (openUntil === null) return "closed";
  return now < openUntil ? "open" : "half_open";
}

/** Whether an attempt may start; if not, when to ask again. A half-open breaker lets one through, as its probe. */
export function askBreaker(breaker: Breaker, now: number): { waitUntil: number | null; breaker: Breaker } {
  switch (breakerState(breaker, now)) {
    case "closed":
      return { waitUntil: null, breaker };
    case "open":
      return { waitUntil: breaker.openUntil, breaker };
    case "half_open": {
      const { probeAt } = breaker;
      return probeAt !== null && now < probeAt + PROBE_MS
        ? { waitUntil: probeAt + PROBE_MS, breaker }
        : { waitUntil: null, breaker: { ...breaker, probeAt: now } };
    }
  }
}

/**
 * Takes in how an attempt ended. One that succeeds closes the breaker whatever it was; while it is half open a failure
 * opens it again; while it is closed the window decides, or failures in a row.
 */
export function tellBreaker(breaker: Breaker, sign: Sign, now: number): Breaker {
  const isGood = sign === "good" || sign === "slow";
  if (isGood && breaker.openUntil !== null) return { ...CLOSED, slices: counted([], sign, now) };
  const told: Breaker = {
    ...breaker,
    slices: counted(breaker.slices, sign, now),
    failedAt: isGood ? [] : [...breaker.failedAt, now].slice(-MAX_FAILURES_IN_A_ROW),
    hanging: sign === "hanging" ? breaker.hanging + 1 : 0,
  };
  switch (breakerState(breaker, now)) {
    case "open":
      return told;
    case "half_open":
      return opened(told, now);
    case "closed":
      return !isGood && isDown(told, now) ? opened(told, now) : told;
  }
}

/** Whether at least half of what succeeded in the window was slow. */
export function isSlow({ slices }: Breaker): boolean {
  const [good, slow] = [sum(slices, "good"), sum(slices, "slow")];
  return good >= MIN_GOOD && slow * 2 >= good;
}

function opened(breaker: Breaker, now: number): Breaker {
  const downAt = breaker.downAt ?? now;
  const openMs = Math.min(Math.max((now - downAt) * OPEN_SHARE, MIN_OPEN_MS), MAX_OPEN_MS);
  return { ...breaker, downAt, openUntil: now + Math.ceil(openMs), probeAt: null };
}

function isDown({ slices, failedAt, hanging }: Breaker, now: number): boolean {
  const [good, bad] = [sum(slices, "good"), sum(slices, "bad")];
  const isFailing = good + bad >= MIN_OUTCOMES && bad >= (good + bad) * MAX_FAILED_SHARE;
  const isInARow = failedAt.length === MAX_FAILURES_IN_A_ROW && failedAt[0]! > now - SLICES * SLICE_MS;
  return isFailing || isInARow || hanging >= MAX_HANGING;
}

function counted(slices: Slice[], sign: Sign, now: number): Slice[] {
  const at = Math.floor(now / SLICE_MS) * SLICE_MS;
  const kept = slices.filter((slice) => slice.at > at - SLICES * SLICE_MS && slice.at < at);
  const { good, bad, slow } = slices.find((slice) => slice.at === at) ?? { good: 0, bad: 0, slow: 0 };
  const isGood = sign === "good" || sign === "slow";
  const isSlow = sign === "slow";
  return [...kept, { at, good: good + Number(isGood), bad: bad + Number(!isGood), slow: slow + Number(isSlow) }];
}

function sum(slices: Slice[], of: "good" | "bad" | "slow"): number {
  return slices.reduce((total, slice) => total + slice[of], 0);
}
