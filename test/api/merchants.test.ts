import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { call, newMerchant } from "../support/merchant.ts";

const admin = env.ADMIN_TOKEN;

describe("PATCH /v1/merchants/{id}", () => {
  it("changes what it names, removes what is null, and leaves the rest", async () => {
    const { id } = await newMerchant();
    const path = `/v1/merchants/${id}`;
    const body = { alertEmail: "ops@shop.example", monthlyEventLimit: 10 };
    expect(await call("PATCH", path, { key: admin, body })).toMatchObject({
      status: 200,
      json: { ...body, name: "Test" },
    });
    expect(await call("PATCH", path, { key: admin, body: { monthlyEventLimit: null } })).toMatchObject({
      status: 200,
      json: { name: "Test", alertEmail: "ops@shop.example", monthlyEventLimit: null, status: "active" },
    });
    const { json: before } = await call("GET", path, { key: admin });
    expect((await call("PATCH", path, { key: admin, body: {} })).status).toBe(200);
    expect((await call("GET", path, { key: admin })).json).toEqual(before);
  });

  it.each([
    ["a region, which is fixed", { region: "weur" }, "/region"],
    ["an empty name", { name: "" }, "/name"],
    ["a limit of none", { monthlyEventLimit: 0 }, "/monthlyEventLimit"],
    ["an address that is none", { alertEmail: "ops" }, "/alertEmail"],
  ])("refuses %s", async (_, body, path) => {
    const { id } = await newMerchant();
    const { status, json } = await call("PATCH", `/v1/merchants/${id}`, { key: admin, body });
    expect({ status, errors: json["errors"] }).toMatchObject({ status: 422, errors: [{ path }] });
  });

  it("knows of no other", async () => {
    expect((await call("PATCH", "/v1/merchants/mer_0", { key: admin, body: {} })).status).toBe(404);
  });
});

describe("GET /v1/merchant", () => {
  it("shows a merchant itself, by any key", async () => {
    const { id, key } = await newMerchant();
    const { json: made } = await call("POST", "/v1/api-keys", { key, body: { scopes: ["people:write"] } });
    const { status, json } = await call("GET", "/v1/merchant", { key: String(made["apiKey"]) });
    expect({ status, json }).toEqual({
      status: 200,
      json: (await call("GET", `/v1/merchants/${id}`, { key: admin })).json,
    });
    expect(json).toMatchObject({ id, name: "Test", usage: { events: 0 } });
  });
});
