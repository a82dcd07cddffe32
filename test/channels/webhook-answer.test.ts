import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretAnswer } from "../../src/channels/webhook.ts";

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const DAY_MS = 86_400_000;

function interpret(status: number, headers: Record<string, string> = {}) {
  return interpretAnswer({ status, headers: new Headers(headers), now: NOW });
}

it.each([
  [200, "delivered"],
  [202, "delivered"],
  [204, "delivered"],
  [299, "delivered"],
  [300, "redirect"],
  [301, "redirect"],
  [304, "redirect"],
  [308, "redirect"],
  [400, "http"],
  [401, "http"],
  [404, "http"],
  [408, "http"],
  [410, "gone"],
  [429, "throttled"],
  [500, "http"],
  [502, "http"],
  [503, "throttled"],
  [504, "http"],
  [599, "http"],
])("takes status %i for %s", (status, expected) => {
  expect(interpret(status)).toEqual({ class: expected, retryAfterMs: null });
});

describe("webhook-delivery: disable", () => {
  it("on a failure says that the endpoint is gone", () => {
    expect(interpret(404, { "webhook-delivery": "Disable" }).class).toBe("gone");
  });

  it("does not undo a delivery", () => {
    expect(interpret(200, { "webhook-delivery": "disable" }).class).toBe("delivered");
  });
});

describe("Retry-After", () => {
  it.each([
    ["1", 1000],
    ["120", 120_000],
    [" 7 ", 7000],
    ["86400", DAY_MS],
    ["86401", DAY_MS],
    ["999999999999999", DAY_MS],
    ["Mon, 23 Nov 2026 12:01:00 GMT", 60_000],
    ["Monday, 23-Nov-26 12:01:00 GMT", 60_000],
    ["Mon Nov 23 12:01:00 2026", 60_000],
    ["Tue Dec  1 12:00:00 2026", DAY_MS],
    ["Wed, 23 Nov 2050 12:00:00 GMT", DAY_MS],
    ["0", null],
    ["Mon, 23 Nov 2026 11:59:59 GMT", null],
    ["", null],
    ["-5", null],
    ["1.5", null],
    ["1e3", null],
    ["0x10", null],
    ["9999999999999999", null],
    ["soon", null],
    ["2026-11-23T12:01:00Z", null],
    ["Mon, 23 Nov 2026 12:01:00 +0100", null],
    ["Mon, 99 Foo 2026 99:99:99 GMT", null],
    ["5, 10", null],
  ])("reads %j", (value, expected) => {
    expect(interpret(429, { "retry-after": value }).retryAfterMs).toBe(expected);
    expect(interpret(503, { "retry-after": value }).retryAfterMs).toBe(expected);
  });

  it("is heard with 429 and 503 alone", () => {
    for (const status of [200, 301, 410, 500, 502]) {
      expect(interpret(status, { "retry-after": "60" }).retryAfterMs).toBeNull();
    }
  });

  it("never throws, and asks for nothing or for up to a day", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 200, max: 599 }), (value, status) => {
        const { retryAfterMs } = interpretAnswer({ status, headers: { get: () => value }, now: NOW });
        expect(retryAfterMs === null || (retryAfterMs > 0 && retryAfterMs <= DAY_MS)).toBe(true);
      }),
    );
  });
});
