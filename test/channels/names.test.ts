import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { septetsOf, transliterated } from "../../src/channels/texts/gsm7.ts";
import { emailName, plainReference, smsName } from "../../src/channels/texts/plain.ts";

const asItIs = (text: string) => text;

/** A name in each place where people read it: emails, SMS in Chinese, SMS in English. */
function everywhere(name: string): (string | null)[] {
  return [emailName(name), smsName(name, asItIs), smsName(name, transliterated)];
}

describe("a merchant's name", () => {
  it.each(["Ada", "Ada's Shop", "St. John & Sons, Inc.", "A.B. Co", "AT&T 24/7", "Yahoo!", ".NET Shop", "Version 2.0"])(
    "is written as it is: %s",
    (name) => {
      expect(everywhere(name)).toEqual([name, name, name]);
    },
  );

  it.each([
    ["Zoë’s Café – “Bar”", "Zoë’s Café – “Bar”", `Zoe's Café - "Bar"`],
    ["极好商店", "极好商店", "极好商店"],
    ["Łódź", "Łódź", "Łódź"],
    ["Ada 🎉", "Ada 🎉", "Ada 🎉"],
  ])("is in its own alphabet, and in GSM-7 where it can be: %s", (name, own, gsm7) => {
    expect(everywhere(name)).toEqual([own, own, gsm7]);
  });

  it.each([null, "", " ", "\n\t", "\u200B\u202E", "\uD800", "//"])("is none when nothing is left of it: %j", (name) => {
    expect([emailName(name), smsName(name, asItIs), smsName(name, transliterated)]).toEqual([null, null, null]);
  });

  it.each([
    ["line breaks", "Ada\r\nBcc: eve@evil", "Ada Bcc: eve@evil"],
    ["lines of Unicode", "Ada\u2028Eve\u2029Bob\u0085Mallory", "Ada Eve Bob Mallory"],
    ["control characters", "Ada\u0000\u001B[31m", "Ada [31m"],
    ["directions", "Ada \u202Eeve\u202C \u2066x\u2069\u200F", "Ada eve x"],
    ["what nobody sees", "A\u200Bd\u00ADa\uFEFF\u2060", "Ada"],
    ["halves of characters", "Ada\uD83C\uDF89\uD83C", "Ada🎉"],
    ["all kinds of spaces", " Ada\u00A0\u2003\u3000Shop ", "Ada Shop"],
  ])("is one line without %s", (_, name, expected) => {
    expect(emailName(name)).toBe(expected);
    expect(smsName(name, asItIs)).toBe(expected);
  });

  it.each([
    ["a family", "👨\u200D👩\u200D👧\u200D👦"],
    ["an astronaut", "Ada 👩🏽\u200D🚀"],
    ["a flag of pictures", "🏳\uFE0F\u200D🌈"],
    ["a flag of tags", "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} Shop"],
    ["Devanagari", "क\u094D\u200Dष"],
    ["a chillu of Malayalam", "അവന\u0D4D\u200D"],
  ])("keeps what joins %s", (_, name) => {
    expect([emailName(name), smsName(name, asItIs)]).toEqual([name, name]);
  });

  it("keeps what parts a Persian word, and turns nothing around it", () => {
    const name = "کتاب\u200Cخانه";
    expect(everywhere(name)).toEqual(Array(3).fill(`\u2068${name}\u2069`));
    expect(emailName(`Café (${name}\u202E\u2069)`)).toBe(`\u2068Café (${name})\u2069`);
  });

  it.each([
    ["between Latin letters", "pay\u200Dpal", "paypal"],
    ["before a stop", "A\u200D.\u200C", "A."],
    ["behind a picture alone", "🎉\u200D", "🎉"],
    ["twice", "क\u094D\u200D\u200Dष", "क\u094D\u200Dष"],
    ["as tags without a flag", "Ada\u{E0041}\u{E0042}", "Ada"],
  ])("keeps no joiner %s", (_, name, expected) => {
    expect(emailName(name)).toBe(expected);
  });

  it("is cut behind a word, not a character in two, at 100 characters in emails and 40 in SMS, and says so", () => {
    expect(emailName(`${"Blumen ".repeat(14)}Straußenfedern`)).toBe(`${"Blumen ".repeat(14).trim()}…`);
    expect(smsName("Grandmother's Flower, Herb and Vegetable Garden", transliterated)).toBe(
      "Grandmother's Flower, Herb and...",
    );
    expect(smsName("Großmutters Blumen, Kräuter und Gärten & Łódź", transliterated)).toBe(
      "Großmutters Blumen, Kräuter und Gärten…",
    );
    expect(smsName("好".repeat(150), asItIs)).toMatch(/^好{38,39}…$/);
    expect(emailName("a".repeat(101))).toBe(`${"a".repeat(99)}…`);
    expect(emailName("👩🏽\u200D🚀".repeat(50))).toBe(`${"👩🏽\u200D🚀".repeat(24)}…`);
    expect(emailName("e\u0301".repeat(60))).toBe(`${"e\u0301".repeat(49)}…`);
    expect(emailName(`${"a".repeat(98)} b`)).toBe(`${"a".repeat(98)} b`);
  });

  it("takes at most 40 septets in SMS, of which some characters take two", () => {
    expect(smsName("[".repeat(30), transliterated)).toBe(`${"[".repeat(18)}...`);
    expect(smsName(`${"a".repeat(39)}€`, transliterated)).toBe(`${"a".repeat(37)}...`);
    expect(septetsOf(smsName("Ada [Shop] ".repeat(9), transliterated)!)).toBeLessThanOrEqual(40);
  });
});

