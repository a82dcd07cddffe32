import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, expect, it, vi } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

let key: string;

beforeAll(async () => {
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

/** A call of a Paybell whose operator has said where it is. */
async function callAt(host: string, path: string, body: unknown) {
  const response = await createApp().request(
    `https://${host}${path}`,
    {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", host },
      body: JSON.stringify(body),
    },
    { ...env, PUBLIC_URL: "https://pay.example" },
    createExecutionContext(),
  );
  return { status: response.status, json: await response.json<Record<string, unknown>>() };
}

it("an ingest URL and the address of keys begin as the operator says, whatever Host a request names", async () => {
  const { json } = await callAt("attacker.example", "/v1/sources", { provider: "stripe" });
  expect(json["ingestUrl"]).toBe(`https://pay.example/ingest/${String(json["id"])}`);
  const keys = await callAt("attacker.example", "/v1/signing-keys/rotate", {});
  expect(keys.json["url"]).toMatch(/^https:\/\/pay\.example\/keys\//);
});

it.each([
  ["an endpoint", "/v1/endpoints", { url: "https://pay.example/ingest/src_1" }, "/url"],
  ["an endpoint by a name that it was asked under", "/v1/endpoints", { url: "https://also.example/" }, "/url"],
  [
    "the API of a provider",
    "/v1/sources",
    { provider: "mollie", credential: { apiKey: "test_1234567890", baseUrl: "https://pay.example" } },
    "/credential/baseUrl",
  ],
])("%s may not be Paybell itself", async (_, path, body, field) => {
  const { status, json } = await callAt("also.example", path, body);
  expect({ status, errors: json["errors"] }).toMatchObject({
    status: 422,
    errors: [{ path: field, code: "url_own_host" }],
  });
});

it("an endpoint that turns out to be Paybell itself is sent nothing", async () => {
  await newEndpoint(key, { url: "https://later.example/hook" });
  await exports.default.fetch(new Request("https://later.example/healthz"));
  const sent = receive(() => new Response(null, { status: 204 }));
  const body = { id: "e_1", type: "custom.note", user: "u_1", data: { custom: {} } };
  const { json } = await call("POST", "/v1/events", { key, body });
  const { deliveries } = await untilStatus(key, String(json["id"]), "exhausted");
  expect(deliveries).toMatchObject([{ attempts: [{ class: "refused" }] }]);
  expect(sent).toHaveLength(0);
});
