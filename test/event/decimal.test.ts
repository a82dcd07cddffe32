import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { canonicalDecimal, compareDecimals, readDecimal, type Decimal } from "../../src/event/decimal.ts";

/** The order as it is defined: both with as many decimals as the longer has. */
function orderByDefinition(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [a, b].map(({ units, scale: own }) => units * 10n ** BigInt(scale - own)) as [bigint, bigint];
  return left === right ? 0 : left < right ? -1 : 1;
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const text = fc.tuple(fc.constantFrom("", "-"), digits(20), fc.option(digits(40))).map(([sign, whole, fraction]) => {
  const bare = whole.replace(/^0+(?=\d)/, "");
  return `${sign}${bare}${fraction === null ? "" : `.${fraction}`}`;
});
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const written = fc.oneof(text, double, fc.integer({ min: -20, max: 20 }), fc.constantFrom("-0", "0.00", 1e-300, "1.0"));

describe("two numbers", () => {
  it("stand as they do when both are written out", () => {
    fc.assert(
      fc.property(written, written, (one, other) => {
        const [a, b] = [readDecimal(one)!, readDecimal(other)!];
        const order = orderByDefinition(a, b);
        expect(Math.sign(compareDecimals(a, b))).toBe(order);
        expect(canonicalDecimal(a) === canonicalDecimal(b)).toBe(order === 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("that are far from each other are not written out: no memory would hold them", () => {
    const small = { units: 1n, scale: 1e12, magnitude: 1 - 1e12 };
    const one = readDecimal(1)!;
    expect(compareDecimals(small, one)).toBeLessThan(0);
    expect(compareDecimals(one, small)).toBeGreaterThan(0);
    expect(compareDecimals({ ...small, units: -1n }, readDecimal("-1")!)).toBeGreaterThan(0);
  });
});
