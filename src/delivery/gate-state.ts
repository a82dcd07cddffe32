// What one endpoint's gate decides. Pure: no clock, no I/O. Times in epoch milliseconds.

import type { AttemptClass, WaitingFor } from "../outbox/contract.ts";
import {
  CLOSED,
  askBreaker,
  breakerState,
  isSlow,
  tellBreaker,
  type Breaker,
  type BreakerState,
  type Sign,
} from "./breaker.ts";
import { fail, NO_FAILURES, type End, type Failures } from "./endpoint-end.ts";
import { takeTurn, UNTHROTTLED, type Throttle } from "./throttle.ts";

/** An answer later than this is slow: its endpoint is watched, and holds up nobody else. */
export const SLOW_MS = 2_000;
/** An endpoint is watched until it has been well for so long, and nothing waits for it any more. */
const WELL_MS = 300_000;
/**
 * An endpoint that is back is asked at a pace, in attempts a second, so that it is not thrown down again. As long as it
 * succeeds, each second quickens that by so much; a failure halves it.
 */
const MIN_PACE = 10;
const MAX_PACE = 1_000;
const QUICKENS_BY = 10;
/** What waits is called so long before its turn at most. */
const AHEAD_MS = 500;
/** An endpoint that gives no answer is asked so many times at once; one that is slow, but answers, so many. */
const MAX_HANGING_AT_ONCE = 2;
const MAX_SLOW_AT_ONCE = 10;
/** One that is back as often as keeps up the pace with answers of this, at most so often. */
const PACED_ANSWER_MS = 500;
const MAX_PACED_AT_ONCE = 100;
/** An attempt that nobody has told the end of no longer counts after so long: no timeout is longer. */
export const FORGOTTEN_MS = 40_000;
/** The whole endpoint waits for a Retry-After of at most this, with a probe every so often. */
const MAX_PAUSE_MS = 3_600_000;
const PAUSE_PROBE_MS = 300_000;

/** A pause that the endpoint has asked for. */
interface Pause {
  until: number;
  probeAt: number;
}

/** All that a gate remembers, as JSON. */
export interface GateState {
  breaker: Breaker;
  throttle: Throttle;
  failures: Failures;
  pause: Pause | null;
  /** When it was last not well: failed or slow; 0: never since it is watched. */
  unwellAt: number;
  /** When an attempt was last seen to take long. */
  takesLongAt: number;
  lastSuccessAt: number | null;
  lastFailure: { at: number; class: AttemptClass; status: number | null } | null;
  /** Whether what waits is being let go. */
  isDraining: boolean;
  /** In attempts a second, while what waits is being let go. */
  pace: number;
  /** Whether it was paused or disabled when somebody was last turned away from it. */
  isShut: boolean;
}

export const NEW_GATE: GateState = {
  breaker: CLOSED,
  throttle: UNTHROTTLED,
  failures: NO_FAILURES,
  pause: null,
  unwellAt: 0,
  takesLongAt: 0,
  lastSuccessAt: null,
  lastFailure: null,
  isDraining: false,
  pace: MIN_PACE,
  isShut: false,
};

/** What a consumer is told that asks for a turn. `isParked`: the gate calls its outbox when the endpoint is back. */
export type Verdict =
  | { go: true; startAt: number }
  | { go: false; waitingFor: WaitingFor & { until: number }; isParked: boolean };

/** How an attempt went. `retryAfterMs`: the pause that the endpoint asked for. */
export interface Told {
  event: string;
  class: AttemptClass;
  status: number | null;
  retryAfterMs: number | null;
  durationMs: number;
  at: number;
}

/**
 * Whether an attempt may start. `underWay`: how many are; `perSecond`: the endpoint's own limit. Who asks has read that
 * the endpoint is enabled.
 */
