// How fast a job may go. Pure: no clock of its own.

const WINDOW_MS = 1_000;

/** So many deliveries were sent again, all before `at` (epoch ms). */
export interface Spent {
  at: number;
  count: number;
}

/** What still counts at `now`: older ones are in no window of a second that has not ended. */
export function recent(spent: readonly Spent[], now: number): Spent[] {
  return spent.filter(({ at }) => at > now - WINDOW_MS);
}

/** How many may follow at `now`, so that no second has more than `perSecond`. */
export function allowance(spent: readonly Spent[], perSecond: number, now: number): number {
  const counted = recent(spent, now).reduce((sum, { count }) => sum + count, 0);
  return Math.max(0, perSecond - counted);
}

/** When the next may follow, in epoch ms: `now`, or when enough of what was spent has become old. */
export function nextAt(spent: readonly Spent[], perSecond: number, now: number): number {
  return allowance(spent, perSecond, now) > 0
    ? now
    : recent(spent, now).reduce((next, { at }) => Math.min(next, at + WINDOW_MS), Infinity);
}
