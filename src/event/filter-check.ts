import { decimalsOf } from "./decimal.ts";
import { nearestOf } from "./event-types.ts";
import { isLiteral, OPERATORS, type Filter } from "./filter.ts";

/** Filters are evaluated for every event of a merchant: these keep that short. */
const MAX_CHARS = 8_192;
const MAX_DEPTH = 8;
const MAX_NODES = 200;
const MAX_TEXT = 512;
/** Digits after the point, zeros too. */
const MAX_DECIMALS = 64;

/** One thing wrong with a filter, and where in it. */
export interface FilterProblem {
  path: (string | number)[];
  message: string;
}

/** A value to compare; an object of fields; a list of one kind; whatever the merchant puts there. */
type Shape = "value" | "anything" | { [field: string]: Shape } | [Shape];

const MONEY: Shape = { value: "value", decimal: "value", currency: "value" };

/** What filters can look at: `EventView`, field by field; a test holds the two together. */
const VIEW: Shape = {
  type: "value",
  timestamp: "value",
  livemode: "value",
  user: "value",
  data: {
    payment: {
      id: "value",
      reference: "value",
      amount: MONEY,
      refunded: MONEY,
      method: "value",
      failure: { code: "value", message: "value" },
    },
    refund: { id: "value", amount: MONEY, whole: "value", reason: "value" },
    dispute: { id: "value", amount: MONEY, reason: "value", evidenceDueBy: "value" },
    payout: { id: "value", amount: MONEY, arrivalDate: "value" },
    account: { id: "value", available: [MONEY], pending: [MONEY] },
    paymentMethod: { id: "value", brand: "value", last4: "value", expMonth: "value", expYear: "value" },
    custom: "anything",
    provider: { name: "value", source: "value", eventId: "value", type: "value", authenticity: "value" },
  },
};

/** What an event only has once its outbox has taken it: filters decide before that. */
const NOT_YET = [
  "id",
  "sequence",
  "previous",
  "stale",
  "data.payment.status",
  "data.payment.reported",
  "data.payment.version",
];

const PATHS = pathsOf(VIEW);

/** What is wrong with a filter as it came in, at most one thing a node; none where it may be stored. */
export function checkFilter(filter: unknown): FilterProblem[] {
  const check = new Check();
  check.filter(filter, [], 0);
  if (check.problems.length === 0 && JSON.stringify(filter).length > MAX_CHARS) {
    check.refuse([], `A filter has at most ${MAX_CHARS} characters of JSON`);
  }
  return check.problems;
}

/** One walk over a filter. It ends where the filter turns out to be too large. */
class Check {
  readonly problems: FilterProblem[] = [];
  #nodes = 0;

  refuse(path: FilterProblem["path"], message: string): void {
    this.problems.push({ path, message });
  }

  filter(filter: unknown, path: FilterProblem["path"], depth: number): void {
    if (!isObject(filter) || Object.keys(filter).length === 0) {
      this.refuse(path, "An object of paths and conditions, with at least one");
      return;
    }
    for (const [key, value] of Object.entries(filter)) {
      const here = [...path, key];
      if (this.#isTooMuch(here, depth)) return;
      if (key === "$not") this.filter(value, here, depth + 1);
      else if (key === "$and" || key === "$or") this.#list(value, here, depth + 1);
      else if (key.startsWith("$")) this.refuse(here, unknown("operator", key, ["$and", "$or", "$not"]));
      else this.#path(key, value, here, depth);
    }
  }

  #list(filters: unknown, path: FilterProblem["path"], depth: number): void {
    if (!Array.isArray(filters) || filters.length === 0) {
      this.refuse(path, "A list of filters, not an empty one");
      return;
    }
    for (const [index, filter] of filters.entries()) {
      if (this.#isTooMuch([...path, index], depth)) return;
      this.filter(filter, [...path, index], depth);
    }
  }

  #path(key: string, condition: unknown, path: FilterProblem["path"], depth: number): void {
    const shape = shapeAt(key);
    if (shape === null) {
      const isLater = NOT_YET.includes(key);
      this.refuse(path, isLater ? `${key} is not known yet when an event is filtered` : unknown("field", key, PATHS));
    } else if (typeof shape === "object" && !isAboutExistence(condition)) {
      const [inner] = pathsOf(shape);
      this.refuse(
        path,
        `This is no single value: name what is in it, such as ${key}.${inner}, or ask whether it $exists`,
      );
    } else {
      this.#condition(condition, path, depth);
    }
  }

