import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FailureClass } from "../../src/channels/adapter.ts";
import { cloudflare } from "../../src/channels/email/cloudflare.ts";
import { issuesOf, message } from "./provider-answers.ts";

const ACCOUNT = { from: "Acme, Inc. <pay@acme.example>" };
const EMAIL = message({ subject: "Paid: 5 €", text: "Hello\n", html: "<p>Hello</p>" });
const MEBIBYTE = 1024 * 1024;

describe("the email", () => {
  it("has every field of the binding's builder", () => {
    expect(cloudflare.prepare(EMAIL, { ...ACCOUNT, replyTo: "help@acme.example" })).toEqual({
      via: "send_email",
      email: {
        from: { email: "pay@acme.example", name: "Acme, Inc." },
        to: "ann@example.com",
        replyTo: "help@acme.example",
        subject: "Paid: 5 €",
        text: "Hello\n",
        html: "<p>Hello</p>",
        headers: { "Auto-Submitted": "auto-generated" },
      },
    });
  });

  it("leaves out what is not given", () => {
    const { subject, text } = EMAIL;
    expect(cloudflare.prepare(message({ subject: subject!, text }), { from: "pay@acme.example" })).toEqual({
      via: "send_email",
      email: {
        from: { email: "pay@acme.example" },
        to: "ann@example.com",
        subject: "Paid: 5 €",
        text: "Hello\n",
        headers: { "Auto-Submitted": "auto-generated" },
      },
    });
  });

  it("holds no header that unsubscribes, and no idempotency key: Cloudflare knows none", () => {
    expect(JSON.stringify(cloudflare.prepare(EMAIL, ACCOUNT))).not.toMatch(/unsubscribe|idempotency/i);
    expect(cloudflare.idempotencySeconds).toBeNull();
    expect(cloudflare.secrets).toEqual([]);
  });

  it.each<[string, Partial<typeof EMAIL>, Partial<typeof ACCOUNT>, string, FailureClass]>([
    ["no recipient", { to: "" }, {}, "E_FIELD_MISSING", "invalid"],
    ["no subject", { subject: "" }, {}, "E_FIELD_MISSING", "invalid"],
    ["no text", { text: "", html: "" }, {}, "E_FIELD_MISSING", "invalid"],
    ["no sender", {}, { from: "" }, "E_FIELD_MISSING", "invalid"],
    ["a malformed recipient", { to: "ann@localhost" }, {}, "E_VALIDATION_ERROR", "address_dead"],
    ["two recipients", { to: "ann@example.com,eve@example.com" }, {}, "E_VALIDATION_ERROR", "address_dead"],
    ["51 recipients", { to: `${"a@b.example,".repeat(50)}a@b.example` }, {}, "E_TOO_MANY_RECIPIENTS", "invalid"],
    ["a recipient with a header", { to: "a@b.example\r\nBcc: c@d.example" }, {}, "E_VALIDATION_ERROR", "address_dead"],
    ["a malformed sender", {}, { from: "Acme" }, "E_VALIDATION_ERROR", "invalid"],
    ["a subject of two lines", { subject: "a\r\nBcc: c@d.example" }, {}, "E_VALIDATION_ERROR", "invalid"],
    ["too long a subject", { subject: "s".repeat(999) }, {}, "E_VALIDATION_ERROR", "invalid"],
    ["too much text", { text: "t".repeat(5 * MEBIBYTE) }, {}, "E_CONTENT_TOO_LARGE", "content"],
  ])("is refused at once with %s", (_, changes, account, code, failureClass) => {
    expect(cloudflare.prepare({ ...EMAIL, ...changes }, { ...ACCOUNT, ...account })).toEqual({
      ok: false,
      class: failureClass,
      code,
      detail: expect.stringMatching(/^\S.*\.$/),
    });
  });

  it("is refused for its answer's address, which is not the recipient's", () => {
    const sent = cloudflare.prepare(EMAIL, { ...ACCOUNT, replyTo: "help" } as typeof ACCOUNT);
    expect(sent).toMatchObject({ ok: false, class: "invalid", code: "E_VALIDATION_ERROR" });
  });

  it("has no control character in a header, or is refused, whatever it is made of", () => {
    const text = fc.string({ unit: "binary" });
    const address = fc.oneof(fc.emailAddress(), text);
    fc.assert(
      fc.property(address, text, text, address, address, (to, subject, body, from, replyTo) => {
        const prepared = cloudflare.prepare({ ...EMAIL, to, subject, text: body }, { from, replyTo } as typeof ACCOUNT);
        if ("ok" in prepared) return;
        const { email } = prepared;
        expect([email.to, email.subject, email.from.email, email.from.name, email.replyTo].join("")).not.toMatch(
          /\p{Cc}/u,
        );
      }),
      { numRuns: 300 },
    );
  });
});

