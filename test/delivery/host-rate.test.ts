import { describe, expect, it } from "vitest";

import { HostRate, OWN_RATE, SHARED_RATE } from "../../src/delivery/host-rate.ts";

const HOST = "relay.example";
const SECOND = 1_000;

/** How many of so many posts of a merchant a host takes at a moment. */
function taken(rate: HostRate, merchant: string, count: number, now: number): number {
  return Array.from({ length: count }, () => rate.take(merchant, HOST, now, 0)).filter((wait) => wait === 0).length;
}

describe("the rate of a host", () => {
  it("lets a burst through, then so many a second, and says for how long the others wait", () => {
    const rate = new HostRate();
    const burst = OWN_RATE.atOnce + SHARED_RATE.atOnce;
    expect(taken(rate, "a", 10_000, 0)).toBe(burst);
    expect([rate.take("a", HOST, 0, 0), rate.take("a", HOST, 0, 0.5)]).toEqual([1_000, 1_500]);
    for (let n = 1; n <= 5; n++) {
      expect(taken(rate, "a", 10_000, n * SECOND)).toBe(OWN_RATE.perSecond + SHARED_RATE.perSecond);
    }
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
    expect(rate.take("a", "other.example", 0, 0)).toBe(0);
  });

  it("is not worn out by many hosts", () => {
    const rate = new HostRate();
    for (let n = 0; n < 20_000; n++) {
      expect(rate.take("a", `${n}.example`, n * SECOND, 0)).toBe(0);
    }
  });
});
