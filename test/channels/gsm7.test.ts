import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { septetsOf, transliterated } from "../../src/channels/texts/gsm7.ts";

/** 3GPP TS 23.038, 6.2.1: a row for each upper digit of the code, ESC being the escape to the other table. */
const ESC = "\u001B";
const BASIC = [
  "@£$¥èéùìòÇ\nØø\rÅå",
  `Δ_ΦΓΛΩΠΨΣΘΞ${ESC}ÆæßÉ`,
  " !\"#¤%&'()*+,-./",
  "0123456789:;<=>?",
  "¡ABCDEFGHIJKLMNO",
  "PQRSTUVWXYZÄÖÑÜ§",
  "¿abcdefghijklmno",
  "pqrstuvwxyzäöñüà",
];
/** 6.2.1.1: characters after the escape, by their code; two more are control characters of the alphabet itself. */
const EXTENDED = new Map([
  [0x0a, "\f"],
  [0x14, "^"],
  [0x28, "{"],
  [0x29, "}"],
  [0x2f, "\\"],
  [0x3c, "["],
  [0x3d, "~"],
  [0x3e, "]"],
  [0x40, "|"],
  [0x65, "€"],
]);

const basic = BASIC.join("").split("");
const extended = [...EXTENDED.values()];

describe("the default alphabet of SMS", () => {
  it("has 127 characters of one septet", () => {
    expect(basic).toHaveLength(128);
    expect(new Set(basic).size).toBe(128);
    expect(basic.filter((char) => char !== ESC && septetsOf(char) !== 1)).toEqual([]);
  });

  it("has ten of two", () => {
    expect(extended.map(septetsOf)).toEqual(extended.map(() => 2));
  });

  it("has no other", () => {
    const known = new Set([...basic, ...extended]);
    known.delete(ESC);
    const others = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((c) => !known.has(c));
    expect(others.filter((char) => septetsOf(char) !== null)).toEqual([]);
    expect(septetsOf("🎉")).toBeNull();
  });

  it.each([
    ["", 0],
    ["a", 1],
    ["[a]", 5],
    ["€".repeat(80), 160],
    ["EUR 1,234.50", 12],
    ["a付", null],
    ["`", null],
    ["ç", null],
    ["\u00A0", null],
    ["\t", null],
  ])("counts %j as %s", (text, septets) => {
    expect(septetsOf(text)).toBe(septets);
  });

  it("counts a text as the sum of its parts", () => {
    const part = fc.string({ unit: fc.constantFrom(...basic.filter((char) => char !== ESC), ...extended) });
    fc.assert(
      fc.property(part, part, (a, b) => {
        expect(septetsOf(a + b)).toBe(septetsOf(a)! + septetsOf(b)!);
        expect(septetsOf(`${a}付${b}`)).toBeNull();
      }),
    );
  });
});

describe("transliterated", () => {
  it.each([
    ["Zoë", "Zoe"],
    ["Crème brûlée à la Žižek", "Crème brulée à la Zizek"],
    ["Façade", "Facade"],
    ["İstanbul", "Istanbul"],
    ["Cafe\u0301", "Cafe"],
    ["“It’s” – 5″", `"It's" - 5"`],
    ["Ada\u00A0Shop", "Ada Shop"],
    ["ＡＤＡ ﬁne Ⅳ™", "ADA fine IVTM"],
    ["Wait…", "Wait..."],
  ])("%j is %j", (text, expected) => {
    expect(transliterated(text)).toBe(expected);
  });

  it.each(["Ada [Shop] €5 ÄÖÑÜ äöñü ßØø ΔΦ @_\n", ""])("leaves what GSM-7 has: %j", (text) => {
    expect(transliterated(text)).toBe(text);
  });

  it.each(["极好", "Łódź", "Привет", "Ada 🎉 Zoë", "½ Zoë", "“极好”"])(
    "leaves all as it was when one character can't be written: %s",
    (text) => {
      expect(transliterated(text)).toBe(text);
    },
  );

  it("writes GSM-7 or leaves the text alone, and has nothing to do the second time", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(..."aZ ëçžÅ€“’…ﬁ\u0301\u00A0Ł付".split("")) }),
    );
    fc.assert(
      fc.property(text, (text) => {
        const result = transliterated(text);
        if (septetsOf(result) === null) expect(result).toBe(text);
        expect(transliterated(result)).toBe(result);
      }),
      { numRuns: 2000 },
    );
  });
});
