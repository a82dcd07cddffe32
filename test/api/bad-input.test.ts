import { beforeAll, describe, expect, it } from "vitest";

import { call } from "../support/merchant.ts";
import { everything, furnishedMerchant, send, type Answer, type FurnishedMerchant } from "./support.ts";

let merchant: FurnishedMerchant;

beforeAll(async () => {
  merchant = await furnishedMerchant();
});

/** What is refused. `path`: where the problem points; null where it concerns the whole. `says`: part of the text. */
interface Bad {
  name: string;
  status: number;
  code: string;
  path?: string;
  says?: string;
}

function good(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: "order-1", type: "payment.succeeded", user: "u_1", data: { payment: payment() }, ...overrides };
}

function payment(amount: unknown = { value: "1999", currency: "EUR" }): Record<string, unknown> {
  return { id: "p_1", amount };
}

/** Sends JSON with the merchant's key. */
function sendJson(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return sendText(method, path, JSON.stringify(body), { "content-type": "application/json", ...headers });
}

function sendText(method: string, path: string, body: string, headers: Record<string, string>): Promise<Answer> {
  return send(method, path, { headers: { authorization: `Bearer ${merchant.key}`, ...headers }, body });
}

/** Checks that an answer is a problem that says where and why, and that nothing has changed. */
async function expectRefused(bad: Bad, request: () => Promise<Answer>): Promise<void> {
  const before = await everything();
  const { status, headers, json } = await request();
  expect({ status, code: json["code"] }).toEqual({ status: bad.status, code: bad.code });
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(json).toMatchObject({
    status: bad.status,
    title: expect.any(String),
    type: expect.stringMatching(/^\/problems\//),
  });
  expect(json["requestId"]).toBe(headers.get("x-request-id"));
  const errors = (json["errors"] ?? []) as { path: string; code: string; message: string }[];
  if (bad.path !== undefined) {
    expect(errors.map(({ path }) => path)).toEqual([bad.path]);
    expect(errors[0]?.code).toMatch(/^[a-z_]+$/);
  }
  if (bad.says !== undefined) {
    expect(`${json["detail"]} ${errors.map(({ message }) => message).join(" ")}`).toContain(bad.says);
  }
  expect(await everything()).toEqual(before);
}

const JSON_TYPE = { "content-type": "application/json" };
const nested = "[".repeat(100_000) + "]".repeat(100_000);

const BAD_TEXTS: (Bad & { text: string; headers?: Record<string, string> })[] = [
  { name: "what is not JSON", status: 400, code: "invalid_json", text: "{id:1}" },
  { name: "an empty body that calls itself JSON", status: 400, code: "invalid_json", text: "" },
  { name: "half of a body", status: 400, code: "invalid_json", text: '{"id":"order-1"' },
  {
    name: "a form",
    status: 415,
    code: "unsupported_media_type",
    text: "id=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  },
  {
    name: "JSON that calls itself text",
    status: 415,
    code: "unsupported_media_type",
    text: JSON.stringify(good()),
    headers: { "content-type": "text/plain" },
  },
  { name: "a body over 256 KiB", status: 413, code: "body_too_large", text: `"${"x".repeat(256 * 1024)}"` },
  {
    name: "nesting that would overflow the stack",
    status: 422,
    code: "invalid",
    text: `{"id":"order-1","type":"custom.deep","data":{"custom":{"deep":${nested}}}}`,
    path: "/data/custom",
  },
  { name: "a number", status: 422, code: "invalid", text: "7" },
  { name: "null", status: 422, code: "invalid", text: "null" },
];

const BAD_EVENTS: (Bad & { input: unknown; headers?: Record<string, string> })[] = [
  { name: "an unknown field", input: good({ amout: 1 }), path: "/amout", says: "known" },
  {
    name: "an unknown field far inside",
    input: good({ data: { payment: { ...payment(), amonut: 1 } } }),
    path: "/data/payment/amonut",
  },
  {
    name: "a status, which is ours to say",
    input: good({ data: { payment: { ...payment(), status: "x" } } }),
    path: "/data/payment/status",
  },
  { name: "an unknown type", input: good({ type: "payment.suceeded" }), path: "/type", says: "payment.succeeded" },
  { name: "a type like no other", input: good({ type: "zzz" }), path: "/type" },
  {
    name: "a type in upper case",
    input: good({ type: "PAYMENT.SUCCEEDED" }),
    path: "/type",
    says: "payment.succeeded",
  },
  {
    name: "an amount as a float",
    input: good({ data: { payment: payment({ value: 19.99, currency: "EUR" }) } }),
    path: "/data/payment/amount/value",
    says: "string",
  },
  {
    name: "an amount as an integer",
    input: good({ data: { payment: payment({ value: 1999, currency: "EUR" }) } }),
    path: "/data/payment/amount/value",
    says: "string",
  },
  {
    name: "an amount with a decimal point",
    input: good({ data: { payment: payment({ value: "19.99", currency: "EUR" }) } }),
    path: "/data/payment/amount/value",
    says: "minor units",
  },
  {
    name: "an amount of 19 digits",
    input: good({ data: { payment: payment({ value: "1".repeat(19), currency: "EUR" }) } }),
    path: "/data/payment/amount/value",
  },
  {
    name: "an unknown currency",
    input: good({ data: { payment: payment({ value: "1999", currency: "EUX" }) } }),
    path: "/data/payment/amount/currency",
    says: "ISO 4217",
  },
  {
    name: "a currency in lower case",
    input: good({ data: { payment: payment({ value: "1999", currency: "eur" }) } }),
    path: "/data/payment/amount/currency",
  },
  { name: "time in words", input: good({ timestamp: "yesterday" }), path: "/timestamp", says: "RFC 3339" },
  { name: "a time without a zone", input: good({ timestamp: "2026-11-23T12:00:00" }), path: "/timestamp" },
  { name: "a day that does not exist", input: good({ timestamp: "2026-02-30T12:00:00Z" }), path: "/timestamp" },
  { name: "epoch seconds", input: good({ timestamp: 1_795_000_000 }), path: "/timestamp" },
  { name: "no id at all", input: good({ id: undefined }), path: "/id" },
  { name: "an empty id", input: good({ id: "" }), path: "/id" },
  { name: "an id of 256 characters", input: good({ id: "x".repeat(256) }), path: "/id" },
  { name: "an empty user", input: good({ user: "" }), path: "/user" },
  { name: "a user of 129 characters", input: good({ user: "x".repeat(129) }), path: "/user" },
  { name: "a user with a line feed", input: good({ user: "a\nb" }), path: "/user" },
  { name: "a payment event without its payment", input: good({ data: {} }), path: "/data/payment" },
  {
    name: "a refund event without its refund",
    input: good({ type: "refund.created", data: { payment: payment() } }),
    path: "/data/refund",
  },
  {
    name: "custom data in a known type",
    input: good({ data: { payment: payment(), custom: {} } }),
    path: "/data/custom",
  },
  { name: "no events", input: [], path: "" },
  {
    name: "101 events",
    input: Array.from({ length: 101 }, (_, i) => good({ id: `order-${i}` })),
    path: "",
    says: "100",
  },
  {
    name: "an array with one bad event",
    input: [
      good(),
      good({ id: "b" }),
      good({ id: "c" }),
      good({ id: "d", data: { payment: payment({ value: 1, currency: "EUR" }) } }),
    ],
    path: "/3/data/payment/amount/value",
  },
  { name: "an array with one event without an id", input: [good(), good({ id: undefined })], path: "/1/id" },
  {
    name: "an Idempotency-Key of 256 characters",
    input: good({ id: undefined }),
    headers: { "idempotency-key": "x".repeat(256) },
  },
].map((bad) => ({ status: 422, code: "invalid", ...bad }));

describe("POST /v1/events", () => {
  it.each(BAD_TEXTS)("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendText("POST", "/v1/events", bad.text, bad.headers ?? JSON_TYPE));
  });

  it.each(BAD_EVENTS)("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendJson("POST", "/v1/events", bad.input, bad.headers));
  });

  it("names every field that is wrong", async () => {
    const { json } = await sendJson("POST", "/v1/events", { id: 7, type: "payment.succeded", user: 1, data: 5 });
    const errors = json["errors"] as { path: string }[];
    expect(errors.map(({ path }) => path).toSorted()).toEqual(["/data", "/id", "/type", "/user"]);
  });
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
  { name: "a family of event types", input: { url, eventTypes: ["payment.*"] }, path: "/eventTypes/0" },
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
    await expectRefused(bad, () => sendJson("POST", "/v1/endpoints", bad.input));
    await expectRefused(bad, () => sendJson("PUT", "/v1/endpoints/mine", bad.input));
  });

  it.each(BAD_ENDPOINTS.filter(({ name }) => name !== "no URL" && !name.includes("secret")))(
    "refuses $name in a change",
    async (bad) => {
      await expectRefused(bad, () => sendJson("PATCH", `/v1/endpoints/${merchant.endpoint}`, bad.input));
    },
  );

  it.each(["email", "sms", "push", "inbox", "a.b", "a%20b", "x".repeat(65), "%C3%A9"])(
    "refuses the own id %s",
    async (id) => {
      await expectRefused({ name: id, status: 422, code: "invalid", path: "/id" }, () =>
        sendJson("PUT", `/v1/endpoints/${id}`, { url }),
      );
    },
  );

  it("never quotes a secret that it refuses", async () => {
    const { json } = await sendJson("POST", "/v1/endpoints", { url, secret: "whsec_hunter2hunter2" });
    expect(JSON.stringify(json)).not.toContain("hunter2");
  });
});

