// How often one host is posted to, whoever's endpoints lead there. Pure: no clock of its own. Times in epoch ms.

/** A rate as a bucket has it: so many a second, and so many at once after a pause. */
interface Rate {
  perSecond: number;
  atOnce: number;
}

/** What one merchant may always send to one host, and what all of them share beyond that; in one isolate. */
export const OWN_RATE: Rate = { perSecond: 20, atOnce: 100 };
export const SHARED_RATE: Rate = { perSecond: 200, atOnce: 400 };
/** Who has to wait comes back after this, and up to as long again: not all at one moment. */
const WAIT_MS = 1_000;
/** How many buckets are remembered: those that are full again are forgotten, and all of them if that is not enough. */
const MAX_REMEMBERED = 10_000;

/**
 * The rates of an isolate. A merchant always has its own small share of a host, however much others send there: on
 * hosts that many share, such as those of webhook relays, nobody starves another.
 */
export class HostRate {
  /** By bucket, until when what was taken from it has not come back. */
  readonly #emptyUntil = new Map<string, number>();

  /** Takes a post of a merchant to a host: 0, or for how many ms it has to wait. `random`: from 0 to 1. */
  take(merchant: string, host: string, now: number, random: number): number {
    const isTaken = this.#take(`${merchant} ${host}`, OWN_RATE, now) || this.#take(host, SHARED_RATE, now);
    return isTaken ? 0 : WAIT_MS * (1 + random);
  }

  #take(bucket: string, { perSecond, atOnce }: Rate, now: number): boolean {
    const gapMs = 1000 / perSecond;
    const until = Math.max(now, this.#emptyUntil.get(bucket) ?? 0) + gapMs;
    if (until > now + atOnce * gapMs) {
      return false;
    }
    if (this.#emptyUntil.size >= MAX_REMEMBERED) {
      this.#forgetSome(now);
    }
    this.#emptyUntil.set(bucket, until);
    return true;
  }

  #forgetSome(now: number): void {
    for (const [bucket, until] of this.#emptyUntil) {
      if (until <= now) this.#emptyUntil.delete(bucket);
    }
    if (this.#emptyUntil.size >= MAX_REMEMBERED) {
      this.#emptyUntil.clear();
    }
  }
}
