import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { furnishedMerchant, type FurnishedMerchant } from "./support.ts";

interface Entry {
  id: string;
  at: string;
  actor: string;
  action: string;
  target: string | null;
  fields: string[];
}

/** What a call changes, and what the audit says of it. `by`: whose key; the merchant's own unless it says so. */
interface Row {
  path: (owner: FurnishedMerchant) => string;
  body?: unknown;
  by?: "admin";
  action: string;
  target: (owner: FurnishedMerchant) => unknown;
  fields?: string[];
}

const url = "https://shop.example/hook?token=marker";
const made = (prefix: string) => () => expect.stringMatching(new RegExp(`^${prefix}_`));

const ROWS: Record<string, Row> = {
  updateMerchant: {
    path: ({ id }) => `/v1/merchants/${id}`,
    body: { alertEmail: "marker@shop.example", name: null },
    by: "admin",
    action: "merchant.updated",
    target: ({ id }) => id,
    fields: ["alertEmail", "name"],
  },
  suspendMerchant: {
    path: ({ id }) => `/v1/merchants/${id}/suspend`,
    by: "admin",
    action: "merchant.suspended",
    target: ({ id }) => id,
  },
  resumeMerchant: {
    path: ({ id }) => `/v1/merchants/${id}/resume`,
    by: "admin",
    action: "merchant.resumed",
    target: ({ id }) => id,
  },
  createApiKey: {
    path: () => "/v1/api-keys",
    body: { scopes: ["log:read"] },
    action: "key.created",
    target: made("key"),
    fields: ["scopes"],
  },
  revokeApiKey: { path: ({ keyId }) => `/v1/api-keys/${keyId}`, action: "key.revoked", target: ({ keyId }) => keyId },
  createSource: {
    path: () => "/v1/sources",
    body: { provider: "mollie", secrets: ["whsec_marker_of_the_tests"], credential: { apiKey: "live_marker" } },
    action: "source.created",
    target: made("src"),
    fields: ["credential", "provider", "secrets"],
  },
  updateSource: {
    path: ({ source }) => `/v1/sources/${source}`,
    body: { userPrefix: "marker" },
    action: "source.updated",
    target: ({ source }) => source,
    fields: ["userPrefix"],
  },
  addSourceSecret: {
    path: ({ source }) => `/v1/sources/${source}/secrets`,
    body: { secret: "whsec_marker_of_the_tests" },
    action: "source.secret_added",
    target: ({ source }) => source,
    fields: ["secrets"],
  },
  deleteSourceSecret: {
    path: ({ source, sourceSecret }) => `/v1/sources/${source}/secrets/${sourceSecret}`,
    action: "source.secret_removed",
    target: ({ source }) => source,
    fields: ["secrets"],
  },
  createEndpoint: {
    path: () => "/v1/endpoints",
    body: { url, headers: { "x-shop": "marker" } },
    action: "endpoint.created",
    target: made("ep"),
    fields: ["headers", "url"],
  },
  updateEndpoint: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}`,
    body: { description: "marker" },
    action: "endpoint.updated",
    target: ({ endpoint }) => endpoint,
    fields: ["description"],
  },
  putEndpoint: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}`,
    body: { url },
    action: "endpoint.replaced",
    target: ({ endpoint }) => endpoint,
    fields: ["url"],
  },
  rotateEndpointSecret: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}/secret/rotate`,
    action: "endpoint.secret_rotated",
    target: ({ endpoint }) => endpoint,
  },
  rotateSigningKey: {
    path: () => "/v1/signing-keys/rotate",
    action: "signing_key.rotated",
    target: () => null,
  },
  pauseEndpoint: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}/pause`,
    action: "endpoint.paused",
    target: ({ endpoint }) => endpoint,
  },
  resumeEndpoint: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}/resume`,
    action: "endpoint.enabled",
    target: ({ endpoint }) => endpoint,
  },
  putChannel: {
    path: () => "/v1/channels/email",
    body: { provider: "cloudflare", from: "marker" },
    action: "channel.set",
    target: () => "email",
    fields: ["from", "provider"],
  },
  replayQuarantined: {
    path: ({ quarantined }) => `/v1/quarantine/${quarantined}/replay`,
    action: "quarantine.replayed",
    target: ({ quarantined }) => quarantined,
  },
  deleteChannel: { path: () => "/v1/channels/email", action: "channel.deleted", target: () => "email" },
  deleteEndpoint: {
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}`,
    action: "endpoint.deleted",
    target: ({ endpoint }) => endpoint,
  },
  deleteSource: {
    path: ({ source }) => `/v1/sources/${source}`,
    action: "source.deleted",
    target: ({ source }) => source,
  },
  deleteUser: { path: ({ user }) => `/v1/users/${user}`, action: "user.erasure_started", target: made("era") },
};

