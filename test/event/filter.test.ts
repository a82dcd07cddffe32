import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { viewOf, type EventView } from "../../src/event/envelope.ts";
import type { EventData, PaymentEvent } from "../../src/event/event.ts";
import { checkFilter } from "../../src/event/filter-check.ts";
import { passes, type Filter } from "../../src/event/filter.ts";

const EVENT: PaymentEvent = {
  type: "payment.succeeded",
  occurredAt: Date.parse("2026-11-23T12:00:00Z"),
  livemode: true,
  user: "cus_1",
  data: {
    payment: {
      id: "pi_1",
      reference: "order_77",
      amount: { value: "12345678901234567890", currency: "EUR" },
      refunded: { value: "1999", currency: "EUR" },
    },
    custom: { n: 7, text: "007", ratio: 0.1, on: true, nothing: null, list: ["a", "b"], "a.b": 1 },
  },
  origin: null,
};

const view = viewOf(EVENT);

/** A filter that may be stored, on an event. */
function pass(filter: Filter, on: EventView = view): boolean {
  expect(checkFilter(filter)).toEqual([]);
  return passes(filter, on);
}

/** Every part of an event that a provider can fill in. */
type Whole<T> = T extends (infer Item)[] ? Whole<Item>[] : T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;

const money = { value: "1", currency: "EUR" };
const WHOLE: Whole<Omit<EventData, "custom" | "operation">> & { custom: object } = {
  payment: {
    id: "x",
    amount: money,
    refunded: money,
    reference: "x",
    method: "x",
    failure: { code: "x", message: "x" },
  },
  refund: { id: "x", amount: money, whole: true, reason: "x" },
  dispute: { id: "x", amount: money, reason: "x", evidenceDueBy: "x" },
  payout: { id: "x", amount: money, arrivalDate: "x" },
  account: { id: "x", available: [money], pending: [money, money] },
  paymentMethod: { id: "x", brand: "x", last4: "x", expMonth: 1, expYear: 1 },
  custom: { any: { thing: "x" } },
};

