import { describe, expect, it } from "vitest";
import {
  EVENT_TYPES,
  isEventType,
  isTypePattern,
  nearestEventType,
  nearestTypePattern,
  prepareTypes,
} from "../../src/event/event-types.ts";

describe("isEventType", () => {
  it.each(EVENT_TYPES)("takes %s", (type) => {
    expect(isEventType(type)).toBe(true);
  });

  it.each(["custom.a", "custom.loyalty.points_earned", "custom.v2.x", `custom.${"a".repeat(121)}`])(
    "takes the merchant's own type %s",
    (type) => {
      expect(isEventType(type)).toBe(true);
    },
  );

  it.each([
    "",
    "payment",
    "payment.",
    "payment.paid",
    "Payment.succeeded",
    "payment.succeeded ",
    "custom",
    "custom.",
    "custom..a",
    "custom.a.",
    "custom.A",
    "custom.a-b",
    "custom.a\n",
    "toString",
    `custom.${"a".repeat(122)}`,
  ])("refuses %j", (type) => {
    expect(isEventType(type)).toBe(false);
  });
});

describe("isTypePattern", () => {
  it.each(["payment.*", "payment_method.*", "custom.*", "custom.order.*", "*", "payment.succeeded", "custom.a"])(
    "takes %s",
    (pattern) => {
      expect(isTypePattern(pattern)).toBe(true);
    },
  );

  it.each([
    "payments.*",
    "payment.*.x",
    "payment.succeeded.*",
    "pay*",
    "**",
    "*.succeeded",
    "custom.A.*",
    "custom..*",
    ".*",
  ])("refuses %s", (pattern) => {
    expect(isTypePattern(pattern)).toBe(false);
  });

  it("names the nearest family", () => {
    expect(nearestTypePattern("payments.*")).toBe("payment.*");
  });
});

describe("prepareTypes", () => {
  it.each([
    ["payment.succeeded", "payment.succeeded"],
    ["payment.succeeded", "payment.*"],
    ["custom.order.shipped", "custom.*"],
    ["custom.order.shipped", "custom.order.*"],
    ["unknown", "*"],
  ])("finds %s in %s", (type, pattern) => {
    expect(prepareTypes([pattern])(type)).toBe(true);
  });

  it.each([
    ["payment_method.updated", "payment.*"],
    ["payment.failed", "payment.succeeded"],
    ["custom.orders", "custom.order.*"],
    ["custom.order", "custom.order.*"],
    ["unknown", "payment.*"],
  ])("does not find %s in %s", (type, pattern) => {
    expect(prepareTypes([pattern])(type)).toBe(false);
  });
});

describe("nearestEventType", () => {
  it.each([
    ["payment.succeded", "payment.succeeded"],
    ["payment_succeeded", "payment.succeeded"],
    ["Payment.Succeeded", "payment.succeeded"],
    ["refund.suceeded", "refund.succeeded"],
    ["payment.cancelled", "payment.canceled"],
    ["dispute.open", "dispute.opened"],
    ["unknwon", "unknown"],
  ])("takes %s for %s", (typed, meant) => {
    expect(nearestEventType(typed)).toBe(meant);
  });

  it.each(["", "x", "invoice.finalized_and_sent", "order.shipped", "p".repeat(100_000)])(
    "finds nothing near %s",
    (typed) => {
      expect(nearestEventType(typed)).toBeNull();
    },
  );
});