/** Operations that change no merchant's configuration, or one that is made or gone by it: those have a test below. */
const OTHERS = ["createMerchant", "deleteMerchant", "putUser", "liftSuppression", "enableEndpoint", "reseal"];
const OF_EVENTS = [
  "postEvents",
  "retryDelivery",
  "cancelDelivery",
  // It notes what it finds out: endpoint-verification.test.ts.
  "verifyEndpoint",
  "testEndpoint",
  "testEndpointFilter",
  "recoverEndpoint",
  "retryDeliveries",
  "cancelJob",
  "redriveDeadLetter",
];

const changing = Object.entries(openApiDocument(createApp()).paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, { operationId: string }>)
    .filter(([method]) => method !== "get")
    .map(([method, { operationId }]) => ({ operationId, method: method.toUpperCase(), path })),
);

let owner: FurnishedMerchant;
let ownKey: string;

const entries = async (key = owner.key) => (await call("GET", "/v1/audit", { key })).json.data as unknown as Entry[];

beforeAll(async () => {
  owner = await furnishedMerchant();
  const keys = await call("GET", "/v1/api-keys?order=asc", { key: owner.key });
  ownKey = String(keys.json.data[0]!["id"]);
});

describe("the audit", () => {
  it("knows every operation that changes something", () => {
    const known = [...Object.keys(ROWS), ...OTHERS, ...OF_EVENTS];
    expect(changing.map(({ operationId }) => operationId).toSorted()).toEqual(known.toSorted());
  });

  it.each(Object.entries(ROWS))("says who did %s, to what, and names the fields", async (name, row) => {
    const { method } = changing.find(({ operationId }) => operationId === name)!;
    const before = name === "resumeMerchant" ? [] : await entries();
    const answer = await call(method, row.path(owner), {
      key: row.by === "admin" ? env.ADMIN_TOKEN : owner.key,
      body: row.body,
    });
    expect(answer.status).toBeLessThan(300);
    if (name === "suspendMerchant") {
      return; // its key is refused until the next row resumes it
    }
    const after = await entries();
    const [entry] = after;
    expect(entry).toMatchObject({
      actor: row.by ?? ownKey,
      action: row.action,
      target: row.target(owner),
      fields: row.fields ?? [],
    });
    expect(after.length).toBeGreaterThan(before.length);
    expect(JSON.stringify(after)).not.toContain("marker");
  });

  it("has the suspension as well, and the merchant's making by the operator", async () => {
    const all = (await call("GET", "/v1/audit?order=asc&limit=100", { key: owner.key })).json
      .data as unknown as Entry[];
    expect(all[0]).toMatchObject({ actor: "admin", action: "merchant.created", target: owner.id, fields: ["name"] });
    expect(all.filter(({ action }) => action === "merchant.suspended")).toMatchObject([{ actor: "admin" }]);
    const ids = all.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
  });

  it("has nothing of what was refused or found nothing", async () => {
    const { key } = await newMerchant();
    const before = await entries(key);
    await call("PATCH", "/v1/endpoints/ep_none", { key, body: { description: "x" } });
    await call("DELETE", "/v1/api-keys/key_none", { key });
    await call("POST", "/v1/endpoints", { key, body: { url: "ftp://shop.example" } });
    await call("DELETE", "/v1/channels/email", { key });
    expect(await entries(key)).toEqual(before);
    expect(before.map(({ action }) => action)).toEqual(["merchant.created"]);
  });

  it("is paged, the newest first", async () => {
    const { key } = await newMerchant();
    await call("POST", "/v1/endpoints", { key, body: { url } });
    const first = (await call("GET", "/v1/audit?limit=1", { key })).json;
    expect(first.data).toMatchObject([{ action: "endpoint.created" }]);
    const second = (await call("GET", `/v1/audit?limit=1&after=${String(first["next"])}`, { key })).json;
    expect(second).toMatchObject({ data: [{ action: "merchant.created" }], next: null });
  });
});
