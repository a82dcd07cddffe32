import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { call } from "../support/merchant.ts";
import { expectRefused, sendJson, type Bad } from "./refusal.ts";
import { everything, furnishedMerchant, type FurnishedMerchant } from "./support.ts";

let merchant: FurnishedMerchant;

beforeAll(async () => {
  merchant = await furnishedMerchant();
});

/** Spellings of addresses and names that no webhook may go to, private ones allowed as in development. */
const NEVER = [
  "https://169.254.169.254/latest/meta-data",
  "https://2852039166/",
  "https://0xa9.0xfe.0xa9.0xfe/",
  "https://0251.0376.0251.0376/",
  "https://[::ffff:a9fe:a9fe]/",
  "https://8.8.8.8/",
  "https://[2001:4860:4860::8888]/",
  "https://①⑥⑨.254.169.254/",
  "https://user:secret@shop.example/",
  "https://user@shop.example/",
  "https://shop.example/#part",
  "https://shop.example:22/",
  "https://intranet/",
  "https://printer.local/",
  "https://metadata.google.internal/",
  "ftp://shop.example/",
  "javascript:alert(1)",
  "shop.example/hook",
  "//shop.example/hook",
  `https://shop.example/${"x".repeat(2048)}`,
  "https://shop.example/a b",
  "",
];

const url = "https://shop.example/hook";

const BAD_ENDPOINTS: (Bad & { input: unknown })[] = [
  ...NEVER.map((bad) => ({ name: `the URL ${bad.slice(0, 60)}`, input: { url: bad }, path: "/url" })),
  { name: "no URL", input: {}, path: "/url" },
  { name: "a URL that is no string", input: { url: 7 }, path: "/url" },
  { name: "an unknown field", input: { url, uri: url }, path: "/uri" },
  {
    name: "an unknown event type",
    input: { url, eventTypes: ["payment.succeeded", "payment.payed"] },
    path: "/eventTypes/1",
    says: "payment.",
  },
  {
    name: "a mistyped family of event types",
    input: { url, eventTypes: ["payments.*"] },
    path: "/eventTypes/0",
    says: "payment.*",
  },
  { name: "a type with a star in it", input: { url, eventTypes: ["payment.succ*"] }, path: "/eventTypes/0" },
  {
    name: "a filter by a mistyped field",
    input: { url, filter: { $or: [{ user: "a" }, { "data.payment.amount.valeu": { $gte: 1000 } }] } },
    path: "/filter/$or/1/data.payment.amount.valeu",
    says: "data.payment.amount.value",
  },
  {
    name: "a filter with an unknown operator",
    input: { url, filter: { user: { $regex: "." } } },
    path: "/filter/user/$regex",
  },
  { name: "a filter that is a list", input: { url, filter: [] }, path: "/filter" },
  { name: "an unknown payload", input: { url, payload: "fat" }, path: "/payload" },
  ...["Authorization", "cookie", "X-Api-Key", "x-auth-token"].map((name) => ({
    name: `the header ${name} among those that are shown`,
    input: { url, headers: { [name]: "x" } },
    path: `/headers/${name}`,
    says: "secretHeaders",
  })),
  {
    name: "a reserved secret header",
    input: { url, secretHeaders: { "webhook-id": "x" } },
    path: "/secretHeaders/webhook-id",
  },
  {
    name: "a secret header that is no text",
    input: { url, secretHeaders: { authorization: 7 } },
    path: "/secretHeaders/authorization",
  },
  {
    name: "a secret header without a value that it could keep",
    input: { url, secretHeaders: { authorization: null } },
    path: "/secretHeaders/authorization",
  },
  {
    name: "a secret header twice",
    input: { url, secretHeaders: { "x-a": "1", "X-A": "2" } },
    path: "/secretHeaders/X-A",
  },
  { name: "no event type", input: { url, eventTypes: [] }, path: "/eventTypes" },
  ...[
    "Host",
    "content-type",
    "Content-Length",
    "connection",
    "webhook-id",
    "svix-id",
    "paybell-attempt",
    "user-agent",
    "transfer-encoding",
    "bad name",
    "",
  ].map((name) => ({
    name: `the header "${name}"`,
    input: { url, headers: { [name]: "x" } },
    path: `/headers/${name}`,
  })),
  { name: "a header with a line feed", input: { url, headers: { "x-a": "1\r\nx-b: 2" } }, path: "/headers/x-a" },
  { name: "a header of 4097 characters", input: { url, headers: { "x-a": "x".repeat(4097) } }, path: "/headers/x-a" },
  { name: "a header that is a number", input: { url, headers: { "x-a": 1 } }, path: "/headers/x-a" },
  { name: "an unknown ordering", input: { url, ordering: "global" }, path: "/ordering" },
  { name: "a hold of more than a day", input: { url, maxHold: 86_401 }, path: "/maxHold" },
  { name: "a negative hold", input: { url, maxHold: -1 }, path: "/maxHold" },
  { name: "no retry at all", input: { url, retrySchedule: [] }, path: "/retrySchedule" },
  { name: "21 retries", input: { url, retrySchedule: Array.from({ length: 21 }, () => 1) }, path: "/retrySchedule" },
  { name: "a retry after nothing", input: { url, retrySchedule: [5, 0] }, path: "/retrySchedule/1" },
  { name: "a retry after more than a day", input: { url, retrySchedule: [86_401] }, path: "/retrySchedule/0" },
  { name: "a retry after half a second", input: { url, retrySchedule: [0.5] }, path: "/retrySchedule/0" },
  { name: "a timeout of 4 s", input: { url, timeoutSeconds: 4 }, path: "/timeoutSeconds" },
  { name: "a timeout of 31 s", input: { url, timeoutSeconds: 31 }, path: "/timeoutSeconds" },
  { name: "a secret without its prefix", input: { url, secret: btoa("x".repeat(32)) }, path: "/secret" },
  { name: "a secret of 23 bytes", input: { url, secret: `whsec_${btoa("x".repeat(23))}` }, path: "/secret" },
  { name: "a secret of 65 bytes", input: { url, secret: `whsec_${btoa("x".repeat(65))}` }, path: "/secret" },
  { name: "an unknown compatibility", input: { url, compat: "hookdeck" }, path: "/compat" },
].map((bad) => ({ status: 422, code: "invalid", ...bad }));

