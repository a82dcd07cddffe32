import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";
import { everything } from "./support.ts";

const url = "https://shop.example/hook";
let key: string;

beforeEach(async () => {
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

const show = async (id: string) => (await call("GET", `/v1/endpoints/${id}`, { key })).json;

/** The headers that an endpoint is sent. */
async function sentTo(fields: Record<string, unknown>, change?: (id: string) => Promise<unknown>) {
  const merchant = await newMerchant();
  key = merchant.key;
  const { id } = await newEndpoint(key, fields);
  await change?.(id);
  const sent = receive(() => new Response(null, { status: 204 }));
  const { json } = await call("POST", "/v1/events", {
    key,
    body: { id: "e_1", type: "custom.note", user: "u_1", data: { custom: {} } },
  });
  await untilStatus(key, String(json["id"]), "delivered");
  return sent[0]!.headers;
}

describe("secret headers of an endpoint", () => {
  it("are sent, beside those that are shown", async () => {
    const headers = await sentTo({
      headers: { "X-Shop": "1" },
      secretHeaders: { Authorization: "Bearer hunter2", "x-api-key": "k" },
    });
    expect(headers.get("x-shop")).toBe("1");
    expect(headers.get("authorization")).toBe("Bearer hunter2");
    expect(headers.get("x-api-key")).toBe("k");
  });

  it("have no value to keep under a name that every object has", async () => {
    const { id } = await newEndpoint(key, { secretHeaders: { "x-api-key": "k" } });
    for (const name of ["constructor", "toString"]) {
      const body = { secretHeaders: { [name]: null } };
      expect([name, (await call("PATCH", `/v1/endpoints/${id}`, { key, body })).status]).toEqual([name, 422]);
    }
  });

  it("are never shown, by no call, and not readable at rest", async () => {
    const secretHeaders = { Authorization: "Bearer hunter2" };
    const answers = [
      await call("POST", "/v1/endpoints", { key, body: { url, secretHeaders } }),
      await call("PUT", "/v1/endpoints/secretive", { key, body: { url, secretHeaders } }),
      await call("PATCH", "/v1/endpoints/secretive", { key, body: { secretHeaders } }),
      await call("GET", "/v1/endpoints/secretive", { key }),
    ];
    for (const { json } of answers) {
      expect(json["secretHeaders"]).toEqual({ authorization: null });
    }
    const list = await call("GET", "/v1/endpoints", { key });
    const { results } = await env.DB.prepare("SELECT * FROM endpoints").all();
    expect(JSON.stringify([answers, list, results])).not.toContain("hunter2");
  });

  it("stay as they are where what was read is written back", async () => {
    const headers = await sentTo({ secretHeaders: { authorization: "Bearer hunter2" } }, async (id) => {
      const { url, secretHeaders } = await show(id);
      await call("PUT", `/v1/endpoints/${id}`, { key, body: { url, secretHeaders } });
      await call("PATCH", `/v1/endpoints/${id}`, { key, body: { secretHeaders } });
      await call("PATCH", `/v1/endpoints/${id}`, { key, body: { description: "x" } });
    });
    expect(headers.get("authorization")).toBe("Bearer hunter2");
  });

  it("change one by one, and go where they are left out", async () => {
    const headers = await sentTo({ secretHeaders: { authorization: "old", "x-api-key": "k", "x-b": "b" } }, (id) =>
      call("PATCH", `/v1/endpoints/${id}`, {
        key,
        body: { secretHeaders: { authorization: "new", "X-Api-Key": null } },
      }),
    );
    expect(headers.get("authorization")).toBe("new");
    expect(headers.get("x-api-key")).toBe("k");
    expect(headers.has("x-b")).toBe(false);
  });

  it("go with null", async () => {
    const { id } = await newEndpoint(key, { secretHeaders: { authorization: "x" } });
    const { json } = await call("PATCH", `/v1/endpoints/${id}`, { key, body: { secretHeaders: null } });
    expect(json["secretHeaders"]).toBeNull();
  });
});

describe("another host", () => {
  const elsewhere = "https://elsewhere.example/hook";
  const secretHeaders = { authorization: "Bearer hunter2", "x-api-key": "k" };

  it.each([
    ["PATCH", "a URL alone", { url: elsewhere }],
    [
      "PATCH",
      "nulls, which keep values",
      { url: elsewhere, secretHeaders: { authorization: "new", "x-api-key": null } },
    ],
    ["PATCH", "another port", { url: "https://shop.example:8443/hook" }],
    ["PUT", "nulls, which keep values", { url: elsewhere, secretHeaders: { authorization: null, "x-api-key": null } }],
  ])("is not told what was meant for the first: %s with %s", async (method, _, body) => {
    const { id } = await newEndpoint(key, { secretHeaders });
    const before = await everything();
    const { status, json } = await call(method, `/v1/endpoints/${id}`, { key, body });
    const [error] = json["errors"] as { path: string; message: string }[];
    expect({ status, path: error?.path.startsWith("/secretHeaders") }).toEqual({ status: 422, path: true });
    expect(error?.message).toMatch(/another host/);
    expect(await everything()).toEqual(before);
  });

  it.each([
    ["PATCH", { url: elsewhere, secretHeaders: { authorization: "new" } }, { authorization: null }],
    ["PATCH", { url: elsewhere, secretHeaders: null }, null],
    ["PUT", { url: elsewhere, secretHeaders: { authorization: "new" } }, { authorization: null }],
    ["PUT", { url: elsewhere }, null],
    ["PATCH", { url: "https://SHOP.example:443/other" }, { authorization: null, "x-api-key": null }],
  ])("is taken with values of its own, or with none: %s %j", async (method, body, shown) => {
    const { id } = await newEndpoint(key, { secretHeaders });
    const { status, json } = await call(method, `/v1/endpoints/${id}`, { key, body });
    expect({ status, secretHeaders: json["secretHeaders"] }).toEqual({ status: 200, secretHeaders: shown });
  });

  it("is not told what somebody else writes while its URL changes", async () => {
    const { id } = await newEndpoint(key);
    let isFirst = true;
    const DB = new Proxy(env.DB, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== "batch") {
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (...statements: Parameters<D1Database["batch"]>) => {
          if (isFirst) {
            isFirst = false;
            await call("PATCH", `/v1/endpoints/${id}`, { key, body: { secretHeaders } });
          }
          return target.batch(...statements);
        };
      },
    });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const request = { method: "PATCH", headers, body: JSON.stringify({ url: elsewhere }) };
    const answer = await createApp().request(`/v1/endpoints/${id}`, request, { ...env, DB });
    expect(answer.status).toBe(422);
    expect(await show(id)).toMatchObject({ url, secretHeaders: { authorization: null } });
  });
});
