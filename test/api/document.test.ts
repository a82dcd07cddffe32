import { describe, expect, it } from "vitest";

import { deviations, type Exchange } from "../support/document.ts";

const problem = (status: number) =>
  JSON.stringify({ type: "/problems/x", title: "X", status, code: "x", requestId: "r" });
const exchange = (fields: Partial<Exchange>): Exchange => ({
  method: "GET",
  path: "/healthz",
  status: 200,
  headers: new Headers({ "content-type": "application/json" }),
  text: '{"status":"ok"}',
  ...fields,
});
const asProblem = { headers: new Headers({ "content-type": "application/problem+json" }) };

const AT = "2026-11-23T12:00:00.000Z";
const KEY = { id: "key_1", name: null, prefix: "pbk_1", scopes: ["log:read"], createdAt: AT, revokedAt: null };
const pageOf = (item: object) => JSON.stringify({ data: [item], next: null });

/** What holds all other tests' calls to the document. */
describe("an answer is held to the document", () => {
  it.each<[string, Partial<Exchange>, string | null]>([
    ["as documented", {}, null],
    ["a status that is not named", { status: 418 }, "418"],
    ["another value", { text: '{"status":"well"}' }, "/status"],
    ["a field that is not documented", { text: '{"status":"ok","more":1}' }, "more"],
    ["a field that is missing", { text: "{}" }, "status"],
    ["another content type", { headers: new Headers({ "content-type": "text/plain" }) }, "text/plain"],
    ["a problem without its header", { status: 503, ...asProblem, text: problem(503) }, "Retry-After"],
    ["a path without an operation", { path: "/v1/none", status: 404, ...asProblem, text: problem(404) }, null],
    ["a page's item with a field more", { path: "/v1/api-keys?limit=1", text: pageOf({ ...KEY, hash: "x" }) }, "hash"],
    [
      "a body that was taken but is documented otherwise",
      { method: "POST", path: "/v1/deliveries/retry", sent: { status: "none" }, status: 202 },
      "was taken",
    ],
  ])("%s", (_, fields, told) => {
    const found = deviations(exchange(fields)).join("\n");
    expect(found === "" ? null : found).toEqual(told === null ? null : expect.stringContaining(told));
  });
});
