/** Scripts whose letters join or part by a joiner between them: https://www.unicode.org/reports/tr31/#A1 */
const JOINING = ["Arab", "Syrc", "Mand", "Nkoo", "Mong", "Phag", "Adlm", "Rohg"];
const INDIC = "Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Khmr Mymr Tibt Bali Java Sund".split(" ");
const LETTER = `[${[...JOINING, ...INDIC].map((script) => `\\p{Script=${script}}`).join("")}]`;
/** Variation selectors where there are forms to choose from: https://www.unicode.org/Public/UCD/latest/ucd/StandardizedVariants.txt */
const CHOOSING = [
  String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}])[\uFE0E\uFE0F]`,
  String.raw`(?<=[0-9#*])\uFE0F(?=\u20E3)`,
  String.raw`(?<=\p{Script=Han})[\uFE00-\uFE02\u{E0100}-\u{E01EF}]`,
  String.raw`(?<=[\p{Script=Mongolian}\p{Script=Phags_Pa}\p{Script=Myanmar}])[\u180B-\u180D\u180F\uFE00]`,
].join("|");
/** What is joined with ZWJ in an emoji, and how its colour or kind may follow it. */
const PICTURE = String.raw`\p{Extended_Pictographic}`;
const AFTER_PICTURE = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]`;

/**
 * What nobody sees and what turns text around, but for what words and emoji are made of: joiners (U+200C, U+200D)
 * between letters that need them, or behind one (a chillu of Malayalam), U+200D between pictures, the tags of a flag
 * such as Scotland's, and what chooses a form of the picture, keycap or letter before it.
 * https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const INVISIBLE = new RegExp(
  [
    `(?<!${LETTER})\\u200C|\\u200C(?!${LETTER})`,
    `(?<!${LETTER}|${AFTER_PICTURE})\\u200D|(?<=${AFTER_PICTURE})\\u200D(?!${PICTURE})`,
    String.raw`(?<!\u{1F3F4}[\u{E0030}-\u{E007A}]{0,6})[\u{E0020}-\u{E007F}]`,
    String.raw`(?![\u200C\u200D\u{E0020}-\u{E007F}]|${CHOOSING})[\p{Cf}\p{Default_Ignorable_Code_Point}]`,
  ].join("|"),
  "gu",
);

/** A text without what nobody sees, halves of characters too. What words and emoji need stays. */
export function withoutInvisible(text: string): string {
  return text.replace(/\p{Cs}/gu, "").replace(INVISIBLE, "");
}
