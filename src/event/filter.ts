import type { EventView } from "./envelope.ts";

/**
 * Which events an endpoint wants, by what is in them: `{"data.payment.amount.value": {"$gte": 1000}}`. Keys are paths
 * with dots, `$and`, `$or` or `$not`; all have to hold. A value is what the path has to be equal to, or an object of
 * {@link OPERATORS}. `event/filter-check.ts` says what a filter may be, before it is stored.
 */
export type Filter = Record<string, unknown>;

/** Whether an event passes. Never throws; takes time with the size of the filter, not with that of the event. */
export type Prepared = (view: EventView) => boolean;

/** Whether a value under a path meets a condition; what does not stand there is null. */
type Meets = (value: unknown) => boolean;

interface Operator {
  /** Whether the operator takes this operand, and how to say so. */
  takes: (operand: unknown) => boolean;
  operand: string;
  /** The test that the operator makes with this operand. */
  prepare: (operand: never) => Meets;
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
    $eq: { ...LITERAL, prepare: equals },
    $neq: { ...LITERAL, prepare: (operand) => not(equals(operand)) },
    $gt: { ...ORDERED, prepare: (operand) => ordered(operand, (order) => order > 0) },
    $gte: { ...ORDERED, prepare: (operand) => ordered(operand, (order) => order >= 0) },
    $lt: { ...ORDERED, prepare: (operand) => ordered(operand, (order) => order < 0) },
    $lte: { ...ORDERED, prepare: (operand) => ordered(operand, (order) => order <= 0) },
    $in: { ...LIST, prepare: isAmong },
    $nin: { ...LIST, prepare: (operands) => not(isAmong(operands)) },
    $startsWith: {
      ...TEXT,
      prepare: (operand: string) => (value) => typeof value === "string" && value.startsWith(operand),
    },
    $endsWith: {
      ...TEXT,
      prepare: (operand: string) => (value) => typeof value === "string" && value.endsWith(operand),
    },
    $exists: {
      takes: (operand) => typeof operand === "boolean",
      operand: "true or false",
      prepare: (operand: boolean) => (value) => (value !== null) === operand,
    },
  }),
);

/** Whether an event passes a filter that was checked: {@link prepareFilter} for more than one event. */
export function passes(filter: Filter, view: EventView): boolean {
  return prepareFilter(filter)(view);
}

/** Reads a filter that was checked, once for all events that are asked about. */
export function prepareFilter(filter: Filter): Prepared {
  const all = Object.entries(filter).map(([key, value]): Prepared => {
    switch (key) {
      case "$and": {
        const each = (value as Filter[]).map(prepareFilter);
        return (view) => each.every((one) => one(view));
      }
      case "$or": {
        const each = (value as Filter[]).map(prepareFilter);
        return (view) => each.some((one) => one(view));
      }
      case "$not": {
        const inner = prepareFilter(value as Filter);
        return (view) => !inner(view);
      }
      default: {
        const path = key.split(".");
        const meets = prepareCondition(value);
        return (view) => meets(valueAt(view, path));
      }
    }
  });
  return (view) => all.every((one) => one(view));
}

/** A condition: all of its operators, or the literal that it is. */
function prepareCondition(condition: unknown): Meets {
  if (typeof condition !== "object" || condition === null) {
    return equals(condition);
  }
  const all = Object.entries(condition).map(([name, operand]: [string, unknown]): Meets => {
    if (name === "$not") {
      return not(prepareCondition(operand));
    }
    return OPERATORS.get(name)?.prepare(operand as never) ?? (() => false);
  });
  return (value) => all.every((meets) => meets(value));
}

function not(meets: Meets): Meets {
  return (value) => !meets(value);
}

/** What stands under a path; null where nothing does. Elements of lists go by their number. */
function valueAt(view: object, path: string[]): unknown {
  let value: unknown = view;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return null;
    }
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? null;
}

/** A number is equal to a number and to the text that writes it; a text only to the same text. */
function equals(operand: unknown): Meets {
  return typeof operand === "number" ? ordered(operand, (order) => order === 0) : (value) => value === operand;
}

/** Equal to one of a list: looked up, however long that is. */
function isAmong(operands: unknown[]): Meets {
  const literals = new Set(operands.filter((operand) => typeof operand !== "number"));
  const numbers = new Set(operands.flatMap((operand) => (typeof operand === "number" ? plain(operand) : [])));
  return (value) => literals.has(value) || (numbers.size > 0 && numbers.has(plain(value)));
}

/** A number as text that is the same for all that write it; undefined where a value is and writes none. */
function plain(value: unknown): string | undefined {
  const decimal = decimalOf(value);
  if (decimal === null || decimal.units === 0n) {
    return decimal === null ? undefined : "0";
  }
  const digits = String(decimal.units);
  const kept = digits.replace(/0+$/, "");
  return `${kept}e${digits.length - kept.length - decimal.scale}`;
}

/**
 * Tests how a value stands to an operand: below 0, 0 or above; NaN where they cannot be compared. An operand that is or
 * writes a number is compared with what is or writes one, exactly, however long; any other text with text, by code
 * units, which is right for times in UTC of one form.
 */
function ordered(operand: unknown, holds: (order: number) => boolean): Meets {
  const right = decimalOf(operand);
  if (right !== null) {
    return (value) => {
      const left = decimalOf(value);
      return left !== null && holds(compare(left, right));
    };
  }
  return (value) => {
    const isText = typeof value === "string" && typeof operand === "string";
    return isText && holds(value === operand ? 0 : value < operand ? -1 : 1);
  };
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
