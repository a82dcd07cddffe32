/** A run of digits as cards have it, perhaps in groups. */
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;
const EMAIL = /[^\s<>"'(=:,;]+@[^\s<>"'),;]+/g;
/** A number in international form; others cannot be told from amounts and ids. */
const PHONE = /\+\d(?:[\s().-]{0,2}\d){6,14}/g;

/**
 * A text that somebody else has written, as it may be kept: email addresses, phone numbers in international form and
 * card numbers are masked. A name cannot be told from another word.
 */
export function withoutPersonal(text: string): string {
  return text
    .replaceAll(EMAIL, "[address]")
    .replaceAll(PHONE, "[number]")
    .replaceAll(CARD, (digits) => (isCard(digits.replaceAll(/\D/g, "")) ? "[card]" : digits));
}

/** The check digit of ISO/IEC 7812-1. */
function isCard(digits: string): boolean {
  const sum = digits
    .split("")
    .toReversed()
    .reduce((sum, digit, i) => {
      const value = Number(digit) * (i % 2 === 0 ? 1 : 2);
      return sum + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}