function leaves(value: unknown, path = ""): string[] {
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`))
    : [path];
}

describe("a filter", () => {
  it.each<[string, Filter]>([
    ["a literal", { type: "payment.succeeded" }],
    ["every key of it", { type: "payment.succeeded", livemode: true, user: "cus_1" }],
    ["every operator of a condition", { "data.payment.refunded.value": { $gt: 1998, $lt: 2000 } }],
    ["$neq", { user: { $neq: "cus_2" } }],
    ["$in", { "data.payment.amount.currency": { $in: ["USD", "EUR"] } }],
    ["$nin", { "data.payment.amount.currency": { $nin: ["USD", "CHF"] } }],
    ["$startsWith", { "data.payment.reference": { $startsWith: "order_" } }],
    ["$endsWith", { "data.payment.reference": { $endsWith: "_77" } }],
    ["$exists of a field", { "data.payment.reference": { $exists: true } }],
    ["$exists of an object", { "data.refund": { $exists: false } }],
    ["$not of a condition", { "data.payment.reference": { $not: { $startsWith: "cart_" } } }],
    ["$not of a filter", { $not: { type: "payment.failed" } }],
    ["$and", { $and: [{ livemode: true }, { user: "cus_1" }] }],
    ["$or", { $or: [{ livemode: false }, { user: "cus_1" }] }],
    ["nested", { $or: [{ $and: [{ livemode: true }, { $not: { user: "cus_2" } }] }, { user: "cus_3" }] }],
    ["a time", { timestamp: { $gte: "2026-11-23", $lt: "2026-11-24" } }],
    ["an element of a list", { "data.custom.list.1": "b" }],
    ["what the merchant's own data holds", { "data.custom.n": 7, "data.custom.on": true }],
  ])("lets an event through by %s", (_, filter) => {
    expect(pass(filter)).toBe(true);
    expect(pass({ $not: filter })).toBe(false);
  });

  it.each<[string, Filter]>([
    ["one key that does not hold", { type: "payment.succeeded", livemode: false }],
    ["one operator that does not hold", { "data.payment.refunded.value": { $gt: 1998, $lt: 1999 } }],
    ["what does not exist", { "data.refund.amount.value": { $gte: 0 } }],
    ["$startsWith of what is no text", { "data.custom.n": { $startsWith: "7" } }],
    ["a name that every object inherits", { "data.custom.constructor": { $exists: true } }],
    ["a key with a dot in it, which no path names", { "data.custom.a.b": 1 }],
  ])("holds an event back by %s", (_, filter) => {
    expect(pass(filter)).toBe(false);
  });

  it("takes what is not there for null", () => {
    for (const path of ["data.custom.nothing", "data.custom.never", "data.payment.method"]) {
      expect(pass({ [path]: null })).toBe(true);
      expect(pass({ [path]: { $exists: false } })).toBe(true);
      expect(pass({ [path]: { $neq: "card" } })).toBe(true);
    }
  });
});

describe("numbers in a filter", () => {
  const at = (value: unknown) => viewOf({ ...EVENT, data: { custom: { value } } });
  const PATH = "data.custom.value";

  it("compare amounts as numbers, though they are texts in the body", () => {
    expect(pass({ "data.payment.refunded.value": { $lt: 20_000 } })).toBe(true);
    expect(pass({ "data.payment.refunded.value": { $gt: "5" } })).toBe(true);
    expect(pass({ "data.payment.refunded.value": 1999 })).toBe(true);
    expect(pass({ "data.payment.refunded.decimal": { $eq: 19.99 } })).toBe(true);
  });

  it("are exact beyond 2^53", () => {
    const path = "data.payment.amount.value";
    expect(pass({ [path]: { $gt: "12345678901234567889" } })).toBe(true);
    expect(pass({ [path]: { $gt: "12345678901234567890" } })).toBe(false);
    expect(pass({ [path]: { $lt: "12345678901234567891" } })).toBe(true);
  });

  it("order any two integers as they are, whether written as numbers or as texts", () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 18n), 10n ** 18n), fc.bigInt(-(10n ** 18n), 10n ** 18n), (a, b) => {
        expect(pass({ [PATH]: { $lt: String(b) } }, at(String(a)))).toBe(a < b);
        expect(pass({ [PATH]: { $gte: String(b) } }, at(String(a)))).toBe(a >= b);
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), (a, b) => {
        expect(pass({ [PATH]: { $lt: b } }, at(a))).toBe(a < b);
        expect(pass({ [PATH]: b }, at(a))).toBe(a === b);
      }),
    );
  });

  it("are not what only looks like one", () => {
    expect(pass({ "data.custom.text": 7 })).toBe(false);
    for (const text of ["007", "1e3", "0x10", " 7", "", "7.", "Infinity", "9".repeat(65)]) {
      expect(pass({ [PATH]: { $not: { $gte: -1 } } }, at(text))).toBe(true);
    }
  });

  it("are one thing and texts another: a text is equal only to itself", () => {
    expect(pass({ "data.custom.n": "7" })).toBe(false);
    expect(pass({ "data.custom.n": 7.0 })).toBe(true);
    expect(pass({ "data.payment.refunded.value": "1999" })).toBe(true);
  });
});

describe("a filter from before numbers had at most 64 decimals", () => {
  it("goes on as it was", () => {
    const at = (v: unknown) => viewOf({ ...EVENT, data: { custom: { v } } });
    for (const [value, isMore] of [
      [`0.${"0".repeat(60)}1`, true],
      ["-1", false],
      ["0", false],
      [1e-301, false],
      [2e-300, true],
    ] as const) {
      expect(passes({ "data.custom.v": { $gt: 1e-300 } }, at(value))).toBe(isMore);
    }
  });
});

describe("checkFilter", () => {
  it("knows every field that an event can have", () => {
    const origin = { name: "x", source: "x", eventId: "x", type: "x", authenticity: "signed" as const };
    for (const path of leaves(viewOf({ ...EVENT, data: WHOLE as EventData, origin }))) {
      expect([path, checkFilter({ [path]: "x" })]).toEqual([path, []]);
    }
  });

  it.each<[string, unknown, (string | number)[], string]>([
    ["nothing", {}, [], "at least one"],
    ["a list", [], [], "object"],
    ["null", null, [], "object"],
    ["an unknown operator", { user: { $regex: "a+" } }, ["user", "$regex"], "Unknown operator"],
    ["a mistyped operator", { user: { $startWith: "a" } }, ["user", "$startWith"], "did you mean $startsWith"],
    ["a mistyped connective", { $nand: [{ livemode: true }] }, ["$nand"], "did you mean $and"],
    [
      "a mistyped field",
      { "data.payment.ammount.value": 1 },
      ["data.payment.ammount.value"],
      "data.payment.amount.value",
    ],
    ["a field of no event", { "payment.id": "x" }, ["payment.id"], "Unknown field"],
    ["a field that all objects have", { "data.constructor": "x" }, ["data.constructor"], "Unknown field"],
    ["what is known later", { "data.payment.status": "succeeded" }, ["data.payment.status"], "not known yet"],
    ["an object for a value", { "data.payment.amount": 1 }, ["data.payment.amount"], "data.payment.amount.value"],
    ["a condition without operators", { user: {} }, ["user"], "operators"],
    ["a list for a value", { user: ["a"] }, ["user"], "operators"],
    ["$in without a list", { user: { $in: "a" } }, ["user", "$in"], "$in takes a list"],
    ["$in with an empty list", { user: { $in: [] } }, ["user", "$in"], "$in takes a list"],
    ["$in with an object", { user: { $in: ["a", {}] } }, ["user", "$in"], "$in takes a list"],
    ["$gt with a boolean", { user: { $gt: true } }, ["user", "$gt"], "a number or a string"],
    ["$exists with a number", { user: { $exists: 1 } }, ["user", "$exists"], "true or false"],
    ["$or without a list", { $or: { user: "a" } }, ["$or"], "A list of filters"],
    ["$or with an empty list", { $or: [] }, ["$or"], "A list of filters"],
    [
      "a fault deep inside",
      { $or: [{ user: "a" }, { $not: { user: { $eq: [] } } }] },
      ["$or", 1, "$not", "user", "$eq"],
      "",
    ],
    ["a number that JSON has rounded", { "data.custom.n": 2 ** 60 }, ["data.custom.n"], "as a string"],
    ["a number with many decimals", { "data.custom.n": { $gt: 1.5e-64 } }, ["data.custom.n", "$gt"], "64 decimals"],
    ["one in a list", { "data.custom.n": { $in: [1e-64, 5e-324] } }, ["data.custom.n", "$in", 1], "64 decimals"],
    ["a long text", { user: "x".repeat(513) }, ["user"], "512"],
    ["too many values", { user: { $in: Array.from({ length: 300 }, String) } }, [], "200"],
    ["too much text", { user: { $in: Array.from({ length: 20 }, () => "x".repeat(500)) } }, [], "8192"],
  ])("refuses %s, and says where", (_, filter, path, says) => {
    const problems = checkFilter(filter);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(says);
  });

  it("refuses what is nested deeper than eight levels, however deep", () => {
    for (const depth of [9, 10_000]) {
      let filter: unknown = { user: "a" };
      for (let level = 0; level < depth; level++) filter = { $not: filter };
      expect(checkFilter(filter)).toMatchObject([{ message: expect.stringContaining("8 levels") }]);
    }
  });
});

describe("hostile input", () => {
  const name = fc.constantFrom(
    "$and",
    "$or",
    "$not",
    "$eq",
    "$gt",
    "$in",
    "user",
    "data.custom.a",
    "__proto__",
    "length",
  );
  const anything = fc.jsonValue({ maxDepth: 3 });
  const nonsense = fc.dictionary(name, fc.oneof(anything, fc.dictionary(name, fc.oneof(anything, fc.array(anything)))));

  const literal = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null));
  const condition = fc.oneof(
    literal,
    fc.dictionary(fc.constantFrom("$eq", "$neq"), literal, { minKeys: 1 }),
    fc.dictionary(fc.constantFrom("$gt", "$gte", "$lt", "$lte"), fc.oneof(fc.string(), fc.maxSafeInteger()), {
      minKeys: 1,
    }),
    fc.record({ $in: fc.array(literal, { minLength: 1 }), $startsWith: fc.string() }),
  );
  const sensible = fc.dictionary(fc.constantFrom("user", "data.custom.a", "data.custom.a.0.b"), condition, {
    minKeys: 1,
  });

  it.each([
    ["that is no filter is refused or evaluated", nonsense],
    ["in a filter is evaluated", sensible],
  ])("%s, and never throws", (_, filters) => {
    fc.assert(
      fc.property(filters, anything, (filter, custom) => {
        const event = viewOf({ ...EVENT, data: { custom: { a: custom } } });
        if (checkFilter(filter).length === 0) {
          expect(typeof passes(filter, event)).toBe("boolean");
        }
      }),
      { numRuns: 300 },
    );
  });

  it("takes no time: the largest filter on the largest event", () => {
    const digits = "9".repeat(64);
    const custom = { a: "x".repeat(256_000), n: digits, deep: Array.from({ length: 100_000 }, () => digits) };
    const event = viewOf({ ...EVENT, data: { custom } });
    const conditions = [
      { "data.custom.a": { $endsWith: "x".repeat(500) } },
      { "data.custom.deep": { $neq: 1.5e-300 } },
      { "data.custom.n": { $gt: 1e-300, $gte: 2.5e-301, $nin: [1.5e-300, 3e-320] } },
    ];
    const largest = { $and: Array.from({ length: 24 }, (_, i) => conditions[i % 3]!) };
    expect(passes(largest, event)).toBe(true);
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      passes(largest, event);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});
