import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseObject } from "../../src/providers/json.ts";
import { failureOf, idOf, instantOfIso, isLive, moneyOf } from "../../src/providers/reading.ts";

describe("moneyOf", () => {
  it("reads a JSON number as the text of the same digits", () => {
    const units = fc.bigInt({ min: 0n, max: 10n ** 20n });
    fc.assert(
      fc.property(units, fc.nat({ max: 4 }), (value, zeros) => {
        const digits = String(value).padStart(4, "0");
        const text = `${digits.slice(0, -3).replace(/^0+(?=\d)/, "")}.${digits.slice(-3)}${"0".repeat(zeros)}`;
        const { amount } = parseObject(new TextEncoder().encode(`{"amount":${text}}`));
        expect(moneyOf(amount, "KWD")).toEqual({ value: String(value), currency: "KWD" });
        expect(moneyOf(text, "KWD")).toEqual({ value: String(value), currency: "KWD" });
      }),
    );
  });

  it.each([
    ["-0.01", "EUR"],
    [-5, "EUR"],
    ["1", "USDC"],
    ["1", "usdc"],
    ["1", undefined],
    [undefined, "EUR"],
    [1n, "EUR"],
    [Number.NaN, "EUR"],
    [1e21, "EUR"],
    [1e-7, "EUR"],
    [["1"], "EUR"],
  ])("leaves out %s %s", (amount, currency) => {
    expect(moneyOf(amount, currency)).toBeUndefined();
  });
});

describe("instantOfIso", () => {
  it.each([
    ["2026-11-24T09:30:00Z", Date.UTC(2026, 10, 24, 9, 30)],
    ["2026-11-24T09:30:00.250Z", Date.UTC(2026, 10, 24, 9, 30, 0, 250)],
    ["2026-11-24T09:30:00+08:00", Date.UTC(2026, 10, 24, 1, 30)],
    ["2026-11-24T09:30:00.250", Date.UTC(2026, 10, 24, 9, 30, 0, 250)],
    ["2026-11-24T09:30", Date.UTC(2026, 10, 24, 9, 30)],
  ])("reads %s, in UTC where it names no zone", (text, at) => {
    expect(instantOfIso(text)).toBe(at);
  });

  it.each([
    "",
    "2026-11-24",
    "24 Nov 2026 09:30",
    "2026-13-24T09:30:00Z",
    "2026-11-24T09:30:00 or so",
    1_764_000_000,
    null,
  ])("does not read %j", (value) => {
    expect(instantOfIso(value)).toBeNull();
  });
});

describe("idOf", () => {
  it.each([
    ["chg_1", "chg_1"],
    [7, "7"],
    [0, "0"],
    ["", undefined],
    [1.5, undefined],
    [2 ** 53, undefined],
    [null, undefined],
    [{ id: 1 }, undefined],
  ])("reads %j as %j", (value, id) => {
    expect(idOf(value)).toBe(id);
  });
});

describe("failureOf", () => {
  it("has what is there, under the names that are asked for", () => {
    expect(failureOf({ code: "51", message: "No funds" })).toEqual({ code: "51", message: "No funds" });
    expect(failureOf({ code: "51" })).toEqual({ code: "51" });
    expect(failureOf({ refusal: "5", text: "No" }, ["refusal", "text"])).toEqual({ code: "5", message: "No" });
    expect(failureOf({})).toBeUndefined();
    expect(failureOf(undefined)).toBeUndefined();
  });
});

describe("isLive", () => {
  it("is so unless the source says that it is not", () => {
    expect([undefined, {}, { livemode: true }, { livemode: false }].map(isLive)).toEqual([true, true, true, false]);
  });
});
