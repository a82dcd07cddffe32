import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { problem, PROBLEMS } from "../../src/platform/problem.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function get(path: string, bindings: Partial<Env>, headers: Record<string, string> = {}) {
  const request = new Request(`https://paybell.test${path}`, { headers });
  const response = await createApp().fetch(request, { ...env, ...bindings }, createExecutionContext());
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

describe("problems", () => {
  it("have the members of RFC 9457 and ours", async () => {
    const errors = [{ path: "/a", code: "invalid_type", message: "m" }];
    const response = problem("invalid", { detail: "d", errors, headers: { "x-a": "1" } }, "req_1");
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-a")).toBe("1");
    expect(await response.json()).toEqual({
      type: "/problems/invalid",
      title: PROBLEMS.invalid.title,
      status: 422,
      detail: "d",
      code: "invalid",
      requestId: "req_1",
      errors,
    });
  });

  it.each([
    ["ADMIN_TOKEN", { ADMIN_TOKEN: "" }],
    ["ENCRYPTION_KEY", { ENCRYPTION_KEY: "c2hvcnQ=" }],
  ])("name the secret %s that is missing, on every path and in the log", async (name, bindings) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (const path of ["/healthz", "/v1/events", "/openapi.json", "/nowhere"]) {
      const { status, text } = await get(path, bindings);
      expect({ status, code: JSON.parse(text).code }).toEqual({ status: 503, code: "misconfigured" });
      expect(text).toContain(name);
      expect(text).not.toContain("c2hvcnQ=");
    }
    expect(logged.mock.calls.flat().join()).toContain(name);
  });

  it("say that an admin token is too short, to whoever needs it, and to nobody else", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const ADMIN_TOKEN = "x".repeat(31);
    const { status, text } = await get("/v1/merchants", { ADMIN_TOKEN }, { authorization: `Bearer ${ADMIN_TOKEN}` });
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 503, code: "misconfigured" });
    expect(text).toContain("32 characters");
    expect(logged.mock.calls.flat().join()).toContain("admin_token_short");
    expect((await get("/healthz", { ADMIN_TOKEN })).status).toBe(200);
    expect((await get("/v1/events", { ADMIN_TOKEN })).status).toBe(401);
  });

  it("say nothing of what went wrong inside, and log it", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const DB = new Proxy(env.DB, {
      get: () => () => {
        throw new Error("the marker of the fault");
      },
    });
    const { status, type, text } = await get("/v1/merchants", { DB }, { authorization: `Bearer ${env.ADMIN_TOKEN}` });
    expect({ status, type }).toEqual({ status: 500, type: "application/problem+json" });
    expect(text).not.toContain("marker");
    const lines = logged.mock.calls.flat().map(String);
    expect(lines.some((line) => line.includes("the marker of the fault"))).toBe(true);
    expect(lines.every((line) => typeof JSON.parse(line) === "object" && !line.includes(env.ADMIN_TOKEN))).toBe(true);
  });
});