  #condition(condition: unknown, path: FilterProblem["path"], depth: number): void {
    if (isLiteral(condition)) {
      this.#operand(condition, path);
      return;
    }
    if (!isObject(condition) || Object.keys(condition).length === 0) {
      this.refuse(path, "A value to be equal to, or an object of operators such as $gte");
      return;
    }
    for (const [name, operand] of Object.entries(condition)) {
      const here = [...path, name];
      if (this.#isTooMuch(here, depth)) return;
      const operator = OPERATORS.get(name);
      if (name === "$not") this.#condition(operand, here, depth + 1);
      else if (operator === undefined) this.refuse(here, unknown("operator", name, [...OPERATORS.keys()]));
      else if (!operator.takes(operand)) this.refuse(here, `${name} takes ${operator.operand}`);
      else if (Array.isArray(operand)) this.#literals(operand, here);
      else this.#operand(operand, here);
    }
  }

  #literals(operands: unknown[], path: FilterProblem["path"]): void {
    for (const [index, operand] of operands.entries()) {
      if (this.#isTooMuch([...path, index], 0)) return;
      this.#operand(operand, [...path, index]);
    }
  }

  #operand(operand: unknown, path: FilterProblem["path"]): void {
    if (typeof operand === "string" && operand.length > MAX_TEXT) {
      this.refuse(path, `At most ${MAX_TEXT} characters`);
    } else if (Number.isInteger(operand) && !Number.isSafeInteger(operand)) {
      this.refuse(path, "JSON numbers are not exact above 2^53: write it as a string");
    } else if (decimalsOf(operand) > MAX_DECIMALS) {
      this.refuse(path, `A number has at most ${MAX_DECIMALS} decimals, zeros too`);
    }
  }

  #isTooMuch(path: FilterProblem["path"], depth: number): boolean {
    this.#nodes += 1;
    if (depth > MAX_DEPTH) {
      this.refuse(path, `Nested deeper than ${MAX_DEPTH} levels`);
    } else if (this.#nodes > MAX_NODES) {
      // Once is enough: what comes after it is not looked at.
      if (this.#nodes === MAX_NODES + 1) this.refuse([], `A filter has at most ${MAX_NODES} conditions and values`);
    } else {
      return false;
    }
    return true;
  }
}

function unknown(what: string, name: string, names: string[]): string {
  const nearest = nearestOf(name, names);
  return `Unknown ${what}${nearest === null ? "" : `, did you mean ${nearest}?`}`;
}

/** What a path leads to; null where events have nothing of the kind. */
function shapeAt(path: string): Shape | null {
  let shape: Shape | null = VIEW;
  for (const part of path.split(".")) {
    if (shape === null || shape === "anything") break;
    shape = inside(shape, part);
  }
  return shape;
}

function inside(shape: Shape, part: string): Shape | null {
  if (typeof shape === "string") return null;
  if (Array.isArray(shape)) return /^\d{1,4}$/.test(part) ? shape[0] : null;
  return Object.hasOwn(shape, part) ? shape[part]! : null;
}

/** Every path to a single value below a shape. */
function pathsOf(shape: Shape): string[] {
  if (typeof shape === "string") return [];
  return Object.entries(shape).flatMap(([field, inner]) =>
    typeof inner === "string" ? [field] : pathsOf(inner as Shape).map((path) => `${field}.${path}`),
  );
}

function isAboutExistence(condition: unknown): boolean {
  return condition === null || (isObject(condition) && Object.keys(condition).every((name) => name === "$exists"));
}

function isObject(value: unknown): value is Filter {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
