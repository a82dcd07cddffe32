import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { septetsOf, transliterated } from "../../src/channels/texts/gsm7.ts";
import { renderText, type Notice } from "../../src/channels/texts/index.ts";
import { decimalOf, isCurrency } from "../../src/event/money.ts";

const TOLD = ["payment.succeeded", "payment.failed", "refund.succeeded", "dispute.opened"];
const LANGUAGES = ["en", "zh", "zh-TW"];

function sms(given: Notice, locale = "en"): string {
  return renderText("sms", given, locale)!.text;
}

function email(given: Notice, locale = "en") {
  const { subject, text, html } = renderText("email", given, locale)!;
  return { subject: subject!, text, html: html! };
}

const LETTERS = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
const CURRENCIES = LETTERS.flatMap((a) => LETTERS.flatMap((b) => LETTERS.map((c) => a + b + c))).filter(isCurrency);

const anyMoney = fc.tuple(fc.maxSafeInteger(), fc.constantFrom(...CURRENCIES)).map(([units, currency]) => {
  const value = String(units);
  return { value, decimal: decimalOf({ value, currency }), currency };
});
const anyReference = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[A-Za-z0-9_#/-]{40}$/),
  fc.constantFrom("A-1\r\nBcc: eve@example.com", "<script>"),
);
const anyData: fc.Arbitrary<Notice["data"]> = fc.record({
  payment: fc.record({ id: anyReference, reference: anyReference, amount: anyMoney, refunded: anyMoney }),
  refund: fc.record({ amount: anyMoney }),
  dispute: fc.oneof(fc.record({ amount: anyMoney }), fc.constant({})),
});
/** What is on a line of its own, turns others around, or nobody sees; joiners and isolates are part of names. */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200C|\u200D|\u2068|\u2069|[\u{E0020}-\u{E007F}])\p{Cf}/u;

/** Names that GSM-7 can write once accents are off, many of them longer than there is room. */
const latinName = fc.string({
  unit: fc.constantFrom(..."Az09 .:/@_-'!&[]{}~€|\\éèÄÖñçêãşžČń’–…\u00A0\n".split("")),
  maxLength: 120,
});

function anyNotice(merchant: fc.Arbitrary<string | null>): fc.Arbitrary<Notice> {
  return fc.record({ type: fc.constantFrom(...TOLD), merchant, data: anyData });
}

describe("whatever a notice holds", () => {
  const anyName = fc.oneof(fc.string({ unit: "binary", maxLength: 150 }), latinName, fc.constant(null));

  it("an SMS in English is GSM-7 and one segment, for names that it can write and amounts of up to 16 digits", () => {
    fc.assert(
      fc.property(anyNotice(fc.option(latinName)), (given) => {
        const septets = septetsOf(sms(given));
        expect(septets).not.toBeNull();
        expect(septets).toBeLessThanOrEqual(160);
      }),
      { numRuns: 2000 },
    );
  });

  it("an SMS in English holds nothing but the name that GSM-7 can't write", () => {
    fc.assert(
      fc.property(anyNotice(fc.string({ unit: "grapheme", maxLength: 60 })), (given) => {
        const text = sms(given);
        if (septetsOf(text) !== null) return;
        expect(septetsOf(transliterated(given.merchant!))).toBeNull();
        expect(text.endsWith(sms({ ...given, merchant: null }))).toBe(true);
        expect(septetsOf(sms({ ...given, merchant: null }))).not.toBeNull();
      }),
    );
  });

  it("a text is one line, a subject is one, and no name adds a paragraph", () => {
    fc.assert(
      fc.property(anyNotice(anyName), fc.constantFrom(...LANGUAGES), (given, locale) => {
        expect(sms(given, locale)).not.toMatch(UNSEEN);
        const { subject, text } = email(given, locale);
        expect(subject).not.toMatch(UNSEEN);
        expect(subject.match(/\u2068/g)?.length).toBe(subject.match(/\u2069/g)?.length);
        expect(subject.length).toBeLessThan(998);
        expect(text.split("\n")).toHaveLength(email({ ...given, merchant: "Ada" }, locale).text.split("\n").length);
      }),
      { numRuns: 1000 },
    );
  });

  it("a page holds the tags that are ours and no other", () => {
    fc.assert(
      fc.property(anyNotice(anyName), (given) => {
        const tags = email(given)
          .html.match(/<[^>]*>?/g)!
          .filter((tag) => !/^<(?:bdi dir="auto"|\/bdi)>$/.test(tag));
        expect(new Set(tags.map((tag) => tag.split(/[ >]/)[0]))).toEqual(
          new Set("<!doctype <html <head <meta <title </title </head <body <p </p </body </html".split(" ")),
        );
      }),
    );
  });
});
