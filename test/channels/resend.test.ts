import fc from "fast-check";
import { Resend } from "resend";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { FailureClass, Message } from "../../src/channels/adapter.ts";
import { resend } from "../../src/channels/email/resend.ts";
import { answer, anyAnswer, issuesOf, message } from "./provider-answers.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const ACCOUNT = { from: "Acme <pay@acme.example>", apiKey: "re_123" };
const EMAIL = { subject: "Paid: 5 €", text: "Hello\n", html: "<p>Hello</p>" };

/** The request that the official library sends for the same email. */
async function officialRequest(email: Message, account: { from: string; replyTo?: string; apiKey: string }) {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    requests.push(new Request(url, init));
    return Promise.resolve(Response.json({ id: "49a3999c" }));
  });
  const { from, replyTo, apiKey } = account;
  await new Resend(apiKey).emails.send(
    {
      from,
      to: [email.to],
      subject: email.subject ?? "",
      text: email.text,
      ...(email.html !== undefined && { html: email.html }),
      ...(replyTo !== undefined && { replyTo }),
      headers: { "Auto-Submitted": "auto-generated" },
    },
    { idempotencyKey: email.id },
  );
  return requests[0]!;
}

describe("the request", () => {
  it.each([
    { name: "all fields", email: message(EMAIL), account: { ...ACCOUNT, replyTo: "help@acme.example" } },
    { name: "text alone", email: message({ subject: EMAIL.subject, text: EMAIL.text }), account: ACCOUNT },
    { name: "a bare sender", email: message(EMAIL), account: { ...ACCOUNT, from: "pay@acme.example" } },
    {
      name: "other alphabets",
      email: message({ ...EMAIL, subject: "付款成功 🎉", to: "o'hara+pay@example.co.uk" }),
      account: { ...ACCOUNT, from: "极好 Über <pay@acme.example>" },
    },
  ])("is the one that the official library sends: $name", async ({ email, account }) => {
    const official = await officialRequest(email, account);
    const ours = resend.prepare(email, account);
    expect(ours.url).toBe(official.url);
    expect(official.method).toBe("POST");
    expect(JSON.parse(ours.body)).toEqual(await official.json());
    const { "user-agent": userAgent, ...headers } = ours.headers;
    expect(userAgent).toBe("Paybell/0.1.0");
    for (const [name, value] of Object.entries(headers)) expect(official.headers.get(name)).toBe(value);
    expect(Object.keys(headers).sort()).toEqual([...official.headers.keys()].filter((n) => n !== "user-agent").sort());
  });

  it("quotes a name that has to be, and goes where the account says", () => {
    const account = { ...ACCOUNT, from: "Acme, Inc. <pay@acme.example>", baseUrl: "http://127.0.0.1:9/api/" };
    const { url, body } = resend.prepare(message(EMAIL), account);
    expect(url).toBe("http://127.0.0.1:9/api/emails");
    expect(JSON.parse(body)).toMatchObject({ from: '"Acme, Inc." <pay@acme.example>' });
  });

  it("holds no header that unsubscribes: these are receipts", () => {
    expect(resend.prepare(message(EMAIL), ACCOUNT).body).not.toMatch(/unsubscribe/i);
  });

  it("is the same at every attempt, as the idempotency key wants it", () => {
    expect(resend.prepare(message(EMAIL), ACCOUNT)).toEqual(resend.prepare(message(EMAIL), ACCOUNT));
    expect(resend.idempotencySeconds).toBe(24 * 3600);
  });
});

/** https://resend.com/docs/api-reference/errors */
const ERRORS: [status: number, name: string, FailureClass][] = [
  [400, "invalid_idempotency_key", "invalid"],
  [400, "validation_error", "invalid"],
  [401, "missing_api_key", "config"],
  [401, "restricted_api_key", "config"],
  [403, "invalid_api_key", "config"],
  [403, "validation_error", "config"],
  [404, "not_found", "config"],
  [405, "method_not_allowed", "config"],
  [409, "invalid_idempotent_request", "invalid"],
  [409, "concurrent_idempotent_requests", "transient"],
  [422, "invalid_attachment", "invalid"],
  [422, "invalid_from_address", "config"],
  [422, "invalid_access", "invalid"],
  [422, "invalid_parameter", "invalid"],
  [422, "invalid_region", "invalid"],
  [422, "missing_required_field", "invalid"],
  [422, "validation_error", "invalid"],
  [429, "monthly_quota_exceeded", "config"],
  [429, "daily_quota_exceeded", "config"],
  [429, "rate_limit_exceeded", "throttled"],
  [451, "security_error", "content"],
  [500, "application_error", "transient"],
  [500, "internal_server_error", "transient"],
  [400, "a_new_error", "invalid"],
  [403, "a_new_error", "config"],
  [409, "a_new_error", "invalid"],
  [429, "a_new_error", "throttled"],
  [503, "a_new_error", "transient"],
];

const STATUSES: [status: number, FailureClass][] = [
  [302, "transient"],
  [401, "config"],
  [403, "config"],
  [404, "invalid"],
  [408, "ambiguous"],
  [413, "content"],
  [429, "throttled"],
  [500, "transient"],
  [502, "transient"],
  [503, "transient"],
  [504, "ambiguous"],
  [520, "ambiguous"],
  [521, "transient"],
  [522, "ambiguous"],
  [524, "ambiguous"],
];

