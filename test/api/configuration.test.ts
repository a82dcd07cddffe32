import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { forget, sourceById } from "../../src/store/config.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";
import { send } from "./support.ts";

const admin = env.ADMIN_TOKEN;
let merchant: { id: string; key: string };

beforeAll(async () => {
  merchant = await newMerchant();
});

describe("/v1/merchants", () => {
  it("makes one with a key that may do everything, shown once", async () => {
    const body = {
      name: "Shop",
      region: "weur",
      jurisdiction: "eu",
      alertEmail: "a@shop.example",
      monthlyEventLimit: 9,
      emailName: "the-shop",
      dailyEmailLimit: 5,
    };
    const { status, json } = await call("POST", "/v1/merchants", { key: admin, body });
    const { apiKey, ...shown } = json;
    expect(status).toBe(201);
    expect(shown).toEqual({
      ...body,
      id: expect.stringMatching(/^mer_/),
      status: "active",
      createdAt: expect.any(String),
    });
    expect((await call("GET", `/v1/merchants/${String(json["id"])}`, { key: admin })).json).toEqual({
      ...shown,
      usage: { month: expect.stringMatching(/-01T00:00:00.000Z$/), events: 0, emailsToday: 0 },
    });
    const keys = await call("GET", "/v1/api-keys", { key: String(apiKey) });
    expect(keys.json.data).toHaveLength(1);
    expect(JSON.stringify(keys.json)).not.toContain(String(apiKey));
  });

  it("deletes one with all that it has", async () => {
    const { id, key } = await newMerchant();
    await newEndpoint(key);
    await call("POST", "/v1/sources", { key, body: { provider: "stripe", secrets: ["whsec_of_the_tests_1"] } });
    expect((await call("DELETE", `/v1/merchants/${id}`, { key: admin })).status).toBe(204);
    expect((await call("GET", "/v1/endpoints", { key })).status).toBe(401);
    const left = async () => {
      const counts = await env.DB.batch(
        ["api_keys", "sources", "endpoints"].map((table) =>
          env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE merchant = ?`).bind(id),
        ),
      );
      return counts.map(({ results }) => results);
    };
    await vi.waitFor(async () => expect(await left()).toEqual([[{ n: 0 }], [{ n: 0 }], [{ n: 0 }]]), {
      timeout: 10_000,
      interval: 25,
    });
    expect((await call("DELETE", `/v1/merchants/${id}`, { key: admin })).status).toBe(404);
  });

  it("takes no events of a suspended one", async () => {
    const { id, key } = await newMerchant();
    await call("POST", `/v1/merchants/${id}/suspend`, { key: admin });
    const { status } = await call("POST", "/v1/events", { key, body: { id: "1", type: "custom.a", data: {} } });
    expect(status).toBe(403);
  });

  it("lists them page by page", async () => {
    const first = await call("GET", "/v1/merchants?limit=1", { key: admin });
    const second = await call("GET", `/v1/merchants?limit=1&after=${String(first.json["next"])}`, { key: admin });
    expect(String(first.json.data[0]?.["id"]) > String(second.json.data[0]?.["id"])).toBe(true);
  });
});

describe("/v1/api-keys", () => {
  it("makes a key that may do what it says, and shows it revoked", async () => {
    const body = { name: "Reader", scopes: ["log:read"] };
    const { status, json } = await call("POST", "/v1/api-keys", { key: merchant.key, body });
    expect(status).toBe(201);
    const key = String(json["apiKey"]);
    expect(key.startsWith(String(json["prefix"]))).toBe(true);
    expect((await call("GET", "/v1/events", { key })).status).toBe(200);
    expect((await call("DELETE", `/v1/api-keys/${String(json["id"])}`, { key: merchant.key })).status).toBe(204);
    const { json: list } = await call("GET", "/v1/api-keys", { key: merchant.key });
    expect(list.data.find(({ id }) => id === json["id"])?.["revokedAt"]).toEqual(expect.any(String));
  });

  it("keeps the time at which a key was first revoked", async () => {
    const { json } = await call("POST", "/v1/api-keys", { key: merchant.key, body: { scopes: ["log:read"] } });
    const revokedAt = async () => {
      await call("DELETE", `/v1/api-keys/${String(json["id"])}`, { key: merchant.key });
      const { json: list } = await call("GET", "/v1/api-keys", { key: merchant.key });
      return list.data.find(({ id }) => id === json["id"])?.["revokedAt"];
    };
    const first = await revokedAt();
    await scheduler.wait(5);
    expect(await revokedAt()).toBe(first);
  });
});

describe("/v1/sources", () => {
  const source = (path: string) => `/v1/sources/${path}`;

  it("awaits its secret, is active with one, and never shows it", async () => {
    const made = await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "stripe" } });
    const id = String(made.json["id"]);
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      status: "awaiting_secret",
      secrets: [],
      userFrom: null,
      minAuthenticity: "fetched",
    });
    expect(made.json["ingestUrl"]).toBe(`https://paybell.test/ingest/${id}`);
    expect((await send("POST", `/ingest/${id}`, { body: "{}" })).status).toBe(401);

    const added = await call("POST", source(`${id}/secrets`), {
      key: merchant.key,
      body: { secret: "whsec_marker_of_the_tests" },
    });
    expect(added.status).toBe(201);
    expect(added.json["status"]).toBe("active");
    const [secret] = added.json["secrets"] as { id: string }[];
    const removed = await call("DELETE", source(`${id}/secrets/${secret!.id}`), { key: merchant.key });
    expect(removed.json["status"]).toBe("awaiting_secret");
    expect((await call("DELETE", source(`${id}/secrets/${secret!.id}`), { key: merchant.key })).status).toBe(404);
    expect(JSON.stringify([added.json, removed.json])).not.toContain("marker");
  });

  it("changes what is named, and nothing else", async () => {
    const body = {
      provider: "stripe",
      secrets: ["whsec_of_the_tests_1"],
      userFrom: "/data/object/customer",
      userPrefix: "s_",
    };
    const { json: before } = await call("POST", "/v1/sources", { key: merchant.key, body });
    const path = source(String(before["id"]));
    const changes = { userPrefix: "t_", minAuthenticity: "signed" };
    const { json } = await call("PATCH", path, { key: merchant.key, body: changes });
    expect(json).toEqual({ ...before, ...changes });
    expect((await call("GET", path, { key: merchant.key })).json).toEqual(json);
    expect((await call("PATCH", path, { key: merchant.key, body: { provider: "stripe" } })).status).toBe(422);
  });

  it("keeps the credential of its provider's API sealed, never shows it, and lets it be replaced and removed", async () => {
    const body = { provider: "mollie", credential: { apiKey: "live_marker" } };
    const made = await call("POST", "/v1/sources", { key: merchant.key, body });
    expect(made).toMatchObject({ status: 201, json: { hasCredential: true } });
    const id = String(made.json["id"]);
    const stored = async () => {
      forget(merchant.id);
      const row = await env.DB.prepare("SELECT credential FROM sources WHERE id = ?").bind(id).first("credential");
      const opened = await sourceById(env, id);
      return { row: String(row), credential: opened.ok && opened.value?.credential };
    };
    const before = await stored();
    expect(before.credential).toEqual(body.credential);
    expect(before.row).toMatch(/^v1\./);
    expect(before.row).not.toContain("marker");

    const patch = async (change: unknown) =>
      (await call("PATCH", source(id), { key: merchant.key, body: change })).json;
    expect(await patch({ description: "x" })).toMatchObject({ hasCredential: true, description: "x" });
    expect(await stored()).toEqual(before);
    const next = { apiKey: "live_marker_2", baseUrl: "https://api.example.com" };
    expect(await patch({ credential: next })).toMatchObject({ hasCredential: true, description: "x" });
    expect((await stored()).credential).toEqual(next);
    const shown = [made.json, (await call("GET", "/v1/sources?limit=100", { key: merchant.key })).json];
    expect(JSON.stringify(shown)).not.toMatch(/marker|api\.example/);
    expect(await patch({ credential: null })).toMatchObject({ hasCredential: false });
    expect((await stored()).credential).toBeNull();
  });

  it("loses no secret of two that are added at once", async () => {
    const { json } = await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "stripe" } });
    const path = source(`${String(json["id"])}/secrets`);
    const add = (secret: string) => call("POST", path, { key: merchant.key, body: { secret } });
    await Promise.all([1, 2, 3, 4].map(async (n) => add(`whsec_of_the_tests_${n}`)));
    const { json: after } = await call("GET", source(String(json["id"])), { key: merchant.key });
    expect(after["secrets"]).toHaveLength(4);
  });

  it("is unknown at ingest once it is deleted", async () => {
    const { json } = await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "stripe" } });
    const id = String(json["id"]);
    expect((await call("DELETE", source(id), { key: merchant.key })).status).toBe(204);
    expect((await send("POST", `/ingest/${id}`, { body: "{}" })).status).toBe(404);
  });
});
