import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { CAPS } from "../../src/platform/caps.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

/** Makes so many calls at once; how often each status and code came back. */
async function allAtOnce(count: number, one: (n: number) => [method: string, path: string, body: unknown]) {
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const [method, path, body] = one(n);
      const { status, json } = await call(method, path, { key: merchant.key, body });
      const { code, status: shown = "made" } = json as { code?: string; status?: string };
      return `${status} ${code ?? shown}`;
    }),
  );
  return Object.fromEntries([...Map.groupBy(answers, (answer) => answer)].map(([answer, all]) => [answer, all.length]));
}

/** Fills a table with copies of the merchant's one row, under other ids, up to `count` rows. */
async function fill(table: string, count: number, columns: Record<string, string>): Promise<void> {
  const { results } = await env.DB.prepare(`SELECT name FROM pragma_table_info('${table}')`).all<{ name: string }>();
  const values = results.map(({ name }) => columns[name] ?? name).join(", ");
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     INSERT INTO ${table} SELECT ${values} FROM (SELECT * FROM ${table} WHERE merchant = ?1 LIMIT 1), n`,
  )
    .bind(merchant.id, count)
    .run();
}

const rows = async (table: string) =>
  env.DB.prepare(`SELECT count(*) AS rows FROM ${table} WHERE merchant = ?`).bind(merchant.id).first<number>("rows");

describe("what a merchant may have so many of, however many calls come at once", () => {
  it("API keys: those that are revoked do not count", async () => {
    await fill("api_keys", CAPS.apiKeys - 3, { id: "'k' || i || id", hash: "'h' || i || hash" });
    const make = () => allAtOnce(10, () => ["POST", "/v1/api-keys", { scopes: ["log:read"] }]);
    expect(await make()).toEqual({ "201 made": 3, "422 too_many_api_keys": 7 });
    const { json } = await call("GET", "/v1/api-keys?limit=1", { key: merchant.key });
    await call("DELETE", `/v1/api-keys/${String(json.data[0]!["id"])}`, { key: merchant.key });
    expect(await make()).toEqual({ "201 made": 1, "422 too_many_api_keys": 9 });
    expect(await rows("audit")).toBe(1 + 4 + 1);
  });

  it("erasures of users: who asks again for one that is open is not refused, who is refused keeps the user", async () => {
    const erase = (user: string) => call("DELETE", `/v1/users/${user}`, { key: merchant.key });
    await erase("u");
    await fill("erasures", CAPS.erasures - 3, { id: "'e' || i || id", user: "'u' || i", due_at: "due_at + 9e12" });
    expect(await allAtOnce(10, (n) => ["DELETE", `/v1/users/v${n}`, undefined])).toEqual({
      "202 made": 3,
      "429 too_many_erasures": 7,
    });
    expect((await erase("u")).status).toBe(202);
    await call("PUT", "/v1/users/w", { key: merchant.key, body: {} });
    expect((await erase("w")).json["code"]).toBe("too_many_erasures");
    expect((await call("GET", "/v1/users/w", { key: merchant.key })).status).toBe(200);
    expect(await rows("erasures")).toBe(CAPS.erasures);
  });

  it("sources", async () => {
    await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "stripe" } });
    await fill("sources", CAPS.sources - 3, { id: "'s' || i || id" });
    const make = () =>
      allAtOnce(10, () => ["POST", "/v1/sources", { provider: "stripe", secrets: ["whsec_of_the_tests_1"] }]);
    expect(await make()).toEqual({ "201 active": 3, "422 too_many_sources": 7 });
    expect(await rows("sources")).toBe(CAPS.sources);
  });

  it("endpoints", async () => {
    const { id } = await newEndpoint(merchant.key);
    await fill("endpoints", CAPS.endpoints - 3, { id: "'e' || i || id", url: "url || i" });
    const body = { url: "https://shop.example/hook" };
    const made = await allAtOnce(10, (n) => ["POST", "/v1/endpoints", { url: `${body.url}/${n}` }]);
    expect(made).toEqual({
      "201 enabled": 3,
      "422 too_many_endpoints": 7,
    });
    expect((await call("PUT", `/v1/endpoints/${id}`, { key: merchant.key, body })).status).toBe(200);
  });
});

describe("the headers of an endpoint", () => {
  const url = "https://shop.example/hook";
  const named = (count: number, prefix: string, value = "v") =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}-${n}`, value]));
  const refusal = async (method: string, path: string, body: object) => {
    const { status, json } = await call(method, path, { key: merchant.key, body });
    return { status, ...(json["errors"] as { path: string; code: string }[] | undefined)?.[0], message: undefined };
  };

  it("are at most 20, secret ones too", async () => {
    const { id } = await newEndpoint(merchant.key, { headers: named(12, "x"), secretHeaders: named(8, "y") });
    const tooMany = { status: 422, path: "/headers", code: "too_many" };
    expect(await refusal("POST", "/v1/endpoints", { url, headers: named(21, "x") })).toMatchObject(tooMany);
    const path = `/v1/endpoints/${id}`;
    expect(await refusal("PATCH", path, { headers: named(13, "x") })).toMatchObject(tooMany);
    expect(await refusal("PATCH", path, { secretHeaders: named(9, "y") })).toMatchObject(tooMany);
    expect(await refusal("PUT", path, { url, headers: named(12, "x"), secretHeaders: named(9, "y") })).toMatchObject(
      tooMany,
    );
    expect(await refusal("PATCH", path, { headers: named(11, "x"), description: "fewer" })).toMatchObject({
      status: 200,
    });
  });

  it("have at most 8 KB together, names too", async () => {
    const most = { "x-a": "v".repeat(4093), "x-b": "v".repeat(4093) };
    const { id } = await newEndpoint(merchant.key, { headers: most });
    const tooLong = { status: 422, path: "/headers", code: "too_long" };
    expect(await refusal("PATCH", `/v1/endpoints/${id}`, { secretHeaders: { "x-c": "" } })).toMatchObject(tooLong);
    expect(await refusal("POST", "/v1/endpoints", { url, headers: { ...most, "x-c": "" } })).toMatchObject(tooLong);
  });

  it("are counted with what another call writes at the same time", async () => {
    const { id } = await newEndpoint(merchant.key);
    const all = await allAtOnce(2, (n) => [
      "PATCH",
      `/v1/endpoints/${id}`,
      n === 0 ? { headers: named(11, "x") } : { secretHeaders: named(11, "y") },
    ]);
    expect(all).toEqual({ "200 enabled": 1, "422 invalid": 1 });
  });
});