export function ask(
  before: GateState,
  { underWay, perSecond, now }: { underWay: number; perSecond: number | null; now: number },
): { verdict: Verdict; state: GateState } {
  const state = before.isShut ? { ...before, isShut: false } : before;
  const waits = (
    reason: WaitingFor["reason"],
    until: number,
    isParked: boolean,
  ): { verdict: Verdict; state: GateState } => {
    return { verdict: { go: false, waitingFor: { reason, until }, isParked }, state };
  };
  const held = holdOn(state, now);
  if (held !== null) return waits(held.reason, held.until, true);
  if (roomIn(state, underWay) === 0) return waits("throttled", now + FORGOTTEN_MS, true);
  const { breaker } = askBreaker(state.breaker, now);
  const pause = pauseAt(state, now);
  const isProbe = isProbing(state, now);
  const probing = isProbe ? { ...state, breaker, pause: pause && { ...pause, probeAt: now + PAUSE_PROBE_MS } } : state;
  const pace = state.isDraining ? state.pace : Infinity;
  const rate = Math.min(perSecond ?? Infinity, pace);
  if (rate === Infinity) return { verdict: { go: true, startAt: now }, state: probing };
  const { turn, throttle } = takeTurn(state.throttle, rate, now);
  if ("startAt" in turn) return { verdict: { go: true, startAt: turn.startAt }, state: { ...probing, throttle } };
  // Who waits for the pace is called in time; a limit of the endpoint's own is nothing that is told when it ends.
  if (rate === pace) return waits("throttled", now + FORGOTTEN_MS, true);
  const { verdict } = waits("throttled", turn.comeBackAt, false);
  return { verdict, state: { ...state, throttle } };
}

/** What holds back every attempt, and until when: a probe is not due yet, or is under way. Null: one may start. */
function holdOn(state: GateState, now: number): { reason: "retry_after" | "breaker"; until: number } | null {
  const pause = pauseAt(state, now);
  if (pause !== null && now < pause.probeAt) {
    return { reason: "retry_after", until: Math.min(pause.probeAt, pause.until) };
  }
  const { waitUntil } = askBreaker(state.breaker, now);
  return waitUntil === null ? null : { reason: "breaker", until: waitUntil };
}

/** The pause that the endpoint is in. */
function pauseAt({ pause }: GateState, now: number): Pause | null {
  return pause !== null && now < pause.until ? pause : null;
}

/** Takes in that the attempt let start at `askedAt` was not made: if it was the probe, the next one who asks is. */
export function giveBack(state: GateState, askedAt: number): GateState {
  const { breaker, pause } = state;
  return {
    ...state,
    breaker: breaker.probeAt === askedAt ? { ...breaker, probeAt: null } : breaker,
    pause: pause?.probeAt === askedAt + PAUSE_PROBE_MS ? { ...pause, probeAt: askedAt } : pause,
  };
}

/** Takes in that the endpoint is paused or disabled: nothing is let go until somebody asks, or it is opened. */
export function shut(state: GateState): GateState {
  return state.isShut ? state : { ...state, isShut: true };
}

/**
 * Takes in how an attempt went. `end`: the endpoint is to be disabled; `isBack`: it was left alone and has succeeded;
 * `isWell`: it need not be watched any more.
 */
export function tell(
  state: GateState,
  told: Told,
): { state: GateState; end: End | null; isBack: boolean; isWell: boolean } {
  const { at } = told;
  if (told.class === "delivered") {
    const unwellAt = told.durationMs > SLOW_MS ? at : state.unwellAt;
    const isBack = state.pause !== null || state.breaker.openUntil !== null;
    return {
      state: {
        ...state,
        breaker: tellBreaker(state.breaker, told.durationMs > SLOW_MS ? "slow" : "good", at),
        failures: NO_FAILURES,
        pause: null,
        unwellAt,
        lastSuccessAt: at,
        isDraining: state.isDraining || isBack,
        pace: isBack ? MIN_PACE : Math.min(state.pace + QUICKENS_BY / state.pace, MAX_PACE),
      },
      end: null,
      isBack,
      // What waits is let go at a pace, which consumers keep to only while they know that the endpoint is watched.
      isWell: at - unwellAt >= WELL_MS && !state.isDraining && !isBack,
    };
  }
  const { failures, end } = fail(state.failures, { event: told.event, isGone: told.class === "gone", at });
  const asksForPause = told.class === "throttled" && told.retryAfterMs !== null;
  const breaker = asksForPause ? state.breaker : tellBreaker(state.breaker, signOf(told), at);
  return {
    state: {
      ...state,
      failures,
      breaker,
      pause: asksForPause ? pauseFor(told.retryAfterMs!, at) : state.pause,
      unwellAt: at,
      lastFailure: { at, class: told.class, status: told.status },
      isDraining: state.isDraining && breaker.openUntil === null && !asksForPause,
      pace: Math.max(state.pace / 2, MIN_PACE),
    },
    end,
    isBack: false,
    isWell: false,
  };
}

