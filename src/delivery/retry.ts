import { MAX_DELIVERY_AGE_MS } from "../outbox/pending.ts";

// When a failed delivery is tried again. Pure: no clock, no chance of its own.

/** Seconds before the second and every later attempt, for endpoints without a schedule of their own: about 69 h. */
export const DEFAULT_RETRY_SCHEDULE_SECONDS: readonly number[] = [
  5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400,
];

/** The longest wait between two attempts, before jitter, whatever a receiver asks for. */
const MAX_WAIT_MS = 24 * 3_600_000;
/** The share of a wait that chance may add. It only ever adds: no receiver's hint is undercut. */
const JITTER = 0.1;

/** What the next attempt depends on. Times in epoch milliseconds. */
export interface Retry {
  /** Seconds before the second and every later attempt. */
  schedule: readonly number[];
  /** Counted attempts made so far, the one that has just failed among them. */
  attempts: number;
  now: number;
  acceptedAt: number;
  /** The pause that the receiver asked for, if it did. */
  retryAfterMs: number | null;
  /** A random number in [0, 1). */
  random: number;
  /** How long after its acceptance a delivery is tried at all; 14 days unless it says so. */
  maxAgeMs?: number;
}

/**
 * When to try again, in whole epoch milliseconds: max(schedule, Retry-After), at most 24 h, then 0–10 % later. Null:
 * the delivery is exhausted, because its schedule is used up or the time would be past its last day.
 */
export function nextAttemptAt(retry: Retry): number | null {
  const { schedule, attempts, now, acceptedAt, retryAfterMs, random, maxAgeMs = MAX_DELIVERY_AGE_MS } = retry;
  const delaySeconds = schedule[attempts - 1];
  if (delaySeconds === undefined) return null;
  const waitMs = Math.min(Math.max(delaySeconds * 1000, retryAfterMs ?? 0), MAX_WAIT_MS);
  const at = Math.ceil(now + waitMs * (1 + JITTER * random));
  return at > acceptedAt + maxAgeMs ? null : at;
}