describe("a merchant's configuration", () => {
  const url = "https://shop.example/hook";
  const KIB = 1024;
  /** Fills it up to so many bytes below what it may have. */
  const leave = async (left: number) => {
    await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "hmac" } });
    await env.DB.prepare("UPDATE sources SET description = ?2 WHERE merchant = ?1")
      .bind(merchant.id, "d".repeat(CAPS.configurationBytes - left))
      .run();
  };
  const filter = { user: { $in: Array.from({ length: 190 }, (_, n) => `user_${n}`) } };
  const calls = (source: string, endpoint: string): [string, string, object][] => [
    ["POST", "/v1/endpoints", { url, filter }],
    ["PUT", "/v1/endpoints/new", { url, filter }],
    ["PUT", `/v1/endpoints/${endpoint}`, { url, filter }],
    ["PATCH", `/v1/endpoints/${endpoint}`, { filter }],
    ["PATCH", `/v1/endpoints/${endpoint}`, { secretHeaders: { "x-a": "a".repeat(2000) } }],
    ["POST", "/v1/sources", { provider: "stripe", secrets: [`whsec_${"s".repeat(2000)}`] }],
    ["POST", `/v1/sources/${source}/secrets`, { secret: `whsec_${"s".repeat(2000)}` }],
    ["PATCH", `/v1/sources/${source}`, { config: { idHeader: "x".repeat(64) }, userFrom: `/${"u".repeat(255)}` }],
    [
      "PUT",
      "/v1/channels/email",
      { provider: "resend", apiKey: `re_${"k".repeat(200)}`, from: "Shop <a@shop.example>" },
    ],
  ];

  it("has at most 1 MiB, whichever call would make it larger, and that call changes nothing", async () => {
    const endpoint = await newEndpoint(merchant.key);
    const { json } = await call("POST", "/v1/sources", { key: merchant.key, body: { provider: "hmac" } });
    await leave(200);
    const everything = async () =>
      (
        await env.DB.batch(
          ["endpoints", "sources", "channel_accounts", "audit"].map((table) =>
            env.DB.prepare(`SELECT * FROM ${table} WHERE merchant = ?`).bind(merchant.id),
          ),
        )
      ).map(({ results }) => results);
    await env.DB.prepare("UPDATE sources SET description = 'd' WHERE id = ?").bind(String(json["id"])).run();
    const before = await everything();
    for (const [method, path, body] of calls(String(json["id"]), endpoint.id)) {
      const answer = await call(method, path, { key: merchant.key, body });
      expect({ method, path, status: answer.status, code: answer.json["code"] }).toEqual({
        method,
        path,
        status: 422,
        code: "configuration_too_large",
      });
    }
    expect(await everything()).toEqual(before);
  });

  it("that is larger, from before there was a limit, may shrink, and what adds nothing to it be changed", async () => {
    const endpoint = await newEndpoint(merchant.key, { filter });
    await leave(-100 * KIB);
    const path = `/v1/endpoints/${endpoint.id}`;
    for (const body of [{ timeoutSeconds: 20 }, { filter: { user: "u_1" } }, { filter: null }]) {
      expect(await call("PATCH", path, { key: merchant.key, body })).toMatchObject({ status: 200, json: body });
    }
  });
});
