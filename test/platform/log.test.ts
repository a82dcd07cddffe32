import { DrizzleQueryError } from "drizzle-orm/errors";
import { afterEach, describe, expect, it, vi } from "vitest";

import { log } from "../../src/platform/log.ts";

afterEach(() => vi.restoreAllMocks());

const failed = new DrizzleQueryError(
  "insert into dead_letters values (?)",
  ["ada@customers.example"],
  new Error("D1_ERROR: too big"),
);

describe("a line of the log", () => {
  it.each([
    ["an error says what it is", new TypeError("out of order"), "TypeError: out of order"],
    ["a query that failed says why, not with which values", failed, "Error: D1_ERROR: too big"],
    [
      "nor where it failed in another object, of whose error only the text arrives",
      new Error(failed.message),
      "Error: Failed query: insert into dead_letters values (?)",
    ],
    ["what is no error, but was thrown, stands as it is", "away", "away"],
  ])("%s", (_, error, said) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    log.warn("it.failed", { id: "evt_1", error });
    expect(JSON.parse(String(warn.mock.calls[0]![0]))).toEqual({ message: "it.failed", id: "evt_1", error: said });
  });
});
