/** So many attempts at an endpoint that has not answered lately are under way at once, in one invocation. */
const AT_ONCE = 2;
/** An endpoint that has answered in time is trusted for so long. */
const TRUSTED_MS = 60_000;
/** An endpoint that took long is suspected for so long: by then every isolate has heard that it is watched. */
const SUSPECTED_MS = 10_000;
/** How many endpoints this isolate remembers. */
const MAX_REMEMBERED = 10_000;

/** When endpoints last answered in time, and until when they are suspected; epoch ms, in this isolate. */
const answeredAt = new Map<string, number>();
const suspectedUntil = new Map<string, number>();

/** Remembers that an endpoint is slow, before the configuration says that it is watched. */
export function suspect(endpoint: string, now: number): void {
  answeredAt.delete(endpoint);
  remember(suspectedUntil, endpoint, now + SUSPECTED_MS);
}

export function isSuspected(endpoint: string, now: number): boolean {
  return (suspectedUntil.get(endpoint) ?? 0) > now;
}

/**
 * Lets few attempts at an endpoint begin until one of them is answered, so that one that hangs is met a few times, not
 * as often as there are events for it.
 */
export class Newcomers {
  readonly #underWay = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Waits until others have found out whether the endpoint answers or is slow. Ends with {@link leave}. */
  async enter(endpoint: string): Promise<void> {
    while (!isKnown(endpoint, Date.now()) && (this.#underWay.get(endpoint) ?? 0) >= AT_ONCE) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(endpoint, [...(this.#waiting.get(endpoint) ?? []), resolve]);
      await promise;
    }
    this.#underWay.set(endpoint, (this.#underWay.get(endpoint) ?? 0) + 1);
  }

  /** `isAnswered`: in time, whatever it said. */
  leave(endpoint: string, isAnswered: boolean): void {
    this.#underWay.set(endpoint, (this.#underWay.get(endpoint) ?? 1) - 1);
    if (isAnswered) {
      remember(answeredAt, endpoint, Date.now());
    }
    this.wake(endpoint);
  }

  /** Lets those who wait look again: something is known of the endpoint. */
  wake(endpoint: string): void {
    const waiting = this.#waiting.get(endpoint) ?? [];
    this.#waiting.delete(endpoint);
    waiting.forEach((resolve) => resolve());
  }
}

/** Whether an endpoint has lately answered in time, or taken long. */
function isKnown(endpoint: string, now: number): boolean {
  return (answeredAt.get(endpoint) ?? 0) + TRUSTED_MS > now || isSuspected(endpoint, now);
}

function remember(times: Map<string, number>, endpoint: string, at: number): void {
  if (times.size >= MAX_REMEMBERED) {
    times.clear();
  }
  times.set(endpoint, at);
}
