import { describe, expect, inject, it } from "vitest";

import { exchange } from "../../src/platform/exchange.ts";

const post = (path: string, timeoutSeconds: number) =>
  exchange({ url: `${inject("receiver")}${path}`, headers: {}, body: "{}", timeoutSeconds });

describe("an exchange", () => {
  it.each([
    ["stops in the middle of its body", "/stalls"],
    ["never comes to the end of its body", "/trickles"],
  ])("ends at its timeout, though the head of the answer came in time: it %s", async (_, path) => {
    const before = Date.now();
    expect(await post(path, 0.5)).toEqual({ answered: false, class: "timeout", error: "No full answer within 0.5 s" });
    expect(Date.now() - before).toBeGreaterThanOrEqual(490);
  });

  it("reads no more than the start of an answer, however much it becomes when it is inflated", async () => {
    const result = await post("/inflates", 5);
    expect(result).toMatchObject({ answered: true, status: 200 });
    expect(new TextDecoder().decode("bytes" in result ? result.bytes : undefined)).toBe("0".repeat(16_384));
  });
});
