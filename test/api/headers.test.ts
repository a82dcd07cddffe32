import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import { newEndpoint, newMerchant } from "../support/merchant.ts";

let merchant: { id: string; key: string };
let endpoint: { id: string };

beforeAll(async () => {
  merchant = await newMerchant();
  endpoint = await newEndpoint(merchant.key);
});

async function fetchIt(method: string, path: string, headers: HeadersInit, body?: string): Promise<Response> {
  const request = new Request(`https://paybell.test${path}`, { method, headers, ...(body !== undefined && { body }) });
  const response = await exports.default.fetch(request);
  await response.clone().arrayBuffer();
  return response;
}

const post = (headers: Record<string, string>, body = JSON.stringify({ name: "x", scopes: ["log:read"] })) =>
  fetchIt("POST", "/v1/api-keys", { authorization: `Bearer ${merchant.key}`, ...headers }, body);

describe("no cache keeps", () => {
  it.each([
    ["a key", 201, "POST", "/v1/api-keys"],
    ["a secret", 200, "GET", "/v1/endpoints/{endpoint}/secret"],
    ["events", 200, "GET", "/v1/events"],
    ["an empty answer", 204, "DELETE", "/v1/endpoints/{endpoint}"],
    ["what is not there", 404, "GET", "/v1/endpoints/ep_1"],
    ["a path that is none", 404, "GET", "/v1/nowhere"],
    ["a refusal", 422, "GET", "/v1/users?email=nobody"],
  ])("%s", async (_, status, method, path) => {
    const headers = { authorization: `Bearer ${merchant.key}`, "content-type": "application/json" };
    const body = method === "POST" ? JSON.stringify({ scopes: ["log:read"] }) : undefined;
    const response = await fetchIt(method, path.replace("{endpoint}", endpoint.id), headers, body);
    expect([response.status, response.headers.get("cache-control")]).toEqual([status, "no-store"]);
  });

  it("what a stranger or the operator is told", async () => {
    for (const [token, status] of [
      ["", 401],
      [env.ADMIN_TOKEN, 200],
    ] as const) {
      const response = await fetchIt("GET", "/v1/merchants", { authorization: `Bearer ${token}` });
      expect([response.status, response.headers.get("cache-control")]).toEqual([status, "no-store"]);
    }
  });

  it("but public keys and the document, which are for everybody", async () => {
    expect((await fetchIt("GET", "/openapi.json", {})).headers.get("cache-control")).toBeNull();
  });
});

describe("a content type", () => {
  it.each([
    "application/json",
    "application/json;charset=utf-8",
    "application/json\t;x",
    "application/json ; x",
    "application/json;",
    "APPLICATION/JSON ;;",
    'application/json; a="b',
  ])("that says JSON is read: %j", async (type) => {
    expect((await post({ "content-type": type })).status).toBe(201);
  });

  it.each([
    "text/plain",
    "application/jsonp",
    "application/json, text/plain",
    "application/x-www-form-urlencoded",
    "json",
    ";",
  ])("that says anything else is 415: %j", async (type) => {
    expect((await post({ "content-type": type })).status).toBe(415);
  });
});

describe("a body that is empty", () => {
  it.each(["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])(
    "is refused as one that is missing, whatever it is called: %s",
    async (type) => {
      const [named, missing] = [
        await post({ "content-type": type }, ""),
        await fetchIt("POST", "/v1/api-keys", { authorization: `Bearer ${merchant.key}` }),
      ];
      expect(named.status).toBeLessThan(500);
      expect(named.status).toBe(missing.status);
    },
  );
});

describe("a header of a stranger", () => {
  it("is never our fault, whatever it holds", async () => {
    const name = fc.constantFrom(
      ..."content-type accept authorization idempotency-key content-encoding accept-encoding range if-none-match expect x-request-id cf-connecting-ip origin cookie te upgrade forwarded".split(
        " ",
      ),
    );
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'application/json;=,\t "\\é*0-'.split("")), maxLength: 40 }),
      fc.constantFrom("application/json\t;x", "Bearer \u00e9", "Bearer", "gzip", "bytes=0-", "::1", "999.1.1.1", "{}"),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, value), { maxLength: 3 }),
        fc.constantFrom("{}", "[", ""),
        async (headers, body) => {
          for (const path of ["/v1/events", "/v1/api-keys", "/ingest/src_none", "/nowhere"]) {
            const all = new Headers({ authorization: `Bearer ${merchant.key}` });
            for (const [key, text] of headers) all.set(key, text);
            expect([path, (await fetchIt("POST", path, all, body)).status < 500]).toEqual([path, true]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