describe("no name is a link", () => {
  it.each([
    ["https://evil.com/login", "evil com/login"],
    ["Pay at HTTPS://evil.com!", "Pay at evil com!"],
    ["ftp:////evil", "evil"],
    ["//evil.com", "evil com"],
    ["evil.com", "evil com"],
    ["www.evil.co.uk", "www evil co uk"],
    ["eve@evil.com", "eve@evil com"],
    ["evil\u3002com", "evil com"],
    ["evil\uFF0Ecom", "evil com"],
    ["evil\uFF61com", "evil com"],
    ["https\uFF1A\uFF0F\uFF0Fevil", "evil"],
    ["evil.\u200Bcom", "evil com"],
    ["evil.рф", "evil рф"],
    ["192.168.0.1/x", "192 168 0 1/x"],
    ["xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd xn--p1ai"],
    ["cafe\u0301.com", "cafe\u0301 com"],
    ["हिन्दी.com", "हिन्दी com"],
    ["example.भारत", "example भारत"],
    ["💩.la", "💩 la"],
    ["a\uFE0F.com", "a com"],
    ["❤\uFE0F.com", "❤\uFE0F com"],
    ["ⓔⓥⓘⓛ.ⓒⓞⓜ", "ⓔⓥⓘⓛ ⓒⓞⓜ"],
  ])("%j", (name, expected) => {
    expect(emailName(name)).toBe(expected);
    expect(smsName(name, asItIs)).toBe(expected);
  });

  it.each([
    ["evil\u2024com", "evil com"],
    ["ｅｖｉｌ．ｃｏｍ", "evil com"],
    ["evil\u2488com", "evil1 com"],
    ["cafe\u0301.com", "cafe com"],
    ["evil.c\u0336om", "evil com"],
    ["http\uFE55//evil", "http: evil"],
  ])("nor becomes one in GSM-7: %j", (name, expected) => {
    expect(smsName(name, transliterated)).toBe(expected);
  });

  const label = fc.constantFrom(
    "evil",
    "ÉVIL",
    "cafe\u0301",
    "हिन्दी",
    "💩",
    "ⓔvil",
    "a-b",
    "a_b",
    "9",
    "好",
    "ａ",
    "(x)",
  );
  const stop = fc.constantFrom(".", "\u3002", "\uFF0E", "\uFF61", ".\u200B", "\u00AD.", "\u2024");
  const end = fc.constantFrom("com", "LA", "рф", "भारत", "中国", "xn--p1ai", "ｃｏｍ", "c\u0336om");
  const around = fc.constantFrom("", " ", "http://", "//", "eve@", ":", "/", "/login", "!", "\n", "\u202E");

  it("of whatever parts it is made", () => {
    fc.assert(
      fc.property(fc.tuple(around, label, stop, label, stop, end, around), (parts) => {
        for (const name of [emailName(parts.join("")), smsName(parts.join(""), transliterated)]) {
          expect(name).not.toMatch(/\S[.\u3002\uFF0E\uFF61](?:com|la|рф|भारत|中国|xn--p1ai|ｃｏｍ|c\u0336om)/iu);
          expect(name).not.toMatch(/[:：]?[/／]{2}/u);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a reference", () => {
  it.each(["A-1001", "pi_3PqK2e", "#12/34", "2026.11", "INV.7", "x.y", "0", "A".repeat(40)])(
    "may be %s",
    (reference) => {
      expect(plainReference(reference)).toBe(reference);
    },
  );

  it.each([
    "evil.com",
    "t.co/a",
    "www.evil.com",
    "//evil",
    "https://evil",
    "10.0.0.1",
    "#.com",
    "A 1",
    "A\n1",
    "A-1\n",
    "<b>",
    "订单",
    "A&1",
    "",
    "A".repeat(41),
    undefined,
    null,
    7,
    {},
    ["A-1"],
  ])("is left out when it can't be read out, or is a link: %j", (reference) => {
    expect(plainReference(reference)).toBeNull();
  });
});
