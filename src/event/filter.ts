import { canonicalDecimal, compareDecimals, readDecimal, type Decimal } from "./decimal.ts";
import type { EventView } from "./envelope.ts";

/**
 * Which events an endpoint wants, by what is in them: `{"data.payment.amount.value": {"$gte": 1000}}`. Keys are paths
 * with dots, `$and`, `$or` or `$not`; all have to hold. A value is what the path has to be equal to, or an object of
 * {@link OPERATORS}. `event/filter-check.ts` says what a filter may be, before it is stored.
 */
export type Filter = Record<string, unknown>;

/** Whether an event passes. Never throws; takes time with the size of the filter, not with that of the event. */
export type Prepared = (event: Reading) => boolean;

/** An event as filters read it: what stands under a path is looked up once for all filters that are asked about it. */
export class Reading {
  readonly #view: EventView;
  readonly #read = new Map<string, Read>();

  constructor(view: EventView) {
    this.#view = view;
  }

  /** What stands under a path with dots. */
  at(path: string): Read {
    const known = this.#read.get(path);
    if (known !== undefined) {
      return known;
    }
    const read = new Read(valueAt(this.#view, path.split(".")));
    this.#read.set(path, read);
    return read;
  }
}

/** A value of an event, null where there is none; which number it is or writes is worked out once. */
class Read {
  readonly value: unknown;
  #decimal: Decimal | null | undefined;
  #canonical: string | null | undefined;

  constructor(value: unknown) {
    this.value = value;
  }

  get decimal(): Decimal | null {
    this.#decimal = this.#decimal === undefined ? readDecimal(this.value) : this.#decimal;
    return this.#decimal;
  }

  /** The number as text that is the same for all that write it. */
  get canonical(): string | null {
    this.#canonical = this.#canonical === undefined ? canonical(this.decimal) : this.#canonical;
    return this.#canonical;
  }
}

/** Whether what was read under a path meets a condition. */
type Meets = (read: Read) => boolean;

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
      prepare:
        (operand: string) =>
        ({ value }) =>
          typeof value === "string" && value.startsWith(operand),
    },
    $endsWith: {
      ...TEXT,
      prepare:
        (operand: string) =>
        ({ value }) =>
          typeof value === "string" && value.endsWith(operand),
    },
    $exists: {
      takes: (operand) => typeof operand === "boolean",
      operand: "true or false",
      prepare:
        (operand: boolean) =>
        ({ value }) =>
          (value !== null) === operand,
    },
  }),
);

/** Whether an event passes a filter that was checked: {@link prepareFilter} for more than one event. */
export function passes(filter: Filter, view: EventView): boolean {
  return prepareFilter(filter)(new Reading(view));
}

/** Reads a filter that was checked, once for all events that are asked about. */
export function prepareFilter(filter: Filter): Prepared {
  const all = Object.entries(filter).map(([key, value]): Prepared => {
    switch (key) {
      case "$and": {
        const each = (value as Filter[]).map(prepareFilter);
        return (event) => each.every((one) => one(event));
      }
      case "$or": {
        const each = (value as Filter[]).map(prepareFilter);
        return (event) => each.some((one) => one(event));
      }
      case "$not": {
        const inner = prepareFilter(value as Filter);
        return (event) => !inner(event);
      }
      default: {
        const meets = prepareCondition(value);
        return (event) => meets(event.at(key));
      }
    }
  });
  return (event) => all.every((one) => one(event));
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
  return (read) => all.every((meets) => meets(read));
}

function not(meets: Meets): Meets {
  return (read) => !meets(read);
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
  return typeof operand === "number" ? ordered(operand, (order) => order === 0) : ({ value }) => value === operand;
}

/** Equal to one of a list: looked up, however long that is. */
function isAmong(operands: unknown[]): Meets {
  const literals = new Set(operands.filter((operand) => typeof operand !== "number"));
  const numbers = new Set(
    operands.map((operand) => (typeof operand === "number" ? canonical(readDecimal(operand)) : null)),
  );
  numbers.delete(null);
  return (read) => literals.has(read.value) || (numbers.size > 0 && numbers.has(read.canonical));
}

function canonical(decimal: Decimal | null): string | null {
  return decimal && canonicalDecimal(decimal);
}

/**
 * Tests how a value stands to an operand: below 0, 0 or above. An operand that is or writes a number is compared with
 * what is or writes one, exactly, however long; any other text with text, by code units, which is right for times in
 * UTC of one form. What cannot be compared does not hold.
 */
function ordered(operand: unknown, holds: (order: number) => boolean): Meets {
  const right = readDecimal(operand);
  if (right !== null) {
    return ({ decimal: left }) => left !== null && holds(compareDecimals(left, right));
  }
  return ({ value }) => {
    const isText = typeof value === "string" && typeof operand === "string";
    return isText && holds(value === operand ? 0 : value < operand ? -1 : 1);
  };
}