describe("the answer", () => {
  it("is an email once it names one", () => {
    expect(resend.interpret(answer(200, { id: "49a3999c" }))).toEqual({ ok: true, id: "49a3999c" });
  });

  it.each(["", "{}", "[]", "null", '{"id":""}', '{"id":7}', '{"id":"49a3', "<html>"])(
    "says nothing of the email's fate when it is a 200 with %j",
    (body) => {
      expect(resend.interpret(answer(200, body))).toMatchObject({ ok: false, class: "ambiguous", code: "200" });
    },
  );

  it.each(ERRORS)("%i %s is %s", (statusCode, name, failureClass) => {
    const sent = resend.interpret(answer(statusCode, { statusCode, name, message: "So it is." }));
    expect(sent).toEqual({ ok: false, class: failureClass, code: name, detail: "So it is." });
  });

  it.each(STATUSES)("%i without a name is %s", (status, failureClass) => {
    const sent = resend.interpret(answer(status, "<html>upstream</html>"));
    expect(sent).toEqual({
      ok: false,
      class: failureClass,
      code: String(status),
      detail: `Resend answered ${status}.`,
    });
  });

  it.each([
    ["Invalid `to` field. The email address needs to follow the `email@example.com` format.", "address_dead"],
    ["Invalid 'to' field. The email address needs to follow the email@example.com format.", "address_dead"],
    ["Invalid to field. The email address needs to follow the email@example.com format.", "address_dead"],
    ["Invalid `reply_to` field. The email address needs to follow the `email@example.com` format.", "invalid"],
    ["Invalid `from` field.", "invalid"],
    ["The `to` field is limited.", "invalid"],
    ["Invalid tokens.", "invalid"],
  ])("422 validation_error: %s", (text, failureClass) => {
    const body = { statusCode: 422, name: "validation_error", message: text };
    expect(resend.interpret(answer(422, body))).toMatchObject({ class: failureClass });
  });

  it("does not blame the address when the account may not write to it yet", () => {
    const body = { name: "validation_error", message: "Invalid `to` field. You can only send testing emails." };
    expect(resend.interpret(answer(403, body))).toMatchObject({ class: "config" });
  });

  it.each([
    [{ "retry-after": "2" }, 2000],
    [{ "ratelimit-reset": "3" }, 3000],
    [{ "retry-after": "2", "ratelimit-reset": "3" }, 2000],
    [{ "retry-after": "Tue, 24 Nov 2026 12:00:09 GMT" }, 9000],
    [{ "retry-after": "999999999" }, 86_400_000],
    [{ "retry-after": "0" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ])("asks for the pause of %j", (headers, retryAfterMs) => {
    const sent = resend.interpret(answer(429, { name: "rate_limit_exceeded" }, headers as Record<string, string>));
    expect(sent).toMatchObject({ class: "throttled" });
    expect("retryAfterMs" in sent ? sent.retryAfterMs : undefined).toBe(retryAfterMs);
  });

  it("gives a detail on one line, cut", () => {
    const sent = resend.interpret(answer(400, { name: "x\r\ny", message: `a\r\nb\u0000${"🎉".repeat(900)}` }));
    expect(sent).toMatchObject({ code: "x y" });
    expect((sent as { detail: string }).detail).toMatch(/^a b 🎉+$/u);
    expect(Array.from((sent as { detail: string }).detail)).toHaveLength(500);
  });

  it("is never a success unless it is a 2xx with an id, whatever comes", () => {
    fc.assert(
      fc.property(anyAnswer, (given) => {
        const sent = resend.interpret(given);
        const isSuccess = given.status >= 200 && given.status < 300;
        expect(sent.ok && !isSuccess).toBe(false);
        if (isSuccess && !sent.ok) expect(sent.class).toBe("ambiguous");
        if (sent.ok) expect(sent.id).not.toBe("");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the account", () => {
  it.each([
    ACCOUNT,
    { ...ACCOUNT, replyTo: "help@acme.example", baseUrl: "https://api.eu.example/v1" },
    { ...ACCOUNT, from: '"Acme, Inc." <pay@acme.example>', baseUrl: "http://127.0.0.1:4101" },
  ])("may be %j", (account) => {
    expect(issuesOf(resend.account, account)).toEqual([]);
  });

  it.each([
    ["from", { ...ACCOUNT, from: "Acme" }],
    ["from", { ...ACCOUNT, from: "Acme <pay@acme.example>\r\nBcc: eve@example.com" }],
    ["from", { ...ACCOUNT, from: "Acme\r\nBcc: eve@example.com <pay@acme.example>" }],
    ["from", { ...ACCOUNT, from: "Acme <pay@acme.example>, Eve <eve@example.com>" }],
    ["from", { ...ACCOUNT, from: 'Ac"me <pay@acme.example>' }],
    ["from", { ...ACCOUNT, from: "Acme <pay@acme>" }],
    ["from", { apiKey: "re_1" }],
    ["replyTo", { ...ACCOUNT, replyTo: "help@acme.example\nBcc: eve@example.com" }],
    ["replyTo", { ...ACCOUNT, replyTo: "Help <help@acme.example>" }],
    ["apiKey", { ...ACCOUNT, apiKey: "re_1\r\nx: y" }],
    ["apiKey", { ...ACCOUNT, apiKey: "" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "ftp://example.com" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "https://api.example/?key=" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "https://user:secret@api.example" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "https://api.example/#" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "https://api.exam\nple" }],
    ["unrecognized_keys", { ...ACCOUNT, apikey: "re_1" }],
  ])("is refused for its %s: %j", (path, account) => {
    expect(issuesOf(resend.account, account)).toContain(path);
  });
});
