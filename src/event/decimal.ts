/** A number exactly as it is written: `units` × 10^-`scale`, however long. */
export interface Decimal {
  units: bigint;
  scale: number;
  /** How many digits stand before the point; below 0, how many zeros follow it. Of 0: as it comes. */
  magnitude: number;
}

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
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const scale = fraction.length - Number(exponent);
  return { units: BigInt(`${sign}${digits || "0"}`), scale, magnitude: digits.length - scale };
}

/**
 * How two numbers stand: below 0, 0 or above. By sign, then by magnitude, so that no more is ever multiplied than the
 * digits that were written: 1e-300 next to 1 costs nothing.
 */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [left, right] = [signOf(a), signOf(b)];
  if (left !== right || left === 0) {
    return left - right;
  }
  if (a.magnitude !== b.magnitude) {
    return a.magnitude < b.magnitude ? -left : left;
  }
  const scale = Math.max(a.scale, b.scale);
  const [one, other] = [unitsAt(a, scale), unitsAt(b, scale)];
  return one === other ? 0 : one < other ? -1 : 1;
}

/** A number as text that is the same for all that write it. */
export function canonicalDecimal({ units, scale }: Decimal): string {
  if (units === 0n) {
    return "0";
  }
  const digits = String(units);
  const kept = digits.replace(/0+$/, "");
  return `${kept}e${digits.length - kept.length - scale}`;
}

function signOf({ units }: Decimal): number {
  return units === 0n ? 0 : units < 0n ? -1 : 1;
}

function unitsAt({ units, scale }: Decimal, wanted: number): bigint {
  return wanted === scale ? units : units * 10n ** BigInt(wanted - scale);
}