describe("/v1/endpoints", () => {
  it.each(BAD_ENDPOINTS)("refuses $name, posted and put", async (bad) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/endpoints", bad.input));
    await expectRefused(bad, () => sendJson(merchant.key, "PUT", "/v1/endpoints/mine", bad.input));
  });

  it.each(BAD_ENDPOINTS.filter(({ name }) => name !== "no URL" && !/^a secret (without|of)/.test(name)))(
    "refuses $name in a change",
    async (bad) => {
      await expectRefused(bad, () => sendJson(merchant.key, "PATCH", `/v1/endpoints/${merchant.endpoint}`, bad.input));
    },
  );

  it.each(["email", "sms", "push", "inbox", "a.b", "a%20b", "x".repeat(65), "%C3%A9"])(
    "refuses the own id %s",
    async (id) => {
      await expectRefused({ name: id, status: 422, code: "invalid", path: "/id" }, () =>
        sendJson(merchant.key, "PUT", `/v1/endpoints/${id}`, { url }),
      );
    },
  );

  it("never quotes a secret that it refuses", async () => {
    const { json } = await sendJson(merchant.key, "POST", "/v1/endpoints", { url, secret: "whsec_hunter2hunter2" });
    expect(JSON.stringify(json)).not.toContain("hunter2");
  });
});

describe("an endpoint's URL in production", () => {
  it.each([
    "http://shop.example/hook",
    "http://localhost/hook",
    "https://localhost:8787/hook",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://[fd00::1]/",
    "https://shop.localhost/",
  ])("is not %s", async (url) => {
    const before = await everything();
    const response = await createApp().fetch(
      new Request("https://paybell.test/v1/endpoints", {
        method: "POST",
        headers: { authorization: `Bearer ${merchant.key}`, "content-type": "application/json" },
        body: JSON.stringify({ url }),
      }),
      { ...env, ALLOW_PRIVATE_ENDPOINTS: "false" },
      createExecutionContext(),
    );
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ path: "/url", code: expect.stringMatching(/^url_/) }] });
    expect(await everything()).toEqual(before);
  });
});

