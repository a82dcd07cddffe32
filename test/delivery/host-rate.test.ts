import { describe, expect, it } from "vitest";

import { HostRate, MAX_AHEAD_MS, OWN_RATE, SHARED_RATE } from "../../src/delivery/host-rate.ts";

const HOST = "relay.example";
const SECOND = 1_000;
const PER_SECOND = OWN_RATE.perSecond + SHARED_RATE.perSecond;
const AT_ONCE = OWN_RATE.atOnce + SHARED_RATE.atOnce;

/** For how long a post of a merchant has to wait. */
function take(rate: HostRate, now: number, more: { merchant?: string; host?: string; random?: number } = {}): number {
  return rate.take({ merchant: "a", host: HOST, isBack: false, now, random: 0, ...more });
}

/** How many of so many posts of a merchant a host takes at a moment. */
function taken(rate: HostRate, merchant: string, count: number, now: number): number {
  return Array.from({ length: count }, () => take(rate, now, { merchant })).filter((wait) => wait === 0).length;
}

/** A number from 0 to 1 of a sequence that is the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/**
 * Deliveries of a merchant that come at such times (ms), each of them again when it is told to: how often they come in
 * all, and the times at which they are posted.
 */
function deliver(times: number[]): { dispatches: number; posted: number[] } {
  const rate = new HostRate();
  const random = randomFrom(1);
  const bySlot = new Map<number, { at: number; isBack: boolean }[]>();
  const add = (at: number, isBack: boolean) => {
    const slot = Math.floor(at);
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), { at, isBack }]);
  };
  const all = Map.groupBy(times, Math.floor);
  for (const [slot, some] of all)
    bySlot.set(
      slot,
      some.map((at) => ({ at, isBack: false })),
    );
  const posted: number[] = [];
  let dispatches = 0;
  for (let slot = 0; posted.length < times.length; slot++) {
    for (const { at, isBack } of bySlot.get(slot) ?? []) {
      const wait = rate.take({ merchant: "a", host: HOST, isBack, now: slot, random: random() });
      dispatches += 1;
      if (wait === 0) posted.push(at);
      else add(slot + Math.max(1, Math.ceil(wait)), true);
    }
  }
  return { dispatches, posted };
}

describe("the rate of a host", () => {
  it("lets a burst through, and tells each of the others a time of its own, as far apart as the rate is", () => {
    const rate = new HostRate();
    expect(taken(rate, "a", AT_ONCE, 0)).toBe(AT_ONCE);
    const waits = Array.from({ length: 10 * PER_SECOND }, () => take(rate, 0));
    expect(waits.filter((wait) => wait <= SECOND)).toHaveLength(PER_SECOND);
    expect(Math.max(...waits)).toBeCloseTo(10 * SECOND);
    expect(take(rate, 0, { random: 0.5 })).toBeGreaterThan(10 * SECOND + 500);
  });

  it.each([1_000, 5_000, 20_000])("has %i that come at once come twice at most, as fast as it may", (count) => {
    const { dispatches, posted } = deliver(Array.from({ length: count }, () => 0));
    expect(dispatches / count).toBeLessThanOrEqual(2);
    expect(Math.max(...posted)).toBeLessThan(((count - AT_ONCE) / PER_SECOND) * SECOND + 2 * SECOND);
  });

  it("and so do those that wait while others come, which go behind them", () => {
    const burst = Array.from({ length: 5_000 }, () => 0);
    const after = Array.from({ length: 12_000 }, (_, n) => n * 5);
    const { dispatches } = deliver([...burst, ...after]);
    expect(dispatches / (burst.length + after.length)).toBeLessThanOrEqual(2);
  });

  it("is never above itself", () => {
    const { posted } = deliver(Array.from({ length: 5_000 }, () => 0));
    for (let seconds = 0; seconds <= 20; seconds++) {
      const until = posted.filter((at) => at <= seconds * SECOND);
      expect(until.length).toBeLessThanOrEqual(AT_ONCE + seconds * PER_SECOND);
    }
  });

  it("sends nobody away for longer than a quarter of an hour", () => {
    const rate = new HostRate();
    const waits = Array.from({ length: 300_000 }, () => take(rate, 0, { random: 1 }));
    expect(waits.reduce((most, wait) => Math.max(most, wait))).toBe(MAX_AHEAD_MS + SECOND);
  });

  it("leaves every merchant its own share, however much another sends to the same host", () => {
    const rate = new HostRate();
    for (let n = 0; n < 5; n++) {
      taken(rate, "greedy", 10_000, n * SECOND);
      expect(taken(rate, "modest", OWN_RATE.perSecond, n * SECOND)).toBe(OWN_RATE.perSecond);
    }
  });

  it("is of one host: another is not held back by it", () => {
    const rate = new HostRate();
    taken(rate, "a", 10_000, 0);
    expect(take(rate, 0, { host: "other.example" })).toBe(0);
  });

  it("is not worn out by many hosts", () => {
    const rate = new HostRate();
    for (let n = 0; n < 20_000; n++) {
      expect(take(rate, n * SECOND, { host: `${n}.example` })).toBe(0);
    }
  });
});
