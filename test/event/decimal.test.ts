import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { canonicalDecimal, compareDecimals, decimalsOf, readDecimal } from "../../src/event/decimal.ts";

/** The order by definition: both written out with as many decimals as the longer has. */
function orderByDefinition(a: string | number, b: string | number): number {
  const [one, other] = [partsOf(a), partsOf(b)];
  const scale = Math.max(one.scale, other.scale);
  const left = one.units * 10n ** BigInt(scale - one.scale);
  const right = other.units * 10n ** BigInt(scale - other.scale);
  return left === right ? 0 : left < right ? -1 : 1;
}

function partsOf(written: string | number): { units: bigint; scale: number } {
  const [mantissa = "", exponent = "0"] = String(written).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { units: BigInt(whole + fraction), scale: fraction.length - Number(exponent) };
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const few = fc.stringMatching(/^[019]{1,4}$/);
const text = fc
  .tuple(fc.constantFrom("", "-"), fc.oneof(few, digits(20)), fc.option(fc.oneof(few, digits(40))))
  .map(([sign, whole, fraction]) => {
    const bare = whole.replace(/^0+(?=\d)/, "");
    return `${sign}${bare}${fraction === null ? "" : `.${fraction}`}`;
  });
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const known = fc.constantFrom("-0", "0.00", 1e-300, -1e-300, 1e300, "1.0", "10", `0.${"0".repeat(60)}1`);
const written = fc.oneof(text, double, fc.integer({ min: -20, max: 20 }), known);

describe("two numbers", () => {
  it("stand as they do when both are written out", () => {
    fc.assert(
      fc.property(written, written, (one, other) => {
        const [a, b] = [readDecimal(one)!, readDecimal(other)!];
        const order = orderByDefinition(one, other);
        expect(Math.sign(compareDecimals(a, b)) + 0).toBe(order);
        expect(canonicalDecimal(a) === canonicalDecimal(b)).toBe(order === 0);
      }),
      { numRuns: 5_000 },
    );
  });

  it("that are far from each other are not written out: no memory would hold them", () => {
    const tiny = { ...readDecimal(1)!, magnitude: -1e12 };
    expect(compareDecimals(tiny, readDecimal(1)!)).toBeLessThan(0);
    expect(compareDecimals({ ...tiny, sign: -1 }, readDecimal("-1")!)).toBeGreaterThan(0);
  });
});

it.each<[unknown, number]>([
  ["12", 0],
  ["120", 0],
  ["0.050", 2],
  [1.5e-64, 65],
  [1e-64, 64],
  [1e64, 0],
  ["no number", 0],
])("%s has %i decimals", (value, decimals) => {
  expect(decimalsOf(value)).toBe(decimals);
});
