/** A number exactly as it is written, however long: `sign` × 0.`digits` × 10^`magnitude`. */
export interface Decimal {
  sign: -1 | 0 | 1;
  magnitude: number;
  /** Without zeros at either end; empty: 0. */
  digits: string;
}

const ZERO: Decimal = { sign: 0, magnitude: 0, digits: "" };

/** Text longer than this writes no number that anybody pays. */
const MAX_DIGITS = 64;
const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/** The number that a value is or writes: no leading zeros and no exponent, which only numbers have. Else null. */
export function readDecimal(value: unknown): Decimal | null {
  const isWritten = typeof value === "string" && value.length <= MAX_DIGITS && !value.includes("e");
  const match = isWritten || typeof value === "number" ? DECIMAL.exec(String(value)) : null;
  if (match === null) {
    return null;
  }
  const [, minus = "", whole = "", fraction = "", exponent = "0"] = match;
  const significant = (whole + fraction).replace(/^0+/, "");
  if (significant === "") {
    return ZERO;
  }
  const magnitude = significant.length - fraction.length + Number(exponent);
  return { sign: minus === "" ? 1 : -1, magnitude, digits: significant.replace(/0+$/, "") };
}

/** How two numbers stand: below 0, 0 or above. Takes no more than their digits: 1e-300 is not written out for it. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.sign !== b.sign) {
    return a.sign - b.sign;
  }
  if (a.magnitude !== b.magnitude) {
    return a.magnitude < b.magnitude ? -a.sign : a.sign;
  }
  // Behind the same point, digits stand in the order of their text.
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -a.sign : a.sign;
}

/** A number as text that is the same for all that write it. */
export function canonicalDecimal({ sign, magnitude, digits }: Decimal): string {
  return `${sign}/${magnitude}/${digits}`;
}

/** How many digits after the point the number has that a value is or writes, without zeros at the end. */
export function decimalsOf(value: unknown): number {
  const { magnitude, digits } = readDecimal(value) ?? ZERO;
  return Math.max(0, digits.length - magnitude);
}
