import { exponentOf } from "../../event/money.ts";
import type { NoticeAmount } from "./notice.ts";

const DECIMAL = /^-?\d{1,40}(?:\.(\d{1,20}))?$/;
const CURRENCY = /^[A-Z]{3}$/;
/** What `Intl` writes that GSM-7 lacks or that nobody sees: spaces of all kinds, minus, quotes, marks of direction. */
const ASCII_FOR: ReadonlyArray<[RegExp, string]> = [
  [/[\u00A0\u2000-\u200A\u202F\u205F\u3000]/g, " "],
  [/[\u2010-\u2015\u2212]/g, "-"],
  [/[\u2018-\u201B\u2032]/g, "'"],
  [/[\u201C-\u201F\u2033]/g, '"'],
  [/[\u061C\u200B-\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/g, ""],
];

/**
 * An amount as emails show it, such as `€1,234.50`; null where it is none. Every digit is the decimal's own, and how
 * many follow the point is ISO 4217's word, not that of `Intl`.
 */
export function emailMoney(amount: NoticeAmount | undefined, language: string): string | null {
  return formatted(amount, language, "symbol");
}

/** An amount as SMS show it, such as `EUR 1,234.50`, in characters of GSM-7 alone; null where it is none. */
export function smsMoney(amount: NoticeAmount | undefined, language: string): string | null {
  const text = formatted(amount, language, "code");
  return text === null ? null : plainPunctuation(text);
}

/** Writes spaces, dashes and quotes as ASCII has them, and leaves out what nobody sees. */
export function plainPunctuation(text: string): string {
  return ASCII_FOR.reduce((result, [pattern, ascii]) => result.replace(pattern, ascii), text);
}

function formatted(amount: NoticeAmount | undefined, language: string, display: "symbol" | "code"): string | null {
  const match = DECIMAL.exec(amount?.decimal ?? "");
  if (amount === undefined || match === null || !CURRENCY.test(amount.currency)) return null;
  const digits = Math.max(exponentOf(amount.currency), match[1]?.length ?? 0);
  const format = new Intl.NumberFormat(language, {
    style: "currency",
    currency: amount.currency,
    currencyDisplay: display,
    numberingSystem: "latn",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return format.format(amount.decimal as Intl.StringNumericLiteral);
}
