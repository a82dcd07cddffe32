import { describe, expect, it, vi } from "vitest";

import { bytesOverFor, callerOf, isWithin, noteRefused, shutOutFor } from "../../src/platform/limits.ts";

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

describe("bytesOverFor", () => {
  const env = { RATE_LIMITS: "on" } as Pick<Env, "RATE_LIMITS">;
  const MIB = 1024 * 1024;
  const AT = Date.parse("2026-11-27T00:00:00Z");

  it("lets 64 MiB through at once, then 4 MiB a second, and says when to come again", () => {
    const at = (seconds: number, mib: number) => bytesOverFor(env, "mer_burst", mib * MIB, AT + seconds * 1000);
    expect([at(0, 60), at(0, 4), at(0, 1)]).toEqual([0, 0, 1]);
    expect([at(1, 8), at(1, 4), at(2, 1), at(60, 64), at(60, 9)]).toEqual([1, 0, 0, 0, 3]);
  });

  it("counts each sender for itself, and nothing where limits are off", () => {
    expect(bytesOverFor(env, "mer_a", 64 * MIB, AT)).toBe(0);
    expect(bytesOverFor(env, "mer_b", 64 * MIB, AT)).toBe(0);
    expect(bytesOverFor({ RATE_LIMITS: "off" }, "mer_a", 64 * MIB, AT)).toBe(0);
  });
});