describe("/v1/sources", () => {
  it.each<Bad & { input: unknown }>(
    [
      { name: "an unknown provider", input: { provider: "strype" }, path: "/provider" },
      { name: "no provider", input: {}, path: "/provider" },
      { name: "an empty secret", input: { provider: "stripe", secrets: [""] }, path: "/secrets/0" },
      { name: "six secrets", input: { provider: "stripe", secrets: ["1", "2", "3", "4", "5", "6"] }, path: "/secrets" },
      { name: "what is no JSON Pointer", input: { provider: "stripe", userFrom: "data.customer" }, path: "/userFrom" },
      { name: "an unknown field", input: { provider: "stripe", secret: "x" }, path: "/secret" },
    ].map((bad) => ({ status: 422, code: "invalid", ...bad })),
  )("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendJson("POST", "/v1/sources", bad.input));
  });

  it("refuses a sixth secret", async () => {
    const path = `/v1/sources/${merchant.source}/secrets`;
    for (const secret of ["2", "3", "4", "5"]) {
      expect((await sendJson("POST", path, { secret })).status).toBe(201);
    }
    await expectRefused({ name: "", status: 422, code: "invalid", path: "/secret" }, () =>
      sendJson("POST", path, { secret: "6" }),
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
    await expectRefused(bad, () => sendJson("POST", "/v1/api-keys", bad.input));
  });

  it("does not let a key make one that can do more", async () => {
    const { json } = await call("POST", "/v1/api-keys", { key: merchant.key, body: { scopes: ["keys:write"] } });
    const answer = await call("POST", "/v1/api-keys", { key: String(json["apiKey"]), body: { scopes: ["log:read"] } });
    expect(answer.status).toBe(403);
  });
});

