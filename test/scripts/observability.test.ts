import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const config = readFileSync(`${import.meta.dirname}/../../wrangler.toml`, "utf8");

describe("what Cloudflare keeps of requests by itself", () => {
  it("is nothing that has their URLs: people are in them", () => {
    expect(config).toMatch(/^\[observability\.logs\]\n(?:[^[\n].*\n|\n)*invocation_logs = false$/m);
    expect(config).toMatch(/^\[observability\.traces\]\n(?:[^[\n].*\n|\n)*enabled = false$/m);
  });
});
