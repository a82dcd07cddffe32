import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emailMoney, plainPunctuation, smsMoney } from "../../src/channels/texts/money.ts";
import { decimalOf, exponentOf, isCurrency } from "../../src/event/money.ts";

const LANGUAGES = ["en", "zh-Hans"];
const LETTERS = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
const CURRENCIES = LETTERS.flatMap((a) => LETTERS.flatMap((b) => LETTERS.map((c) => a + b + c))).filter(isCurrency);

function amount(decimal: string, currency: string) {
  return { value: decimal.replace(".", ""), decimal, currency };
}

/** The number in a text, as a decimal. */
function numberIn(text: string): string | undefined {
  return /\d[\d,]*(?:\.\d+)?/.exec(text)?.[0].replaceAll(",", "");
}

describe("an amount", () => {
  it.each([
    ["1234.50", "EUR", "€1,234.50", "€1,234.50", "EUR 1,234.50"],
    ["0.05", "USD", "$0.05", "US$0.05", "USD 0.05"],
    ["1.00", "CNY", "CN¥1.00", "¥1.00", "CNY 1.00"],
    ["500", "JPY", "¥500", "JP¥500", "JPY 500"],
    ["1234567", "VND", "₫1,234,567", "₫1,234,567", "VND 1,234,567"],
    ["12.500", "KWD", "KWD\u00A012.500", "KWD\u00A012.500", "KWD 12.500"],
    ["1.2345", "CLF", "CLF\u00A01.2345", "CLF\u00A01.2345", "CLF 1.2345"],
    ["1000", "ISK", "ISK\u00A01,000", "ISK\u00A01,000", "ISK 1,000"],
    ["99999", "CLP", "CLP\u00A099,999", "CLP\u00A099,999", "CLP 99,999"],
    ["100.00", "HUF", "HUF\u00A0100.00", "HUF\u00A0100.00", "HUF 100.00"],
    ["-1234.50", "EUR", "-€1,234.50", "-€1,234.50", "-EUR 1,234.50"],
    ["-1.00", "CHF", "-CHF\u00A01.00", "-CHF\u00A01.00", "-CHF 1.00"],
    ["0.00", "GBP", "£0.00", "£0.00", "GBP 0.00"],
  ])("%s %s is %s in an English email, %s in a Chinese one and %s in SMS", (decimal, currency, en, zh, sms) => {
    const given = amount(decimal, currency);
    expect(LANGUAGES.map((language) => emailMoney(given, language))).toEqual([en, zh]);
    expect(LANGUAGES.map((language) => smsMoney(given, language))).toEqual([sms, sms]);
  });

  it("has the currency's decimals even when fewer are given, and loses none when more are", () => {
    expect(smsMoney(amount("1", "EUR"), "en")).toBe("EUR 1.00");
    expect(smsMoney(amount("1.5", "KWD"), "en")).toBe("KWD 1.500");
    expect(smsMoney(amount("1.005", "USD"), "en")).toBe("USD 1.005");
    expect(smsMoney(amount("1.5", "JPY"), "en")).toBe("JPY 1.5");
  });

  it("needs no currency that anybody knows, so long as its code could be one", () => {
    expect(smsMoney(amount("1.00", "ZZZ"), "en")).toBe("ZZZ 1.00");
  });

  it("keeps all its digits where a float would not", () => {
    expect(emailMoney(amount("9999999999999999.99", "EUR"), "en")).toBe("€9,999,999,999,999,999.99");
    expect(smsMoney(amount("123456789012345678", "VND"), "en")).toBe("VND 123,456,789,012,345,678");
  });
});

describe("in every currency of ISO 4217", () => {
  it.each(LANGUAGES)("18 digits are told exactly, with the currency's decimals: %s", (language) => {
    const wrong = CURRENCIES.filter((currency) => {
      const decimal = decimalOf({ value: "123456789012345678", currency });
      const texts = [emailMoney(amount(decimal, currency), language)!, smsMoney(amount(decimal, currency), language)!];
      return !texts.every((text) => numberIn(text) === decimal) || texts[1] !== `${currency} ${grouped(decimal)}`;
    });
    expect(CURRENCIES.length).toBeGreaterThan(150);
    expect(wrong).toEqual([]);
  });

  it("any amount is told exactly, SMS in ASCII", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.constantFrom(...CURRENCIES),
        fc.constantFrom(...LANGUAGES),
        (units, currency, language) => {
          const decimal = decimalOf({ value: String(units), currency });
          const digits = decimal.replace("-", "");
          expect(numberIn(emailMoney(amount(decimal, currency), language)!)).toBe(digits);
          const minus = units < 0n ? "-" : "";
          expect(smsMoney(amount(decimal, currency), language)).toBe(`${minus}${currency} ${grouped(digits)}`);
          expect(digits.split(".")[1]?.length ?? 0).toBe(exponentOf(currency));
        },
      ),
      { numRuns: 500 },
    );
  });

  function grouped(decimal: string): string {
    const [whole = "", fraction] = decimal.split(".");
    const groups = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
    return fraction === undefined ? groups : `${groups}.${fraction}`;
  }
});

describe("what is no amount", () => {
  it.each([
    ["", "EUR"],
    ["-", "EUR"],
    ["1.", "EUR"],
    [".5", "EUR"],
    ["+1", "EUR"],
    ["1e3", "EUR"],
    ["1,000.00", "EUR"],
    ["NaN", "EUR"],
    ["Infinity", "EUR"],
    ["0x10", "EUR"],
    [" 1", "EUR"],
    ["1\n", "EUR"],
    ["１", "EUR"],
    ["1".repeat(41), "EUR"],
    [`1.${"1".repeat(21)}`, "EUR"],
    ["1", ""],
    ["1", "eur"],
    ["1", "EU"],
    ["1", "EURO"],
    ["1", "EUR\n"],
    ["1", "€"],
  ])("is not told: %j %j", (decimal, currency) => {
    for (const language of LANGUAGES) {
      expect(emailMoney(amount(decimal, currency), language)).toBeNull();
      expect(smsMoney(amount(decimal, currency), language)).toBeNull();
    }
  });

  it("is not told when there is none", () => {
    expect([emailMoney(undefined, "en"), smsMoney(undefined, "en")]).toEqual([null, null]);
  });

  it("is null or a text without control characters, and never throws", () => {
    const decimal = fc.oneof(fc.string(), fc.stringMatching(/^-?\d{0,45}\.?\d{0,25}$/));
    const currency = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z]{2,4}$/));
    fc.assert(
      fc.property(decimal, currency, fc.constantFrom(...LANGUAGES), (decimal, currency, language) => {
        const given = { value: "", decimal, currency };
        expect(emailMoney(given, language) ?? "").not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u202F]/u);
        expect(smsMoney(given, language) ?? "").toMatch(/^(?:-?[A-Z]{3} \d[\d,]*(?:\.\d+)?)?$/);
      }),
      { numRuns: 2000 },
    );
  });
});

it.each([
  ["a\u00A0b\u202Fc\u2009d\u3000e", "a b c d e"],
  ["\u22121 \u2013 \u2014 \u2010", "-1 - - -"],
  ["\u2018a\u2019 \u201Cb\u201D 5\u2032 6\u2033", "'a' \"b\" 5' 6\""],
  ["\u200E1\u200F\u061C\u2066\u2069\uFEFF", "1"],
  ["é € 付", "é € 付"],
])("punctuation of %j is %j in ASCII", (text, ascii) => {
  expect(plainPunctuation(text)).toBe(ascii);
});
