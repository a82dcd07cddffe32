import { describe, expect, it } from "vitest";

import {
  hashOf,
  isEndpointSecret,
  isEqual,
  missingSecret,
  newApiKey,
  newEndpointSecret,
} from "../../src/platform/keys.ts";

const bytes = (length: number) => btoa("x".repeat(length));

describe("secrets", () => {
  it("are long enough to be guessed by nobody, and never the same", () => {
    const keys = Array.from({ length: 100 }, newApiKey);
    expect(new Set(keys).size).toBe(100);
    expect(keys[0]).toMatch(/^pbk_[0-9a-z]{52}$/);
    const secrets = Array.from({ length: 100 }, newEndpointSecret);
    expect(new Set(secrets).size).toBe(100);
    expect(secrets.every(isEndpointSecret)).toBe(true);
  });

  it("are stored as a hash that says nothing of the key", async () => {
    expect(await hashOf("pbk_1")).toMatch(/^[0-9a-z]{52}$/);
    expect(await hashOf("pbk_1")).toBe(await hashOf("pbk_1"));
    expect(await hashOf("pbk_1")).not.toBe(await hashOf("pbk_2"));
  });

  it.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a", "aa", false],
    ["", "", true],
    ["", "a", false],
    ["ä", "a\u0308", false],
  ])("compares %j with %j, whatever their lengths", async (a, b, equal) => {
    expect(await isEqual(a, b)).toBe(equal);
  });

  it.each([
    [`whsec_${bytes(24)}`, true],
    [`whsec_${bytes(64)}`, true],
    [`whsec_${bytes(23)}`, false],
    [`whsec_${bytes(65)}`, false],
    [bytes(32), false],
    [`whsec_${bytes(32)}\n`, false],
    [`whsec_${bytes(32).slice(0, -1)}`, false],
    ["whsec_", false],
  ])("knows whether %j is an endpoint's secret", (text, expected) => {
    expect(isEndpointSecret(text)).toBe(expected);
  });
});

describe("missingSecret", () => {
  const ADMIN_TOKEN = "token";
  const ENCRYPTION_KEY = bytes(32);

  it("finds nothing where all is well", () => {
    expect(missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY })).toBeNull();
  });

  it.each([undefined, ""])("names an ADMIN_TOKEN that is %j", (token) => {
    expect(missingSecret({ ADMIN_TOKEN: token as string, ENCRYPTION_KEY })).toBe("ADMIN_TOKEN");
  });

  it.each([undefined, "", "secret", bytes(31), bytes(33), "!".repeat(44)])(
    "names an ENCRYPTION_KEY that is %j",
    (key) => {
      expect(missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY: key as string })).toBe("ENCRYPTION_KEY");
    },
  );
});
