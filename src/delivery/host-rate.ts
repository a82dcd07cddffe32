// How often one host is posted to, whoever's endpoints lead there. Pure: no clock of its own. Times in epoch ms.

/** A rate as a bucket has it: so many a second, and so many at once after a pause. */
interface Rate {
  perSecond: number;
  atOnce: number;
}

/** What one merchant may always send to one host, and what all of them share beyond that; in one isolate. */
export const OWN_RATE: Rate = { perSecond: 20, atOnce: 100 };
export const SHARED_RATE: Rate = { perSecond: 200, atOnce: 400 };
/** Whoever has to wait comes back at most so much later: who left a long line does not hold up others for longer. */
export const MAX_AHEAD_MS = 900_000;
/** Nobody comes back to the moment: within so long after its place in the line. */
const JITTER_MS = 1_000;
/** How many buckets are remembered: those that are full again are forgotten, and all of them if that is not enough. */
const MAX_REMEMBERED = 10_000;

/** What is remembered of a rate. `emptyUntil`: when all that was taken has come back; `lineUntil`: the last one's place. */
interface Bucket {
  emptyUntil: number;
  lineUntil: number;
}

/** A post of a merchant to a host. `isBack`: it may have been in a line before; `random`: from 0 to 1. */
export interface HostPost {
  merchant: string;
  host: string;
  isBack: boolean;
  now: number;
  random: number;
}

/**
 * The rates of an isolate. A merchant always has its own small share of a host, however much others send there: on
 * hosts that many share, such as those of webhook relays, nobody starves another. Whoever has to wait is told a time of
 * its own, as far apart as the rate is, and who comes for the first time goes behind those: so nearly all come twice at
 * most, however many they are.
 */
export class HostRate {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes a post: 0, or for how many ms it has to wait. */
  take({ merchant, host, isBack, now, random }: HostPost): number {
    const own = this.#bucket(`${merchant} ${host}`, now);
    if (isTaken(own, OWN_RATE, isBack, now)) {
      return 0;
    }
    const shared = this.#bucket(host, now);
    if (isTaken(shared, SHARED_RATE, isBack, now)) {
      return 0;
    }
    const [ownPlace, sharedPlace] = [nextPlace(own, OWN_RATE), nextPlace(shared, SHARED_RATE)];
    const place = Math.min(ownPlace, sharedPlace, now + MAX_AHEAD_MS);
    const bucket = ownPlace < sharedPlace ? own : shared;
    bucket.lineUntil = place;
    return place - now + JITTER_MS * random;
  }

  #bucket(name: string, now: number): Bucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) {
      return known;
    }
    if (this.#buckets.size >= MAX_REMEMBERED) {
      this.#forgetSome(now);
    }
    const bucket = { emptyUntil: 0, lineUntil: 0 };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #forgetSome(now: number): void {
    for (const [name, { emptyUntil, lineUntil }] of this.#buckets) {
      if (Math.max(emptyUntil, lineUntil) <= now) this.#buckets.delete(name);
    }
    if (this.#buckets.size >= MAX_REMEMBERED) {
      this.#buckets.clear();
    }
  }
}

/** Takes one out of a bucket, if there is one and nobody is before it. */
function isTaken(bucket: Bucket, { perSecond, atOnce }: Rate, isBack: boolean, now: number): boolean {
  const gapMs = 1000 / perSecond;
  const until = Math.max(now, bucket.emptyUntil) + gapMs;
  if (until > now + atOnce * gapMs || (!isBack && bucket.lineUntil > now)) {
    return false;
  }
  bucket.emptyUntil = until;
  return true;
}

/** The end of a bucket's line: after the last one there, and not before there is one to take. */
function nextPlace({ emptyUntil, lineUntil }: Bucket, { perSecond, atOnce }: Rate): number {
  const gapMs = 1000 / perSecond;
  return Math.max(lineUntil, emptyUntil - atOnce * gapMs) + gapMs;
}
