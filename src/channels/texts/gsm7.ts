// The default alphabet of SMS: 3GPP TS 23.038, 6.2.1. https://www.3gpp.org/DynaReport/23038.htm

import { plainPunctuation } from "./money.ts";

const BASIC: ReadonlySet<string> = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/** These are written as two. */
const EXTENDED: ReadonlySet<string> = new Set("\f^{}\\[~]|€");

/** How many septets a text takes; null where it holds a character that the alphabet lacks. */
export function septetsOf(text: string): number | null {
  let septets = 0;
  for (const char of text) {
    if (EXTENDED.has(char)) septets += 2;
    else if (BASIC.has(char)) septets += 1;
    else return null;
  }
  return septets;
}

/**
 * Writes a text in the alphabet by taking accents off the letters that it lacks, such as `e` for `ë`; the text as it
 * was where that does not do.
 */
export function transliterated(text: string): string {
  const plain = Array.from(plainPunctuation(text), (char) =>
    septetsOf(char) === null ? char.normalize("NFKD").replace(/\p{M}/gu, "") : char,
  );
  const result = plain.join("");
  return septetsOf(result) === null ? text : result;
}
