import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { everything, furnishedMerchant, send, type FurnishedMerchant } from "./support.ts";

const SCOPES = ["events:write", "log:read", "config:write", "people:write", "keys:write"];

interface Operation {
  method: string;
  path: string;
  operationId: string;
  security: Record<string, string[]>[];
}

/** A call that would succeed with the right key: one with a scope, `a key` of any; `admin`: the operator's token. */
interface Row {
  needs: string;
  path: (owner: FurnishedMerchant) => string;
  body?: unknown;
}

const at = (path: string) => () => path;
const url = "https://shop.example/hook";
const event = { id: "order-1", type: "payment.succeeded", data: { payment: { id: "p_1" } } };

const ROWS: Record<string, Row> = {
  getHealth: { needs: "nothing", path: at("/healthz") },
  createMerchant: { needs: "admin", path: at("/v1/merchants"), body: { name: "New" } },
  listMerchants: { needs: "admin", path: at("/v1/merchants") },
  getMerchant: { needs: "admin", path: ({ id }) => `/v1/merchants/${id}` },
  updateMerchant: { needs: "admin", path: ({ id }) => `/v1/merchants/${id}`, body: { name: "Renamed" } },
  getOwnMerchant: { needs: "a key", path: at("/v1/merchant") },
  suspendMerchant: { needs: "admin", path: ({ id }) => `/v1/merchants/${id}/suspend` },
  resumeMerchant: { needs: "admin", path: ({ id }) => `/v1/merchants/${id}/resume` },
  deleteMerchant: { needs: "admin", path: ({ id }) => `/v1/merchants/${id}` },
  createApiKey: { needs: "keys:write", path: at("/v1/api-keys"), body: { scopes: ["log:read"] } },
  listApiKeys: { needs: "keys:write", path: at("/v1/api-keys") },
  revokeApiKey: { needs: "keys:write", path: ({ keyId }) => `/v1/api-keys/${keyId}` },
  createSource: { needs: "config:write", path: at("/v1/sources"), body: { provider: "stripe" } },
  listSources: { needs: "config:write", path: at("/v1/sources") },
  getSource: { needs: "config:write", path: ({ source }) => `/v1/sources/${source}` },
  updateSource: { needs: "config:write", path: ({ source }) => `/v1/sources/${source}`, body: { description: "x" } },
  deleteSource: { needs: "config:write", path: ({ source }) => `/v1/sources/${source}` },
  addSourceSecret: {
    needs: "config:write",
    path: ({ source }) => `/v1/sources/${source}/secrets`,
    body: { secret: "whsec_of_the_tests_2" },
  },
  deleteSourceSecret: {
    needs: "config:write",
    path: ({ source, sourceSecret }) => `/v1/sources/${source}/secrets/${sourceSecret}`,
  },
  createEndpoint: { needs: "config:write", path: at("/v1/endpoints"), body: { url } },
  listEndpoints: { needs: "config:write", path: at("/v1/endpoints") },
  getEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}` },
  updateEndpoint: {
    needs: "config:write",
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}`,
    body: { description: "x" },
  },
  putEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}`, body: { url } },
  deleteEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}` },
  pauseEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/pause` },
  resumeEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/resume` },
  enableEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/enable` },
  verifyEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/verify` },
  testEndpoint: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/test`, body: {} },
  testEndpointFilter: {
    needs: "config:write",
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}/filter/test`,
    body: { event },
  },
  getEndpointSecret: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/secret` },
  rotateEndpointSecret: { needs: "config:write", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/secret/rotate` },
  getSigningKeys: { needs: "config:write", path: at("/v1/signing-keys") },
  rotateSigningKey: { needs: "config:write", path: at("/v1/signing-keys/rotate") },
  getPublicKeys: { needs: "nothing", path: ({ id }) => `/keys/${id}` },
  putChannel: {
    needs: "config:write",
    path: at("/v1/channels/email"),
    body: { provider: "cloudflare", from: "Shop" },
  },
  listChannels: { needs: "config:write", path: at("/v1/channels") },
  getChannel: { needs: "config:write", path: at("/v1/channels/email") },
  deleteChannel: { needs: "config:write", path: at("/v1/channels/email") },
  putUser: { needs: "people:write", path: ({ user }) => `/v1/users/${user}`, body: { locale: "zh" } },
  listUsers: { needs: "people:write", path: at("/v1/users") },
  getUser: { needs: "people:write", path: ({ user }) => `/v1/users/${user}` },
  deleteUser: { needs: "people:write", path: ({ user }) => `/v1/users/${user}` },
  liftSuppression: { needs: "people:write", path: ({ user }) => `/v1/users/${user}/suppressions/email` },
  postEvents: { needs: "events:write", path: at("/v1/events"), body: event },
  listEvents: { needs: "log:read", path: at("/v1/events") },
  getEvent: { needs: "log:read", path: ({ event }) => `/v1/events/${event}` },
  listDeliveries: { needs: "log:read", path: at("/v1/deliveries") },
  getDelivery: { needs: "log:read", path: ({ delivery }) => `/v1/deliveries/${delivery}` },
  retryDelivery: { needs: "events:write", path: ({ delivery }) => `/v1/deliveries/${delivery}/retry` },
  cancelDelivery: { needs: "events:write", path: ({ delivery }) => `/v1/deliveries/${delivery}/cancel` },
  reseal: { needs: "admin", path: at("/v1/admin/reseal") },
  listAudit: { needs: "keys:write", path: at("/v1/audit") },
  getMetrics: { needs: "log:read", path: at("/v1/metrics") },
  recoverEndpoint: {
    needs: "events:write",
    path: ({ endpoint }) => `/v1/endpoints/${endpoint}/recover`,
    body: { since: new Date().toISOString() },
  },
  retryDeliveries: {
    needs: "events:write",
    path: at("/v1/deliveries/retry"),
    body: { status: "exhausted", since: new Date().toISOString() },
  },
  listJobs: { needs: "log:read", path: at("/v1/jobs") },
  getJob: { needs: "log:read", path: ({ job }) => `/v1/jobs/${job}` },
  cancelJob: { needs: "events:write", path: ({ job }) => `/v1/jobs/${job}/cancel` },
  getEndpointStats: { needs: "log:read", path: ({ endpoint }) => `/v1/endpoints/${endpoint}/stats` },
  listQuarantine: { needs: "log:read", path: at("/v1/quarantine") },
  getQuarantined: { needs: "log:read", path: ({ quarantined }) => `/v1/quarantine/${quarantined}` },
  replayQuarantined: { needs: "events:write", path: ({ quarantined }) => `/v1/quarantine/${quarantined}/replay` },
  listDeadLetters: { needs: "admin", path: at("/v1/admin/dead-letters") },
  redriveDeadLetter: { needs: "admin", path: at("/v1/admin/dead-letters/dead_1/redrive") },
};