/** How many more attempts an endpoint may be asked at once: as many as there are, as long as it is well. */
function roomIn({ breaker, takesLongAt, lastSuccessAt, isDraining, pace }: GateState, underWay: number): number {
  const isHanging = breaker.hanging > 0 || takesLongAt > (lastSuccessAt ?? 0);
  const byPace = Math.max(Math.floor((pace * PACED_ANSWER_MS) / 1000), MAX_SLOW_AT_ONCE);
  const paced = isDraining ? Math.min(byPace, MAX_PACED_AT_ONCE) : Infinity;
  return Math.max(0, (isHanging ? MAX_HANGING_AT_ONCE : isSlow(breaker) ? MAX_SLOW_AT_ONCE : paced) - underWay);
}

/** Takes in that an attempt takes long, whatever becomes of it. */
export function tellSlow(state: GateState, now: number): GateState {
  return { ...state, unwellAt: now, takesLongAt: now };
}

/**
 * When the gate itself has to look again at what waits: to send a probe, or to let the next ones go. Infinity: not
 * before it is told something.
 */
export function nextLook(state: GateState, underWay: number, now: number): number {
  if (state.isShut) return Infinity;
  const held = holdOn(state, now);
  if (held !== null) return held.until;
  if (roomIn(state, underWay) === 0) return now + FORGOTTEN_MS;
  return state.isDraining ? now + 1000 : now;
}

/**
 * How many of those who wait may be called now: one as a probe, or those whose turn comes soon, and as many as there is
 * room. `called`: how many have been, and have not asked yet.
 */
export function releases(state: GateState, { underWay, called }: { underWay: number; called: number }, now: number) {
  if (state.isShut || holdOn(state, now) !== null) return 0;
  const room = roomIn(state, underWay + called);
  if (isProbing(state, now)) return Math.min(room, Math.max(0, 1 - called));
  const aheadMs = AHEAD_MS - Math.max(0, state.throttle.nextAt - now);
  return Math.min(room, Math.max(0, Math.ceil((state.pace * aheadMs) / 1000) - called));
}

/** Whether the next attempt is to show whether the endpoint is well again. */
export function isProbing(state: GateState, now: number): boolean {
  return state.breaker.openUntil !== null || pauseAt(state, now) !== null;
}

/** How the gate stands, for people. */
export function standing({ breaker, pause, lastSuccessAt, lastFailure }: GateState, now: number): GateStanding {
  const isPaused = pause !== null && now < pause.until;
  return {
    breaker: isPaused ? "open" : breakerState(breaker, now),
    nextProbeAt: isPaused ? Math.min(pause.probeAt, pause.until) : breaker.openUntil,
    lastSuccessAt,
    lastFailure,
  };
}

export interface GateStanding {
  breaker: BreakerState;
  nextProbeAt: number | null;
  lastSuccessAt: number | null;
  lastFailure: GateState["lastFailure"];
}

/** An answer, whatever it says, shows that somebody is there. */
function signOf({ class: failure, status }: Told): Sign {
  return failure === "timeout" || (failure === "connection" && status === null) ? "hanging" : "bad";
}

function pauseFor(retryAfterMs: number, now: number): Pause {
  const until = now + Math.min(retryAfterMs, MAX_PAUSE_MS);
  return { until, probeAt: Math.min(until, now + PAUSE_PROBE_MS) };
}
