import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findInexact, parseExactly } from "../../src/event/exact-json.ts";

const INEXACT = [
  "12345678901234567890",
  "-9007199254740993",
  "0.1000000000000000055",
  "1e400",
  "-1E+400",
  "1e-400",
  "1.0000000000000000000000000000000001",
  `1${"0".repeat(250_000)}1`,
];
const EXACT = [
  "0",
  "-0",
  "0.0000000000000000000",
  "0e999",
  "9007199254740992",
  "12345678901234567000",
  "0.1",
  "1.10",
  "1.0000000000000000000",
  "0.000000000000000000000001",
  "1E+002",
  "100e-002",
  "1.7976931348623157e308",
  "5e-324",
];

describe("a number in JSON", () => {
  it.each(INEXACT)("of more digits than a double has comes as text: %s", (source) => {
    expect(parseExactly(source)).toBe(source);
    expect(parseExactly(`{"a":[1,{"b":${source}}]}`)).toEqual({ a: [1, { b: source }] });
  });

  it.each(EXACT)("that a double says as well stays one: %s", (source) => {
    expect(parseExactly(source)).toBe(Number(source));
    expect(findInexact(source)).toBeNull();
  });

  it("is found by its path, the first of several", () => {
    const [big, small] = INEXACT;
    expect(findInexact(`{"id":"12345678901234567890","a":[{"b/c":1},{"b/c":${big}}],"z":${small}}`)).toEqual([
      "a",
      "1",
      "b/c",
    ]);
    expect(findInexact(`{"a":{"same":${big}},"b":{"same":1}}`)).toEqual(["a", "same"]);
    expect(findInexact(big!)).toEqual([]);
  });

  it("is not looked for in what is no JSON, or too deep to be looked at", () => {
    expect(findInexact("{12345678901234567890")).toBeNull();
    expect(findInexact(`${"[".repeat(100_000)}12345678901234567890${"]".repeat(100_000)}`)).toBeNull();
  });

  it("of any double keeps its value, and of any decimal says the same or comes as text", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(parseExactly(JSON.stringify(value))) - value).toBe(0);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const parsed = parseExactly(String(value));
        expect(
          typeof parsed === "number"
            ? BigInt(parsed) === value || String(parsed) === String(value)
            : parsed === String(value),
        ).toBe(true);
      }),
    );
  });
});

describe("any other JSON", () => {
  it("is parsed as ever, and refused as ever", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseExactly(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(() => parseExactly("{12345678901234567890")).toThrow(SyntaxError);
  });
});