const operations: Operation[] = Object.entries(openApiDocument(createApp()).paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Omit<Operation, "method" | "path">>).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    path,
  })),
);

const guarded = operations.filter(({ operationId }) => ROWS[operationId]?.needs !== "nothing");
const forKeys = guarded.filter(({ operationId }) => ROWS[operationId]?.needs !== "admin");
const scoped = forKeys.filter(({ operationId }) => ROWS[operationId]?.needs !== "a key");
const namingOne = forKeys.filter(({ path }) => path.includes("{"));

let owner: FurnishedMerchant;
let other: { id: string; key: string };

/** Calls an operation about what `owner` has. */
async function attempt({ method, operationId }: Operation, key: string | null) {
  const { path, body } = ROWS[operationId]!;
  return send(method, path(owner), {
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

beforeAll(async () => {
  owner = await furnishedMerchant();
  other = await newMerchant();
});

describe("the authorization matrix", () => {
  it("has a row for every operation of the OpenAPI document, and no other", () => {
    expect(Object.keys(ROWS).toSorted()).toEqual(operations.map(({ operationId }) => operationId).toSorted());
  });

  it.each(operations)("$operationId says in the document what it needs", ({ operationId, security }) => {
    const { needs } = ROWS[operationId]!;
    const said = { nothing: [], admin: [{ adminToken: [] }], "a key": [{ apiKey: [] }] }[needs] ?? [
      { apiKey: [needs] },
    ];
    expect(security).toEqual(said);
  });

  it.each(guarded)("$operationId refuses no key, a wrong key, and what is no bearer token", async (operation) => {
    const before = await everything();
    const key = ROWS[operation.operationId]!.needs === "admin" ? env.ADMIN_TOKEN : owner.key;
    const { path } = ROWS[operation.operationId]!;
    const answers = [
      await attempt(operation, null),
      await attempt(operation, `pbk_${"0".repeat(52)}`),
      await attempt(operation, `${key}x`),
      await send(operation.method, path(owner), { headers: { authorization: `Basic ${btoa(key)}` } }),
      await send(operation.method, path(owner), { headers: { authorization: key } }),
    ];
    for (const { status, headers, json } of answers) {
      expect({ status, code: json["code"], type: headers.get("content-type") }).toEqual({
        status: 401,
        code: "unauthorized",
        type: "application/problem+json",
      });
      expect(headers.get("www-authenticate")).toBe("Bearer");
    }
    expect(await everything()).toEqual(before);
  });

  it.each(guarded)(
    "$operationId takes neither the admin token for a key, nor a key for the admin token",
    async (operation) => {
      const before = await everything();
      const key = ROWS[operation.operationId]!.needs === "admin" ? owner.key : env.ADMIN_TOKEN;
      const { status, json } = await attempt(operation, key);
      expect(status).toBe(401);
      // It says which kind is wanted, and which was sent.
      const said =
        key === owner.key ? [/takes the operator's/, /sent a merchant's/] : [/takes a merchant's/, /admin token/];
      said.forEach((text) => expect(json["detail"]).toMatch(text));
      expect(await everything()).toEqual(before);
    },
  );

  it.each(scoped)("$operationId refuses a key without its scope, and names it", async (operation) => {
    const { needs } = ROWS[operation.operationId]!;
    const scopes = SCOPES.filter((scope) => scope !== needs);
    const { json: made } = await call("POST", "/v1/api-keys", { key: owner.key, body: { scopes } });
    const before = await everything();
    const { status, json } = await attempt(operation, String(made["apiKey"]));
    expect({ status, code: json["code"] }).toEqual({ status: 403, code: "missing_scope" });
    expect(json["detail"]).toContain(needs);
    expect(await everything()).toEqual(before);
  });

  it.each(forKeys)("$operationId refuses a revoked key at once", async (operation) => {
    const { json: made } = await call("POST", "/v1/api-keys", { key: owner.key, body: { scopes: SCOPES } });
    const key = String(made["apiKey"]);
    expect((await call("GET", "/v1/events", { key })).status).toBe(200);
    await call("DELETE", `/v1/api-keys/${String(made["id"])}`, { key: owner.key });
    const before = await everything();
    expect((await attempt(operation, key)).status).toBe(401);
    expect(await everything()).toEqual(before);
  });

  it.each(forKeys)("$operationId refuses the key of a suspended merchant until it is resumed", async (operation) => {
    const { id, key } = await newMerchant();
    await call("POST", `/v1/merchants/${id}/suspend`, { key: env.ADMIN_TOKEN });
    const before = await everything();
    const { status, json } = await attempt(operation, key);
    expect({ status, code: json["code"] }).toEqual({ status: 403, code: "merchant_suspended" });
    expect(await everything()).toEqual(before);
    await call("POST", `/v1/merchants/${id}/resume`, { key: env.ADMIN_TOKEN });
    expect((await call("GET", "/v1/events", { key })).status).toBe(200);
  });

  it.each(namingOne)("$operationId does not tell another merchant that a thing exists", async (operation) => {
    const before = await everything();
    const { status, json } = await attempt(operation, other.key);
    if (operation.method === "PUT") {
      // The id is the merchant's own: the other one makes a thing of that id beside it.
      expect(status).toBe(200);
      const path = ROWS[operation.operationId]!.path(owner);
      const { json: mine } = await call("GET", path, { key: owner.key });
      expect(mine["createdAt"]).not.toBe(json["createdAt"]);
      await call("DELETE", path, { key: other.key });
    } else if (operation.operationId === "deleteUser") {
      // Events may have named a user whom nobody has told us of: it is erased all the same, of this merchant alone.
      expect(status).toBe(202);
    } else {
      expect({ status, code: json["code"] }).toEqual({ status: 404, code: "not_found" });
    }
    expect(await everything()).toEqual(before);
  });

  it("shows a merchant only its own in every list", async () => {
    for (const { path, operationId } of forKeys.filter(({ operationId }) => operationId.startsWith("list"))) {
      const mine = await call("GET", path, { key: owner.key });
      const theirs = await call("GET", path, { key: other.key });
      expect({ operationId, isEmpty: mine.json.data.length === 0 }).toEqual({ operationId, isEmpty: false });
      const ids = new Set(mine.json.data.map(({ id }) => id));
      expect(theirs.json.data.filter(({ id }) => ids.has(id))).toEqual([]);
    }
  });

  it.each(guarded.filter(({ method }) => method === "GET"))("$operationId serves the right key", async (operation) => {
    const key = ROWS[operation.operationId]!.needs === "admin" ? env.ADMIN_TOKEN : owner.key;
    expect((await attempt(operation, key)).status).toBe(200);
  });
});
