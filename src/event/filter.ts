import type { EventView } from "./envelope.ts";

/**
 * Which events an endpoint wants, by what is in them: `{"data.payment.amount.value": {"$gte": 1000}}`. Keys are paths
 * with dots, `$and`, `$or` or `$not`; all have to hold. A value is what the path has to be equal to, or an object of
 * {@link OPERATORS}. `event/filter-check.ts` says what a filter may be, before it is stored.
 */
export type Filter = Record<string, unknown>;

interface Operator {
  /** Whether the operator takes this operand, and how to say so. */
  takes: (operand: unknown) => boolean;
  operand: string;
  /** Whether it holds for what stands under the path; what does not stand there is null. */
  holds: (value: unknown, operand: never) => boolean;
}

const isText = (operand: unknown) => typeof operand === "string";
const isOrdered = (operand: unknown) => isText(operand) || typeof operand === "number";
export const isLiteral = (operand: unknown) => isOrdered(operand) || typeof operand === "boolean" || operand === null;
const isList = (operand: unknown) => Array.isArray(operand) && operand.length > 0 && operand.every(isLiteral);

const LITERAL = { takes: isLiteral, operand: "a string, a number, true, false or null" };
const ORDERED = { takes: isOrdered, operand: "a number or a string" };
const LIST = { takes: isList, operand: "a list of strings, numbers, true, false or null, not an empty one" };
const TEXT = { takes: isText, operand: "a string" };

/** What a condition may ask of a value. `$not`, which takes a condition, is beside them. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries<Operator>({
    $eq: { ...LITERAL, holds: isEqual },
    $neq: { ...LITERAL, holds: (value, operand: unknown) => !isEqual(value, operand) },
    $gt: { ...ORDERED, holds: (value, operand: unknown) => order(value, operand) > 0 },
    $gte: { ...ORDERED, holds: (value, operand: unknown) => order(value, operand) >= 0 },
    $lt: { ...ORDERED, holds: (value, operand: unknown) => order(value, operand) < 0 },
    $lte: { ...ORDERED, holds: (value, operand: unknown) => order(value, operand) <= 0 },
    $in: { ...LIST, holds: (value, operand: unknown[]) => operand.some((one) => isEqual(value, one)) },
    $nin: { ...LIST, holds: (value, operand: unknown[]) => !operand.some((one) => isEqual(value, one)) },
    $startsWith: { ...TEXT, holds: (value, operand: string) => typeof value === "string" && value.startsWith(operand) },
    $endsWith: { ...TEXT, holds: (value, operand: string) => typeof value === "string" && value.endsWith(operand) },
    $exists: {
      takes: (operand) => typeof operand === "boolean",
      operand: "true or false",
      holds: (value, operand: boolean) => (value !== null) === operand,
    },
  }),
);

/**
 * Whether an event passes a filter that was checked. Never throws; takes time with the size of the filter, not with
 * that of the event.
 */
export function passes(filter: Filter, view: EventView): boolean {
  return Object.entries(filter).every(([key, value]) => {
    switch (key) {
      case "$and":
        return (value as Filter[]).every((one) => passes(one, view));
      case "$or":
        return (value as Filter[]).some((one) => passes(one, view));
      case "$not":
        return !passes(value as Filter, view);
      default:
        return meets(value, valueAt(view, key));
    }
  });
}

/** Whether a value meets a condition: all of its operators, or the literal that it is. */
function meets(condition: unknown, value: unknown): boolean {
  if (typeof condition !== "object" || condition === null) {
    return isEqual(value, condition);
  }
  return Object.entries(condition).every(([name, operand]: [string, unknown]) =>
    name === "$not" ? !meets(operand, value) : (OPERATORS.get(name)?.holds(value, operand as never) ?? false),
  );
}

/** What stands under a path; null where nothing does. Elements of lists go by their number. */
function valueAt(view: object, path: string): unknown {
  let value: unknown = view;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return null;
    }
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? null;
}

/** A number is equal to a number and to the text that writes it; a text only to the same text. */
function isEqual(value: unknown, operand: unknown): boolean {
  return typeof operand === "number" ? order(value, operand) === 0 : value === operand;
}

/**
 * How a value stands to an operand: below 0, 0 or above; NaN where they cannot be compared. An operand that is or
 * writes a number is compared with what is or writes one, exactly, however long; any other text with text, by code
 * units, which is right for times in UTC of one form.
 */
function order(value: unknown, operand: unknown): number {
  const right = decimalOf(operand);
  if (right !== null) {
    const left = decimalOf(value);
    return left === null ? Number.NaN : compare(left, right);
  }
  if (typeof value !== "string" || typeof operand !== "string") {
    return Number.NaN;
  }
  return value === operand ? 0 : value < operand ? -1 : 1;
}

/** `units` × 10^-`scale`. */
interface Decimal {
  units: bigint;
  scale: number;
}

/** Text longer than this writes no number that anybody pays. */
const MAX_DIGITS = 64;
const DECIMAL = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:e([+-]\d+))?$/;

/** The number that a value is or writes: no leading zeros and no exponent, which only numbers have. Else null. */
function decimalOf(value: unknown): Decimal | null {
  const isWritten = typeof value === "string" && value.length <= MAX_DIGITS && !value.includes("e");
  const match = isWritten || typeof value === "number" ? DECIMAL.exec(String(value)) : null;
  if (match === null) {
    return null;
  }
  const [, whole = "", fraction = "", exponent = "0"] = match;
  return { units: BigInt(whole + fraction), scale: fraction.length - Number(exponent) };
}

function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [a, b].map(({ units, scale: own }) => units * 10n ** BigInt(scale - own)) as [bigint, bigint];
  return left === right ? 0 : left < right ? -1 : 1;
}
