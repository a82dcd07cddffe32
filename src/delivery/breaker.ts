// Whether an endpoint as a whole is down. Pure: no clock of its own. Times in epoch milliseconds.

/** Outcomes are counted in slices of time, the last {@link SLICES} of which make up the window. */
const SLICE_MS = 30_000;
const SLICES = 10;
/** In the window so many outcomes, so large a share of them failures: the endpoint is down. */
const MIN_OUTCOMES = 10;
const MAX_FAILED_SHARE = 0.7;
/** So many successes in the window are enough to tell whether the endpoint is slow. */
const MIN_GOOD = 3;
/** So many attempts in a row without any answer say it too: each of them has held a slot for its whole timeout. */
const MAX_HANGING = 3;
/** How long it is left alone before one attempt probes it: at first, and at most; doubled by each probe that fails. */
const FIRST_OPEN_MS = 30_000;
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
  /** Attempts in a row that got no answer at all. */
  hanging: number;
  /** Until when it is open; null: closed. After that it is half open: one probe at a time. */
  openUntil: number | null;
  openMs: number;
  /** When the probe that is under way began; null: none is. */
  probeAt: number | null;
}

export const CLOSED: Breaker = { slices: [], hanging: 0, openUntil: null, openMs: 0, probeAt: null };

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
 * opens it again, for twice as long; while it is closed the window decides, or attempts in a row that hang.
 */
export function tellBreaker(breaker: Breaker, sign: Sign, now: number): Breaker {
  const isGood = sign === "good" || sign === "slow";
  if (isGood && breaker.openUntil !== null) return { ...CLOSED, slices: counted([], sign, now) };
  const slices = counted(breaker.slices, sign, now);
  const hanging = sign === "hanging" ? breaker.hanging + 1 : 0;
  switch (breakerState(breaker, now)) {
    case "open":
      return { ...breaker, slices, hanging };
    case "half_open":
      return opened({ ...breaker, slices, hanging }, now);
    case "closed":
      return !isGood && (isDown(slices) || hanging >= MAX_HANGING)
        ? opened({ ...breaker, slices, hanging }, now)
        : { ...breaker, slices, hanging };
  }
}

/** Whether at least half of what succeeded in the window was slow. */
export function isSlow({ slices }: Breaker): boolean {
  const [good, slow] = [sum(slices, "good"), sum(slices, "slow")];
  return good >= MIN_GOOD && slow * 2 >= good;
}

function opened(breaker: Breaker, now: number): Breaker {
  const openMs = Math.min(Math.max(breaker.openMs * 2, FIRST_OPEN_MS), MAX_OPEN_MS);
  return { ...breaker, openMs, openUntil: now + openMs, probeAt: null };
}

function isDown(slices: Slice[]): boolean {
  const [good, bad] = [sum(slices, "good"), sum(slices, "bad")];
  return good + bad >= MIN_OUTCOMES && bad >= (good + bad) * MAX_FAILED_SHARE;
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
