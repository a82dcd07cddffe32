import { z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";

import { fieldErrors } from "../../src/api/field-errors.ts";
import { call, newMerchant } from "../support/merchant.ts";

const union = z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b") })]);

describe("what is wrong with an input is told in plain words", () => {
  it.each<[string, z.ZodType, unknown, string, string]>([
    ["missing", z.object({ a: z.string() }), {}, "required", "This field is required"],
    ["no text", z.string(), 5, "invalid_type", "This has to be a string"],
    ["no number", z.coerce.number(), "x", "invalid_type", "This has to be a number"],
    ["no whole number", z.int(), 1.5, "invalid_type", "This has to be a whole number"],
    ["no truth", z.boolean(), "true", "invalid_type", "This has to be true or false"],
    ["no list", z.array(z.string()), {}, "invalid_type", "This has to be a list"],
    ["no object", z.object({}), [], "invalid_type", "This has to be an object"],
    ["too long", z.string().max(5), "123456", "too_big", "This has to have at most 5 characters"],
    ["too short", z.string().min(1), "", "too_small", "This has to have at least 1 character"],
    ["not so long", z.string().length(2), "a", "too_small", "This has to have exactly 2 characters"],
    ["too many", z.array(z.int()).max(1), [1, 2], "too_big", "This has to have at most 1 item"],
    ["too much", z.number().max(30), 31, "too_big", "This has to be at most 30"],
    ["too little", z.number().gt(0), 0, "too_small", "This has to be more than 0"],
    ["no value of an enum", z.enum(["a", "b"]), "c", "invalid_value", 'This has to be one of "a", "b"'],
    ["not the value", z.literal("ok"), "c", "invalid_value", 'This has to be "ok"'],
    ["no kind of a union", union, { kind: "c" }, "invalid_value", 'This has to be one of "a", "b"'],
    [
      "no time",
      z.iso.datetime(),
      "now",
      "invalid_format",
      "An RFC 3339 time with its zone, such as 2026-11-23T12:00:00Z",
    ],
    ["no date", z.iso.date(), "now", "invalid_format", "A date, such as 2026-11-23"],
    ["no address", z.email(), "a", "invalid_format", "An email address, such as ada@example.com"],
    ["no URL", z.url(), "a", "invalid_format", "A URL, such as https://shop.example/webhooks"],
    ["another form", z.string().regex(/^x$/), "a", "invalid_format", "This is not written as this field has to be"],
    ["no multiple", z.number().multipleOf(5), 3, "not_multiple_of", "This has to be a multiple of 5"],
    ["a key", z.record(z.string().max(1), z.int()), { ab: 1 }, "invalid_key", "This name is not allowed here"],
    ["a rule of its own", z.string().refine(() => false, "Ours"), "a", "invalid_value", "Ours"],
    ["unknown", z.strictObject({}), { a: 1 }, "unknown_field", "This field is not known"],
    ["a text for a short list", z.array(z.string()).max(1), "abc", "invalid_type", "This has to be a list"],
  ])("%s", (_, schema, input, code, message) => {
    expect(fieldErrors(schema.safeParse(input).error!.issues)).toMatchObject([{ code, message }]);
  });

  it("tells all that is wrong with a body together", async () => {
    const { key } = await newMerchant();
    const body = { url: 5, headers: { host: "x" }, eventTypes: ["payment.succeded"], maxHold: -1, timeout: 3 };
    const { status, json } = await call("POST", "/v1/endpoints", { key, body });
    expect(status).toBe(422);
    const paths = (json["errors"] as { path: string }[]).map(({ path }) => path);
    expect(paths.toSorted()).toEqual(["/eventTypes/0", "/headers/host", "/maxHold", "/timeout", "/url"]);
  });

  const WRONG_ENDPOINT = {
    url: "https://169.254.169.254/hook",
    headers: { host: "x" },
    filter: { user: { $regex: "." } },
    secretHeaders: { "webhook-id": "x" },
  };
  const WRONG_CREDENTIAL = { clientId: 5, baseUrl: "https://169.254.169.254" };
  it.each<[string, string, string, unknown, string[]]>([
    [
      "a source's config, secrets and credential",
      "POST",
      "/v1/sources",
      {
        provider: "paypal",
        secrets: ["garbage", "more of it"],
        config: { a: 1 },
        credential: WRONG_CREDENTIAL,
      },
      [
        "/config/a",
        "/credential/baseUrl",
        "/credential/clientId",
        "/credential/clientSecret",
        "/secrets/0",
        "/secrets/1",
      ],
    ],
    [
      "a change of a source",
      "PATCH",
      "/v1/sources/{source}",
      { config: { a: 1 }, credential: WRONG_CREDENTIAL },
      ["/config/a", "/credential/baseUrl", "/credential/clientId", "/credential/clientSecret"],
    ],
    ...["POST /v1/endpoints", "PUT /v1/endpoints/shop", "PATCH /v1/endpoints/shop"].map(
      (route): [string, string, string, unknown, string[]] => [
        `an endpoint's URL, headers and filter at ${route}`,
        ...(route.split(" ") as [string, string]),
        WRONG_ENDPOINT,
        ["/filter/user/$regex", "/headers/host", "/secretHeaders/webhook-id", "/url"],
      ],
    ),
    [
      "secret headers that have no value to keep",
      "PUT",
      "/v1/endpoints/shop",
      { url: "https://shop.example/hook", secretHeaders: { "x-a": null, "x-b": null } },
      ["/secretHeaders/x-a", "/secretHeaders/x-b"],
    ],
    [
      "a channel's API and its settings",
      "PUT",
      "/v1/channels/email",
      { provider: "resend", from: 5, apiKey: "re_1", baseUrl: "https://169.254.169.254" },
      ["/baseUrl", "/from"],
    ],
    [
      "a URL that is too long, once",
      "POST",
      "/v1/endpoints",
      { url: `https://169.254.169.254/${"x".repeat(2048)}` },
      ["/url"],
    ],
  ])("tells %s together, also what no schema says", async (_, method, path, body, expected) => {
    const { key } = await newMerchant();
    const source = { provider: "paypal", description: "PayPal" };
    const { json: made } = await call("POST", "/v1/sources", { key, body: source });
    const { status, json } = await call(method, path.replace("{source}", String(made["id"])), { key, body });
    expect(status).toBe(422);
    const paths = (json["errors"] as { path: string }[]).map((one) => one.path);
    expect(paths.toSorted()).toEqual(expected);
  });
});
