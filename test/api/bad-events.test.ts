import { beforeAll, describe, expect, it } from "vitest";

import { expectRefused, sendJson, sendText, type Bad } from "./refusal.ts";
import { furnishedMerchant, send, type FurnishedMerchant } from "./support.ts";

let merchant: FurnishedMerchant;

beforeAll(async () => {
  merchant = await furnishedMerchant();
});

function good(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: "order-1", type: "payment.succeeded", user: "u_1", data: { payment: payment() }, ...overrides };
}

function payment(amount: unknown = { value: "1999", currency: "EUR" }): Record<string, unknown> {
  return { id: "p_1", amount };
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
  ...["12345678901234567890", "-9007199254740993", "0.1000000000000000055", "1e400", "1e-400"].map((number) => ({
    name: `a number that would lose digits, ${number}`,
    status: 422,
    code: "invalid",
    text: `[{"id":"order-1","type":"custom.note","data":{"custom":{"n":[1,${number}]}}}]`,
    path: "/0/data/custom/n/1",
    says: "string",
  })),
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
  ...["-0", "007", "-01", "+1"].map((value) => ({
    name: `an amount written as ${value}`,
    input: good({ data: { payment: payment({ value, currency: "EUR" }) } }),
    path: "/data/payment/amount/value",
    says: "leading zeros",
  })),
  ...["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z"].map((timestamp) => ({
    name: `the time ${timestamp}, which is out of range`,
    input: good({ timestamp }),
    path: "/timestamp",
    says: "9999",
  })),
  ...["constructor", "toString", "__proto__", "hasOwnProperty.x", "valueOf.y"].map((type) => ({
    name: `the type ${type}, which every object has`,
    input: good({ type }),
    path: "/type",
    says: "Unknown event type",
  })),
  {
    name: "two events of one id in a batch",
    input: [good(), good({ id: "order-2" }), good({ user: "u_2" })],
    path: "/2/id",
    says: "at 0",
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
    await expectRefused(bad, () => sendText(merchant.key, "POST", "/v1/events", bad.text, bad.headers ?? JSON_TYPE));
  });

  it.each(BAD_EVENTS)("refuses $name", async (bad) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/events", bad.input, bad.headers));
  });

  it("names every field that is wrong", async () => {
    const { json } = await sendJson(merchant.key, "POST", "/v1/events", {
      id: 7,
      type: "payment.succeded",
      user: 1,
      data: 5,
    });
    const errors = json["errors"] as { path: string }[];
    expect(errors.map(({ path }) => path).toSorted()).toEqual(["/data", "/id", "/type", "/user"]);
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
    ["PUT", "/ingest/src_1", "GET, HEAD, POST"],
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