describe("/v1/sources", () => {
  it.each<Bad & { input: unknown }>(
    [
      { name: "an unknown provider", input: { provider: "strype" }, path: "/provider" },
      { name: "no provider", input: {}, path: "/provider" },
      { name: "an empty secret", input: { provider: "stripe", secrets: [""] }, path: "/secrets/0" },
      ...["alipay", "wechatpay", "paypal", "standard", "stripe", "adyen", "worldpay", "braintree", "mollie"].map(
        (provider) => ({
          name: `a secret of ${provider} that is none`,
          input: { provider, secrets: ["garbage"] },
          path: "/secrets/0",
        }),
      ),
      { name: "six secrets", input: { provider: "stripe", secrets: ["1", "2", "3", "4", "5", "6"] }, path: "/secrets" },
      { name: "what is no JSON Pointer", input: { provider: "stripe", userFrom: "data.customer" }, path: "/userFrom" },
      { name: "an unknown field", input: { provider: "stripe", secret: "x" }, path: "/secret" },
      {
        name: "a credential where nothing is asked",
        input: { provider: "stripe", credential: { apiKey: "sk_1" } },
        path: "/credential",
      },
      {
        name: "a credential without its key",
        input: { provider: "mollie", credential: { baseUrl: "https://api.example.com" } },
        path: "/credential/apiKey",
      },
      {
        name: "a credential that is no header",
        input: { provider: "flutterwave", credential: { secretKey: "a\nb" } },
        path: "/credential/secretKey",
      },
      {
        name: "an API at a place that is never public",
        input: { provider: "mollie", credential: { apiKey: "live_1", baseUrl: "http://169.254.169.254/" } },
        path: "/credential/baseUrl",
      },
    ].map((bad) => ({ status: 422, code: "invalid", ...bad })),
  )("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/sources", bad.input));
  });

  it("refuses to lead a credential elsewhere without it: who may not read it cannot have it sent", async () => {
    const { json } = await sendJson(merchant.key, "POST", "/v1/sources", {
      provider: "mollie",
      credential: { apiKey: "live_1" },
    });
    const change = { credential: { baseUrl: "https://evil.example.com" } };
    await expectRefused({ name: "", status: 422, code: "invalid", path: "/credential/apiKey" }, () =>
      sendJson(merchant.key, "PATCH", `/v1/sources/${String(json["id"])}`, change),
    );
  });

  it("refuses a sixth secret", async () => {
    const path = `/v1/sources/${merchant.source}/secrets`;
    for (const secret of [2, 3, 4, 5].map((n) => `whsec_of_the_tests_${n}`)) {
      expect((await sendJson(merchant.key, "POST", path, { secret })).status).toBe(201);
    }
    await expectRefused({ name: "", status: 422, code: "invalid", path: "/secret" }, () =>
      sendJson(merchant.key, "POST", path, { secret: "whsec_of_the_tests_6" }),
    );
  });
});

describe("/v1/api-keys", () => {
  it.each<Bad & { input: unknown }>(
    [
      { name: "no scope", input: { scopes: [] }, path: "/scopes" },
      { name: "an unknown scope", input: { scopes: ["log:write"] }, path: "/scopes/0" },
      { name: "an unknown field", input: { scopes: ["log:read"], admin: true }, path: "/admin" },
    ].map((bad) => ({ status: 422, code: "invalid", ...bad })),
  )("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/api-keys", bad.input));
  });

  it("does not let a key make one that can do more", async () => {
    const { json } = await call("POST", "/v1/api-keys", { key: merchant.key, body: { scopes: ["keys:write"] } });
    const answer = await call("POST", "/v1/api-keys", { key: String(json["apiKey"]), body: { scopes: ["log:read"] } });
    expect(answer.status).toBe(403);
  });
});
