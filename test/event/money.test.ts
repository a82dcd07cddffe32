import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalOf, exponentOf, isCurrency, moneyFromDecimal, moneyFromMinor } from "../../src/event/money.ts";

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

describe("moneyFromDecimal", () => {
  it.each([
    ["19.99", "EUR", "1999"],
    ["19.9", "eur", "1990"],
    ["19", "EUR", "1900"],
    ["19.9900", "EUR", "1999"],
    ["0.05", "EUR", "5"],
    ["-0.05", "EUR", "-5"],
    ["-19.99", "EUR", "-1999"],
    ["-0.00", "EUR", "0"],
    ["007.10", "EUR", "710"],
    ["500", "JPY", "500"],
    ["500.00", "JPY", "500"],
    ["12.345", "BHD", "12345"],
    ["12.3456", "CLF", "123456"],
    ["90071992547409.93", "USD", "9007199254740993"],
    ["1.005", "KWD", "1005"],
  ])("reads %s %s as %s minor units", (text, currency, value) => {
    expect(moneyFromDecimal(text, currency)).toEqual({ value, currency: currency.toUpperCase() });
  });

  it.each([
    ["19.999", "EUR"],
    ["500.5", "JPY"],
    ["0.0001", "BHD"],
  ])("gives nothing for %s %s, which the currency cannot hold", (text, currency) => {
    expect(moneyFromDecimal(text, currency)).toBeNull();
  });

  it.each([
    "",
    ".",
    ".5",
    "5.",
    "-",
    "--1",
    "+1",
    "1,00",
    "1.0.0",
    "1e3",
    "0x10",
    " 1",
    "1\n",
    "١",
    "NaN",
    "9".repeat(31),
  ])("gives nothing for %j, which is no plain decimal", (text) => {
    expect(moneyFromDecimal(text, "EUR")).toBeNull();
  });

  it.each(["", "BTC", "ZZZ"])("gives nothing for the currency %j", (currency) => {
    expect(moneyFromDecimal("1.00", currency)).toBeNull();
  });

  it("reads whatever decimalOf writes, with any number of zeros behind it", () => {
    const units = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    fc.assert(
      fc.property(units, fc.constantFrom(...CURRENCIES), fc.nat({ max: 9 }), (value, currency, zeros) => {
        const money = { value: String(value), currency };
        const decimal = decimalOf(money);
        const padded = zeros === 0 ? decimal : `${decimal.includes(".") ? decimal : `${decimal}.`}${"0".repeat(zeros)}`;
        expect(moneyFromDecimal(padded, currency)).toEqual(money);
      }),
    );
  });

  it("gives nothing where any digit beyond the currency's decimals is not zero", () => {
    const tail = fc.stringMatching(/^0{0,5}[1-9]\d{0,3}$/);
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...CURRENCIES), tail, (value, currency, rest) => {
        const decimal = decimalOf({ value: String(value), currency });
        const point = decimal.includes(".") ? "" : ".";
        expect(moneyFromDecimal(`${decimal}${point}${rest}`, currency)).toBeNull();
      }),
    );
  });
});
