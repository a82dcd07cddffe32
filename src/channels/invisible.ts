/** Scripts whose letters join or part by a joiner between them: https://www.unicode.org/reports/tr31/#A1 */
const JOINING = ["Arab", "Syrc", "Mand", "Nkoo", "Mong", "Phag", "Adlm", "Rohg"];
const INDIC = "Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Khmr Mymr Tibt Bali Java Sund".split(" ");
const LETTER = `[${[...JOINING, ...INDIC].map((script) => `\\p{Script=${script}}`).join("")}]`;
/** What is joined with ZWJ in an emoji, and how its colour or kind may follow it. */
const PICTURE = String.raw`\p{Extended_Pictographic}`;
const AFTER_PICTURE = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]`;

/**
 * What nobody sees and what turns text around, but for what words and emoji are made of: joiners (U+200C, U+200D)
 * between letters that need them, or behind one (a chillu of Malayalam), U+200D between pictures, and the tags of a flag such as Scotland's.
 */
const INVISIBLE = new RegExp(
  [
    `(?<!${LETTER})\\u200C|\\u200C(?!${LETTER})`,
    `(?<!${LETTER}|${AFTER_PICTURE})\\u200D|(?<=${AFTER_PICTURE})\\u200D(?!${PICTURE})`,
    String.raw`(?<!\u{1F3F4}[\u{E0030}-\u{E007A}]{0,6})[\u{E0020}-\u{E007F}]`,
    String.raw`(?![\u200C\u200D\u{E0020}-\u{E007F}])\p{Cf}`,
  ].join("|"),
  "gu",
);

/** A text without what nobody sees, halves of characters too. What words and emoji need stays. */
export function withoutInvisible(text: string): string {
  return text.replace(/\p{Cs}/gu, "").replace(INVISIBLE, "");
}
