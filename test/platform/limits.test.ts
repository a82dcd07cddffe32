import { describe, expect, it, vi } from "vitest";

import { callerOf, isWithin, noteRefused, shutOutFor } from "../../src/platform/limits.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const answering = (success: boolean) => ({ limit: async () => ({ success }) });
const env = (success: boolean, RATE_LIMITS = "on") => ({ RATE_LIMITS, STRANGER_LIMIT: answering(success) });

describe("a rate", () => {
  it("is what the limiter says, unless limits are off", async () => {
    expect(await isWithin(env(true), answering(true), "key_1")).toBe(true);
    expect(await isWithin(env(true), answering(false), "key_1")).toBe(false);
    expect(await isWithin(env(true, "off"), answering(false), "key_1")).toBe(true);
  });

  it("limits nobody while the limiter does not answer", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const broken = { limit: () => Promise.reject(new Error("away")) };
    expect(await isWithin(env(true), broken, "key_1")).toBe(true);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});

describe("a stranger who was refused", () => {
  it("too often is shut out for 20 s, and then heard again", async () => {
    await noteRefused(env(true), "192.0.2.1", NOW);
    expect(shutOutFor("192.0.2.1", NOW)).toBe(0);
    await noteRefused(env(false), "192.0.2.1", NOW);
    expect(shutOutFor("192.0.2.1", NOW)).toBe(20);
    expect(shutOutFor("192.0.2.1", NOW + 19_001)).toBe(1);
    expect(shutOutFor("192.0.2.1", NOW + 20_000)).toBe(0);
    expect(shutOutFor("192.0.2.2", NOW)).toBe(0);
  });

  it("of whom nobody knows where it is, is never shut out: that would be everybody", async () => {
    await noteRefused(env(false), null, NOW);
    expect(shutOutFor(null, NOW)).toBe(0);
  });
});

describe("a caller", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
    ["2001:db8:1:2::9", "2001:db8:1:2::"],
    ["", null],
    ["nonsense", null],
  ])("%j is %j", (address, caller) => {
    expect(callerOf(new Headers(address === "" ? {} : { "cf-connecting-ip": address }))).toBe(caller);
  });
});
