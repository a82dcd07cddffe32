import { beforeAll, describe, expect, it } from "vitest";

import { noteOwnHost, publicOrigin, urlRules } from "../../src/platform/own-hosts.ts";

const NOWHERE = { ALLOW_PRIVATE_ENDPOINTS: "true", PUBLIC_URL: "" };

describe("what leads to Paybell itself", () => {
  const { isOwn } = urlRules({ ...NOWHERE, PUBLIC_URL: "https://pay.example" });

  beforeAll(() => {
    noteOwnHost("https://alias.example/v1/events");
    noteOwnHost("http://127.0.0.1:8787/healthz");
    noteOwnHost("http://10.0.0.7:8787/healthz");
  });

  it.each([
    "https://pay.example/ingest/src_1",
    "https://PAY.example./",
    "https://pay.example:8443/",
    "https://alias.example/",
    "http://127.0.0.1:8787/ingest/src_1",
    "http://localhost:8787/",
    "http://paybell.localhost:8787/",
    "http://127.0.0.2:8787/",
    "http://[::1]:8787/",
    "http://[::ffff:127.0.0.1]:8787/",
    "http://10.0.0.7:8787/",
  ])("%s", (url) => {
    expect(isOwn(new URL(url))).toBe(true);
  });

  it.each([
    "https://shop.pay.example/",
    "https://pay.example.org/",
    "http://127.0.0.1:3000/",
    "http://localhost/",
    "http://10.0.0.7:3000/",
    "http://10.0.0.8:8787/",
  ])("but not %s", (url) => {
    expect(isOwn(new URL(url))).toBe(false);
  });
});

it("is reached where the operator says, else where it was asked", () => {
  const asked = "https://attacker.example/v1/sources?limit=1";
  expect(publicOrigin({ PUBLIC_URL: "https://pay.example/" }, asked)).toBe("https://pay.example");
  expect(publicOrigin({ PUBLIC_URL: "" }, asked)).toBe("https://attacker.example");
});
