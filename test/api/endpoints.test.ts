import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { call, newEndpoint, newMerchant } from "../support/merchant.ts";

const url = "https://shop.example/hook";
let id: string;
let key: string;

beforeAll(async () => {
  ({ id, key } = await newMerchant());
});

describe("/v1/endpoints", () => {
  it("gives every setting its default", async () => {
    const { status, json } = await call("POST", "/v1/endpoints", { key, body: { url } });
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.stringMatching(/^ep_/),
      url,
      status: "enabled",
      disabledReason: null,
      disabledAt: null,
      verification: null,
      rateLimit: null,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      eventTypes: null,
      headers: null,
      secretHeaders: null,
      filter: null,
      payload: "full",
      ordering: "user",
      maxHold: 3600,
      retrySchedule: null,
      timeoutSeconds: 10,
      includeStale: false,
      livemode: null,
      compat: null,
      signatures: "hmac",
      description: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
  });

  it("keeps every setting", async () => {
    const settings = {
      url,
      eventTypes: ["payment.succeeded", "custom.order.shipped", "refund.*"],
      filter: { $or: [{ "data.payment.amount.value": { $gte: 1000 } }, { user: "cus_1" }] },
      payload: "thin",
      headers: { "X-Shop": "1" },
      ordering: "payment",
      maxHold: 0,
      retrySchedule: [1, 86_400],
      timeoutSeconds: 30,
      includeStale: true,
      livemode: false,
      compat: "svix",
      signatures: "hmac+ed25519",
      description: "Über",
    };
    const secret = `whsec_${btoa("x".repeat(24))}`;
    const { json } = await call("POST", "/v1/endpoints", { key, body: { ...settings, secret } });
    expect(json).toMatchObject({ ...settings, secret });
    const shown = await call("GET", `/v1/endpoints/${String(json["id"])}`, { key });
    expect(shown.json).toMatchObject(settings);
    expect(shown.json).not.toHaveProperty("secret");
  });

  it("shows the secret by a call of its own", async () => {
    const { id, secret } = await newEndpoint(key);
    expect((await call("GET", `/v1/endpoints/${id}/secret`, { key })).json).toEqual({ secret, previous: [] });
  });

  it("changes what is named, and nothing else", async () => {
    const { id } = await newEndpoint(key, { maxHold: 60, livemode: true, eventTypes: ["refund.created"] });
    const before = (await call("GET", `/v1/endpoints/${id}`, { key })).json;
    const { status, json } = await call("PATCH", `/v1/endpoints/${id}`, {
      key,
      body: { eventTypes: null, timeoutSeconds: 20 },
    });
    expect(status).toBe(200);
    const changed = { ...before, eventTypes: null, timeoutSeconds: 20, updatedAt: json["updatedAt"] };
    expect({ ...json, health: before["health"] }).toEqual(changed);
    expect((await call("GET", `/v1/endpoints/${id}`, { key })).json).toEqual(changed);
  });

  it("puts an endpoint under the merchant's own id: the same again changes nothing, and the secret stays", async () => {
    const first = await call("PUT", "/v1/endpoints/My_shop-1", { key, body: { url, maxHold: 60 } });
    const again = await call("PUT", "/v1/endpoints/My_shop-1", { key, body: { url, maxHold: 60 } });
    expect(again.json).toEqual({ ...first.json, updatedAt: again.json["updatedAt"] });
    const replaced = await call("PUT", "/v1/endpoints/My_shop-1", { key, body: { url: `${url}/2` } });
    expect(replaced.json).toMatchObject({ url: `${url}/2`, maxHold: 3600, secret: first.json["secret"] });
  });

  it.each(["PUT", "PATCH"])("changes settings alone by %s: who disables it meanwhile is not undone", async (method) => {
    const path = `/v1/endpoints/disabled-at-${method}`;
    await call("PUT", path, { key, body: { url } });
    const disabling = env.DB.prepare(
      "UPDATE endpoints SET status = 'disabled', disabled_reason = 'failing', watch = 1 WHERE merchant = ? AND id = ?",
    );
    const batch = env.DB.batch.bind(env.DB);
    const writing = vi.spyOn(env.DB, "batch").mockImplementationOnce(async (statements: D1PreparedStatement[]) => {
      await disabling.bind(id, `disabled-at-${method}`).run();
      return batch(statements);
    });
    const { json } = await call(method, path, { key, body: { url: `${url}/2` } });
    writing.mockRestore();
    expect(json).toMatchObject({ url: `${url}/2`, status: "disabled", disabledReason: "failing" });
    const kept = env.DB.prepare("SELECT status, watch FROM endpoints WHERE merchant = ? AND id = ?");
    expect(await kept.bind(id, `disabled-at-${method}`).first()).toEqual({ status: "disabled", watch: 1 });
  });

  it("lets two merchants use the same id", async () => {
    const other = await newMerchant();
    const mine = await call("PUT", "/v1/endpoints/main", { key, body: { url } });
    const theirs = await call("PUT", "/v1/endpoints/main", { key: other.key, body: { url: `${url}/theirs` } });
    expect(theirs.json["secret"]).not.toBe(mine.json["secret"]);
    expect((await call("GET", "/v1/endpoints/main", { key })).json["url"]).toBe(url);
    await call("DELETE", "/v1/endpoints/main", { key: other.key });
    expect((await call("GET", "/v1/endpoints/main", { key })).status).toBe(200);
  });

  it("has at most 100 of a merchant, however they are made and however many at once", async () => {
    const { id: merchant, key: own } = await newMerchant();
    const { id: first } = await newEndpoint(own);
    const { results } = await env.DB.prepare("SELECT * FROM endpoints WHERE id = ?").bind(first).all();
    const [columns, values] = [Object.keys(results[0]!), Object.values(results[0]!)];
    const copy = env.DB.prepare(`INSERT INTO endpoints (${columns.join()}) VALUES (${columns.map(() => "?").join()})`);
    const copied = (name: string) =>
      values.map((value) => (value === first ? name : value === url ? `${url}/${name}` : value));
    await env.DB.batch(Array.from({ length: 98 }, (_, i) => copy.bind(...copied(`ep_${merchant}_${i}`))));
    const last = await Promise.all([
      call("POST", "/v1/endpoints", { key: own, body: { url } }),
      call("PUT", "/v1/endpoints/mine", { key: own, body: { url } }),
    ]);
    expect(last.map(({ status }) => status).filter((status) => status < 300)).toHaveLength(1);
    const refused = await call("PUT", "/v1/endpoints/other", { key: own, body: { url } });
    expect(refused).toMatchObject({ status: 422, json: { code: "too_many_endpoints" } });
    expect((await call("PUT", `/v1/endpoints/${first}`, { key: own, body: { url, maxHold: 1 } })).json["maxHold"]).toBe(
      1,
    );
    await call("DELETE", `/v1/endpoints/${first}`, { key: own });
    expect((await call("PUT", "/v1/endpoints/other", { key: own, body: { url } })).status).toBe(200);
  });

  it("has at most 5 at one URL, however they come there and however many at once; those that are there stay", async () => {
    const own = (await newMerchant()).key;
    const made = await Promise.all(
      Array.from({ length: 8 }, async () => call("POST", "/v1/endpoints", { key: own, body: { url } })),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(5);
    const { id } = made.find(({ status }) => status === 201)!.json;
    const other = await newEndpoint(own, { url: `${url}/other` });
    const refusal = { status: 422, json: { errors: [{ path: "/url", code: "too_many_of_url" }] } };
    expect(made.find(({ status }) => status !== 201)).toMatchObject(refusal);
    for (const method of ["PUT", "PATCH"]) {
      expect(await call(method, `/v1/endpoints/${other.id}`, { key: own, body: { url } })).toMatchObject(refusal);
      expect((await call(method, `/v1/endpoints/${String(id)}`, { key: own, body: { url } })).status).toBe(200);
    }
  });

  it("deletes", async () => {
    const { id } = await newEndpoint(key, { url: `${url}/deleted` });
    expect(await call("DELETE", `/v1/endpoints/${id}`, { key })).toEqual({ status: 204, json: {} });
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/secret"],
      ["DELETE", ""],
    ] as const) {
      expect((await call(method, `/v1/endpoints/${id}${path}`, { key })).status).toBe(404);
    }
    expect((await call("PATCH", `/v1/endpoints/${id}`, { key, body: {} })).status).toBe(404);
  });

  it("lists page by page, the newest first or the oldest", async () => {
    const { key } = await newMerchant();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push((await newEndpoint(key)).id);
    }
    for (const [order, expected] of [
      ["desc", ids.toReversed()],
      ["asc", ids],
    ] as const) {
      const first = await call("GET", `/v1/endpoints?limit=3&order=${order}`, { key });
      const second = await call("GET", `/v1/endpoints?limit=3&order=${order}&after=${String(first.json["next"])}`, {
        key,
      });
      expect([...first.json.data, ...second.json.data].map(({ id }) => id)).toEqual(expected);
      expect(first.json.data).toHaveLength(3);
      expect(second.json["next"]).toBeNull();
    }
    const { json } = await call("GET", "/v1/endpoints?limit=5", { key });
    expect(json["next"]).toBeNull();
  });
});
