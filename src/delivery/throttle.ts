// When the next attempt at an endpoint may start. Pure: no clock of its own. Times in epoch milliseconds.

/** What a throttle remembers. `nextAt`: when the next one may start; `spreadAt`: until when those told to come back are spread. */
export interface Throttle {
  nextAt: number;
  spreadAt: number;
}

export const UNTHROTTLED: Throttle = { nextAt: 0, spreadAt: 0 };

/** A wait of at most this is waited out on the spot; whoever is told to wait longer comes back. */
const MAX_WAIT_ON_THE_SPOT_MS = 1_000;

/** `startAt`: the place is taken, start then; `comeBackAt`: nothing is taken, ask again then. */
export type Turn = { startAt: number } | { comeBackAt: number };

/**
 * Gives a turn at most `perSecond` times a second: starts are at least 1/`perSecond` seconds apart, so that no window
 * of time ever holds more than its share and one. Those told to come back are told different times, at the same rate.
 */
export function takeTurn(throttle: Throttle, perSecond: number, now: number): { turn: Turn; throttle: Throttle } {
  const gapMs = 1000 / perSecond;
  const startAt = Math.max(now, throttle.nextAt);
  if (startAt - now <= MAX_WAIT_ON_THE_SPOT_MS) {
    return { turn: { startAt }, throttle: { nextAt: startAt + gapMs, spreadAt: Math.max(throttle.spreadAt, startAt) } };
  }
  const comeBackAt = Math.max(startAt, throttle.spreadAt + gapMs);
  return { turn: { comeBackAt: Math.ceil(comeBackAt) }, throttle: { ...throttle, spreadAt: comeBackAt } };
}
