import type { Endpoint } from "../store/config.ts";

/** So many attempts at an endpoint that has not answered lately are under way at once, in one invocation. */
const AT_ONCE = 2;
/** An endpoint that has answered in time is trusted for so long. */
const TRUSTED_MS = 60_000;
/** An endpoint that does not answer so soon lags. */
export const LAG_MS = 200;
/** An endpoint that took long is suspected for so long: by then every isolate has heard that it is watched. */
const SUSPECTED_MS = 10_000;
/** How many endpoints, and merchants, this isolate remembers. */
const MAX_REMEMBERED = 10_000;

type Named = Pick<Endpoint, "merchant" | "id">;

/**
 * When endpoints last answered in time, when they last did not answer at once, and when they and their merchants last
 * took long; epoch ms, in this isolate.
 */
const answeredAt = new Map<string, number>();
const lagsSince = new Map<string, number>();
const endpointTookLongAt = new Map<string, number>();
const merchantTookLongAt = new Map<string, number>();

/**
 * Remembers that an endpoint is slow, before the configuration says that it is watched, and that its merchant has such
 * endpoints: what the others answered before does not count any more.
 */
export function suspect(endpoint: Named, now: number): void {
  answeredAt.delete(nameOf(endpoint));
  remember(endpointTookLongAt, nameOf(endpoint), now);
  remember(merchantTookLongAt, endpoint.merchant, now);
}

/** Remembers that an endpoint has answered in time, whatever it said. */
export function trust(endpoint: Named, now: number): void {
  remember(answeredAt, nameOf(endpoint), now);
}

/** Remembers whether an endpoint lags: its last attempt of which that is known was not answered at once. */
export function noteLag(endpoint: Named, lags: boolean, now: number): void {
  if (lags) {
    remember(lagsSince, nameOf(endpoint), now);
  } else {
    lagsSince.delete(nameOf(endpoint));
  }
}

/** Whether an endpoint lagged lately: it may be about to hang. */
export function lags(endpoint: Named, now: number): boolean {
  return (lagsSince.get(nameOf(endpoint)) ?? 0) + TRUSTED_MS > now;
}

/** Whether an endpoint took long lately. */
export function isSuspected(endpoint: Named, now: number): boolean {
  return (endpointTookLongAt.get(nameOf(endpoint)) ?? 0) + SUSPECTED_MS > now;
}

/** Whether any endpoint of a merchant took long lately: nobody waits for the next one that does. */
export function isMerchantSuspected(merchant: string, now: number): boolean {
  return (merchantTookLongAt.get(merchant) ?? 0) + TRUSTED_MS > now;
}

/** Whether an endpoint has answered in time lately, and since its merchant was last found to have slow ones. */
export function isTrusted(endpoint: Named, now: number): boolean {
  const at = answeredAt.get(nameOf(endpoint)) ?? 0;
  return at + TRUSTED_MS > now && at > (merchantTookLongAt.get(endpoint.merchant) ?? 0);
}

/**
 * Lets few attempts at an endpoint begin until one of them is answered, so that one that hangs is met a few times, not
 * as often as there are events for it.
 */
export class Newcomers {
  readonly #underWay = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Waits until others have found out whether the endpoint answers or is slow. Ends with {@link leave}. */
  async enter(endpoint: Named): Promise<void> {
    const name = nameOf(endpoint);
    while (!isKnown(endpoint, Date.now()) && (this.#underWay.get(name) ?? 0) >= AT_ONCE) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
      await promise;
    }
    this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + 1);
  }

  leave(endpoint: Named): void {
    const name = nameOf(endpoint);
    this.#underWay.set(name, (this.#underWay.get(name) ?? 1) - 1);
    this.wake(endpoint);
  }

  /** Lets those who wait look again: something is known of the endpoint. */
  wake(endpoint: Named): void {
    const waiting = this.#waiting.get(nameOf(endpoint)) ?? [];
    this.#waiting.delete(nameOf(endpoint));
    waiting.forEach((resolve) => resolve());
  }
}

function isKnown(endpoint: Named, now: number): boolean {
  return isTrusted(endpoint, now) || isSuspected(endpoint, now);
}

function nameOf({ merchant, id }: Named): string {
  return `${merchant}/${id}`;
}

function remember(times: Map<string, number>, endpoint: string, at: number): void {
  if (times.size >= MAX_REMEMBERED) {
    times.clear();
  }
  times.set(endpoint, at);
}
