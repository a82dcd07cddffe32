import { exponentOf, isCurrency } from "./currencies.ts";

export { exponentOf, isCurrency } from "./currencies.ts";

/**
 * An amount of money. `value`: an integer in the minor units of ISO 4217, as text so that no reader makes a float of
 * it, may be negative. `currency`: an ISO 4217 code in upper case.
 */
export interface Money {
  value: string;
  currency: string;
}

/** Writes an amount for people, with the currency's decimals: 1999 EUR is `19.99`, 500 JPY is `500`. */
export function decimalOf({ value, currency }: Money): string {
  const exponent = exponentOf(currency);
  if (exponent === 0) return value;
  const negative = value.startsWith("-");
  const digits = (negative ? value.slice(1) : value).padStart(exponent + 1, "0");
  return `${negative ? "-" : ""}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Reads a provider's amount in minor units, exactly: null where it is no integer (a number must be a safe one, text a
 * plain one), where the currency is unknown (any case), or where the conversion would lose something.
 *
 * `providerExponent`: the decimals that the provider counts in, where they differ from the currency's own.
 */
export function moneyFromMinor(
  value: number | string | bigint,
  currency: string,
  { providerExponent }: { providerExponent?: number } = {},
): Money | null {
  const code = currency.toUpperCase();
  const units = integerOf(value);
  if (units === null || !isCurrency(code)) return null;
  const shift = exponentOf(code) - (providerExponent ?? exponentOf(code));
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && units % factor !== 0n) return null;
  return { value: String(shift < 0 ? units / factor : units * factor), currency: code };
}

/**
 * Reads a provider's amount in major units, such as `19.99`, exactly: null where it is no plain decimal, where the
 * currency is unknown (any case), or where it has more decimals than the currency, unless they are zeros.
 */
export function moneyFromDecimal(text: string, currency: string): Money | null {
  const [, whole, fraction = ""] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const exponent = exponentOf(currency.toUpperCase());
  if (/[^0]/.test(fraction.slice(exponent))) return null;
  return moneyFromMinor(`${whole}${fraction.slice(0, exponent).padEnd(exponent, "0")}`, currency);
}

/** Text longer than this is no amount, and is not worth the arithmetic. */
const MAX_DIGITS = 30;

function integerOf(value: number | string | bigint): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return value.length <= MAX_DIGITS && /^-?\d+$/.test(value) ? BigInt(value) : null;
}