/** https://developers.cloudflare.com/email-service/api/send-emails/workers-api/#error-codes, all of them. */
const ERRORS: [code: string, FailureClass][] = [
  ["E_VALIDATION_ERROR", "invalid"],
  ["E_FIELD_MISSING", "invalid"],
  ["E_TOO_MANY_RECIPIENTS", "invalid"],
  ["E_SENDER_NOT_VERIFIED", "config"],
  ["E_RECIPIENT_NOT_ALLOWED", "invalid"],
  ["E_RECIPIENT_SUPPRESSED", "opted_out"],
  ["E_SENDER_DOMAIN_NOT_AVAILABLE", "config"],
  ["E_CONTENT_TOO_LARGE", "content"],
  ["E_DELIVERY_FAILED", "ambiguous"],
  ["E_RATE_LIMIT_EXCEEDED", "throttled"],
  ["E_DAILY_LIMIT_EXCEEDED", "config"],
  ["E_INTERNAL_SERVER_ERROR", "transient"],
  ["E_HEADER_NOT_ALLOWED", "invalid"],
  ["E_HEADER_USE_API_FIELD", "invalid"],
  ["E_HEADER_VALUE_INVALID", "invalid"],
  ["E_HEADER_VALUE_TOO_LONG", "invalid"],
  ["E_HEADER_NAME_INVALID", "invalid"],
  ["E_HEADERS_TOO_LARGE", "invalid"],
  ["E_HEADERS_TOO_MANY", "invalid"],
];

describe("the answer", () => {
  it("is an email once it names one", () => {
    expect(cloudflare.interpret({ messageId: "<a@acme.example>" })).toEqual({ ok: true, id: "<a@acme.example>" });
  });

  it.each(["", undefined, null, 7, {}])("says nothing of the email's fate when it names %j", (messageId) => {
    const sent = cloudflare.interpret({ messageId: messageId as string });
    expect(sent).toEqual({ ok: false, class: "ambiguous", detail: "Cloudflare's answer names no email." });
  });

  it.each(ERRORS)("%s is %s", (code, failureClass) => {
    expect(cloudflare.interpret({ code, message: "So it is." })).toMatchObject({
      ok: false,
      class: failureClass,
      code,
      detail: "So it is.",
    });
  });

  it("says of Cloudflare's own list alone that nobody else has to remember it", () => {
    const listed = ERRORS.filter(([code]) => "isListed" in cloudflare.interpret({ code, message: "" }));
    expect(listed.map(([code]) => code)).toEqual(["E_RECIPIENT_SUPPRESSED"]);
  });

  it.each(["E_A_NEW_ERROR", "", "e_field_missing", "constructor", "__proto__", "10001"])(
    "says nothing of the email's fate when its code is %j",
    (code) => {
      expect(cloudflare.interpret({ code, message: "So it is." })).toMatchObject({ class: "ambiguous", code });
    },
  );

  it("says nothing of the email's fate without a code", () => {
    const sent = cloudflare.interpret({ code: undefined, message: "Error: Network connection lost." });
    expect(sent).toEqual({ ok: false, class: "ambiguous", detail: "Error: Network connection lost." });
  });

  it("gives a detail without line breaks, cut", () => {
    const sent = cloudflare.interpret({ code: "c".repeat(100), message: `a\r\n\u0000b${"x".repeat(900)}` });
    expect(sent).toMatchObject({ code: "c".repeat(64), detail: `a b${"x".repeat(497)}` });
  });

  it("is never a success unless it names an email, whatever comes", () => {
    const thrown = fc.record({ code: fc.option(fc.string(), { nil: undefined }), message: fc.string() });
    const answered = fc.record({ messageId: fc.anything() as fc.Arbitrary<string> });
    fc.assert(
      fc.property(fc.oneof(thrown, answered), (answer) => {
        const sent = cloudflare.interpret(answer);
        expect(sent.ok).toBe("messageId" in answer && typeof answer.messageId === "string" && answer.messageId !== "");
      }),
      { numRuns: 300 },
    );
  });
});

describe("the account", () => {
  it.each([ACCOUNT, { from: "pay@acme.example" }, { ...ACCOUNT, replyTo: "help@acme.example" }])(
    "may be %j",
    (account) => {
      expect(issuesOf(cloudflare.account, account)).toEqual([]);
    },
  );

  it.each([
    ["from", { from: "" }],
    ["from", { from: "pay@acme.example, eve@acme.example" }],
    ["from", { from: "Acme\n<pay@acme.example>" }],
    ["from", { from: "Acme <pay@acme.example>\r\nBcc: eve@example.com" }],
    ["replyTo", { ...ACCOUNT, replyTo: "Help <help@acme.example>" }],
    ["unrecognized_keys", { ...ACCOUNT, baseUrl: "https://api.example" }],
    ["unrecognized_keys", { ...ACCOUNT, headers: { "X-a": "b" } }],
  ])("is refused for its %s: %j", (path, account) => {
    expect(issuesOf(cloudflare.account, account)).toContain(path);
  });
});