describe("lists", () => {
  const LISTS = ["/v1/api-keys", "/v1/sources", "/v1/endpoints", "/v1/events", "/v1/deliveries"];
  const QUERIES = ["limit=0", "limit=101", "limit=x", "limit=1.5", "order=newest", "limit="];

  it.each(LISTS.flatMap((path) => QUERIES.map((query) => `${path}?${query}`)))("refuses %s", async (path) => {
    const [, parameter] = /\?(\w+)=/.exec(path)!;
    await expectRefused({ name: path, status: 422, code: "invalid", path: `/${parameter}` }, () =>
      send("GET", path, { headers: { authorization: `Bearer ${merchant.key}` } }),
    );
  });

  it.each(["status=done", "event=evt_1", "since=yesterday", "channel=fax"])(
    "refuses deliveries by %s",
    async (query) => {
      await expectRefused({ name: query, status: 422, code: "invalid", path: `/${query.split("=")[0]!}` }, () =>
        send("GET", `/v1/deliveries?${query}`, { headers: { authorization: `Bearer ${merchant.key}` } }),
      );
    },
  );

  it.each(["from=yesterday", "by=user", "from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z"])(
    "refuses metrics with %s",
    async (query) => {
      const { status } = await send("GET", `/v1/metrics?${query}`, {
        headers: { authorization: `Bearer ${merchant.key}` },
      });
      expect(status).toBe(422);
    },
  );
});

describe("every path", () => {
  it.each([
    ["DELETE", "/v1/events", "GET, HEAD, POST"],
    ["PATCH", "/v1/deliveries", "GET, HEAD"],
    ["GET", "/v1/deliveries/dlv_1/retry", "POST"],
    ["POST", "/healthz", "GET, HEAD"],
    ["GET", "/ingest/src_1", "POST"],
  ])("answers %s %s with 405 and what it allows", async (method, path, allowed) => {
    const { status, headers, json } = await send(method, path, {
      headers: { authorization: `Bearer ${merchant.key}` },
    });
    expect({ status, code: json["code"] }).toEqual({ status: 405, code: "method_not_allowed" });
    expect(headers.get("allow")?.split(", ").toSorted()).toEqual(allowed.split(", ").toSorted());
  });

  it.each(["/", "/v1", "/v1/event", "/v1/events/", "/ingest", "/v2/events"])("answers %s with 404", async (path) => {
    const { status, headers, json } = await send("GET", path);
    expect({ status, code: json["code"] }).toEqual({ status: 404, code: "not_found" });
    expect(headers.get("content-type")).toBe("application/problem+json");
  });

  it("refuses an unknown source", async () => {
    const { status, json } = await send("POST", "/ingest/src_unknown", { body: "{}" });
    expect({ status, code: json["code"] }).toEqual({ status: 404, code: "not_found" });
  });

  it("gives each answer an id of its own", async () => {
    const [one, two] = await Promise.all([send("GET", "/healthz"), send("GET", "/healthz")]);
    expect(one.headers.get("x-request-id")).toMatch(/^[\w-]{20,}$/);
    expect(one.headers.get("x-request-id")).not.toBe(two.headers.get("x-request-id"));
  });
});
