import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalOf, exponentOf, isCurrency, moneyFromMinor } from "../../src/event/money.ts";

const CURRENCIES = ["EUR", "USD", "JPY", "BHD", "CLF", "ISK", "MGA"];

describe("exponentOf", () => {
  it("has no decimals where ISO 4217 has none", () => {
    const codes = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ");
    expect(codes.filter((code) => exponentOf(code) !== 0)).toEqual([]);
  });

  it("has three decimals for the dinars and the rial that have them", () => {
    const codes = "BHD IQD JOD KWD LYD OMR TND".split(" ");
    expect(codes.filter((code) => exponentOf(code) !== 3)).toEqual([]);
  });

  it("has four decimals for the units of account of Chile and Uruguay", () => {
    expect(["CLF", "UYW"].map(exponentOf)).toEqual([4, 4]);
  });

  it("has two decimals for all others, also those that are counted without cents in daily life", () => {
    const codes = "EUR USD GBP HUF IDR TWD MGA MRU COP PKR LBP IRR AFN MMK".split(" ");
    expect(codes.filter((code) => exponentOf(code) !== 2)).toEqual([]);
  });
});

describe("isCurrency", () => {
  it.each(["EUR", "USD", "JPY", "BHD", "XAF", "XCG", "ZWG", "SLE", "CLF"])("knows %s", (code) => {
    expect(isCurrency(code)).toBe(true);
  });

  it.each(["eur", "EURO", "", "ZZZ", "XXX", "XTS", "XAU", "BTC", "DEM", "toString"])("does not know %s", (code) => {
    expect(isCurrency(code)).toBe(false);
  });
});

describe("decimalOf", () => {
  it.each([
    ["1999", "EUR", "19.99"],
    ["5", "EUR", "0.05"],
    ["0", "EUR", "0.00"],
    ["-5", "EUR", "-0.05"],
    ["-1999", "EUR", "-19.99"],
    ["500", "JPY", "500"],
    ["-500", "JPY", "-500"],
    ["12345", "BHD", "12.345"],
    ["7", "BHD", "0.007"],
    ["123456", "CLF", "12.3456"],
    ["9007199254740993", "USD", "90071992547409.93"],
  ])("writes %s %s as %s", (value, currency, decimal) => {
    expect(decimalOf({ value, currency })).toBe(decimal);
  });

  it("says every amount exactly: without its point it is the value again", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.constantFrom(...CURRENCIES), (units, currency) => {
        const decimal = decimalOf({ value: String(units), currency });
        expect(BigInt(decimal.replace(".", ""))).toBe(units);
        expect(decimal.split(".")[1]?.length ?? 0).toBe(exponentOf(currency));
      }),
    );
  });
});

describe("moneyFromMinor", () => {
  it("takes numbers, text and bigints, and the currency in any case", () => {
    const money = { value: "1999", currency: "EUR" };
    expect(moneyFromMinor(1999, "eur")).toEqual(money);
    expect(moneyFromMinor("1999", "EUR")).toEqual(money);
    expect(moneyFromMinor(1999n, "Eur")).toEqual(money);
  });

  it("writes one amount in one way only", () => {
    expect(moneyFromMinor("007", "EUR")?.value).toBe("7");
    expect(moneyFromMinor(-0, "EUR")?.value).toBe("0");
    expect(moneyFromMinor("-0", "EUR")?.value).toBe("0");
  });

  it("takes a negative amount", () => {
    expect(moneyFromMinor(-250, "USD")).toEqual({ value: "-250", currency: "USD" });
  });

  it("converts from a provider's decimals to the currency's own", () => {
    expect(moneyFromMinor(50_000, "ISK", { providerExponent: 2 })?.value).toBe("500");
    expect(moneyFromMinor(500, "MGA", { providerExponent: 0 })?.value).toBe("50000");
  });

  it("gives nothing where the conversion would lose something", () => {
    expect(moneyFromMinor(50_001, "ISK", { providerExponent: 2 })).toBeNull();
  });

  it.each([
    19.99,
    1e30,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    "",
    "19.99",
    "1e3",
    "0x10",
    " 1",
    "9".repeat(31),
  ])("gives nothing for %s, which is no exact integer", (value) => {
    expect(moneyFromMinor(value, "EUR")).toBeNull();
  });

  it.each(["", "BTC", "eurO", "ZZZ"])("gives nothing for the currency %j", (currency) => {
    expect(moneyFromMinor(1, currency)).toBeNull();
  });

  it("loses nothing on the way to a wider exponent", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 3 }), (units, providerExponent) => {
        const money = moneyFromMinor(units, "BHD", { providerExponent });
        expect(BigInt(money!.value)).toBe(units * 10n ** BigInt(3 - providerExponent));
      }),
    );
  });
});
