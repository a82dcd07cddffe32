import { describe, expect, it } from "vitest";
import type { BindingEmail } from "../../src/channels/adapter.ts";
import { refusalOf } from "../../src/channels/email/cloudflare-rules.ts";

const MEBIBYTE = 1024 * 1024;

type Email = BindingEmail["email"];

const PLAIN: Email = {
  from: { email: "pay@acme.example" },
  to: "ann@example.com",
  subject: "s",
  text: "t",
  headers: {},
};

/** `count` headers that are listed, in as many spellings. */
function listed(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => {
    const bits = index.toString(2).padStart(8, "0");
    return Array.from("keywords", (char, at) => (bits[at] === "1" ? char.toUpperCase() : char)).join("");
  });
  return Object.fromEntries(names.map((name) => [name, "v"]));
}

/** Custom headers of so many bytes in all, with the four that each takes besides. */
function custom(bytes: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let left = bytes, index = 0; left > 0; index++) {
    const size = left > 2000 ? 1024 : left;
    headers[`X-${String(index).padStart(2, "0")}`] = "v".repeat(size - 8);
    left -= size;
  }
  return headers;
}

/** https://developers.cloudflare.com/email-service/reference/headers/ and .../platform/limits/ */
describe("production refuses", () => {
  it.each<[string, string, string, Partial<Email>]>([
    ["E_FIELD_MISSING", "from", "no sender", { from: { email: "" } }],
    ["E_FIELD_MISSING", "to", "no recipient", { to: "" }],
    ["E_FIELD_MISSING", "subject", "no subject", { subject: "" }],
    ["E_FIELD_MISSING", "text", "no text", { text: "" }],
    ["E_TOO_MANY_RECIPIENTS", "to", "51 recipients", { to: Array(51).fill("a@b.example").join() }],
    ["E_VALIDATION_ERROR", "from", "a malformed sender", { from: { email: "pay" } }],
    ["E_VALIDATION_ERROR", "from", "a line break in its name", { from: { email: "a@b.example", name: "a\r\nb" } }],
    ["E_VALIDATION_ERROR", "to", "a malformed recipient", { to: "ann" }],
    ["E_VALIDATION_ERROR", "replyTo", "a malformed answer's address", { replyTo: "" }],
    ["E_VALIDATION_ERROR", "subject", "a line break in the subject", { subject: "a\nb" }],
    ["E_VALIDATION_ERROR", "subject", "a subject of 999", { subject: "s".repeat(999) }],
    ["E_HEADER_NAME_INVALID", "headers", "no name", { headers: { "": "v" } }],
    ["E_HEADER_NAME_INVALID", "headers", "a space in a name", { headers: { "X a": "v" } }],
    ["E_HEADER_NAME_INVALID", "headers", "a colon in a name", { headers: { "X-a:": "v" } }],
    ["E_HEADER_NAME_INVALID", "headers", "a line break after a name", { headers: { "X-a\n": "v" } }],
    ["E_HEADER_NAME_INVALID", "headers", "an underscore in a listed name", { headers: { List_Id: "v" } }],
    ["E_HEADER_NAME_INVALID", "headers", "a name of 101", { headers: { [`X-${"a".repeat(99)}`]: "v" } }],
    ["E_HEADER_USE_API_FIELD", "reply-to", "a field of its own", { headers: { "Reply-To": "a@b.example" } }],
    ["E_HEADER_USE_API_FIELD", "bcc", "a hidden recipient", { headers: { BCC: "a@b.example" } }],
    ["E_HEADER_NOT_ALLOWED", "message-id", "what it writes itself", { headers: { "Message-ID": "<a@b>" } }],
    ["E_HEADER_NOT_ALLOWED", "feedback-id", "what is not on its list", { headers: { "Feedback-ID": "a" } }],
    ["E_HEADER_VALUE_TOO_LONG", "x-a", "2049 bytes of a value", { headers: { "X-a": `${"é".repeat(1024)}v` } }],
    ["E_HEADER_VALUE_INVALID", "x-a", "an empty value", { headers: { "X-a": " " } }],
    ["E_HEADER_VALUE_INVALID", "x-a", "a line break in a value", { headers: { "X-a": "a\r\nBcc: c@d.example" } }],
    ["E_HEADER_VALUE_INVALID", "auto-submitted", "no", { headers: { "Auto-Submitted": "no" } }],
    ["E_HEADER_VALUE_INVALID", "precedence", "another precedence", { headers: { Precedence: "first" } }],
    ["E_HEADER_VALUE_INVALID", "importance", "another importance", { headers: { Importance: "urgent" } }],
    ["E_HEADER_VALUE_INVALID", "priority", "another priority", { headers: { Priority: "high" } }],
    ["E_HEADER_VALUE_INVALID", "sensitivity", "another sensitivity", { headers: { Sensitivity: "public" } }],
    ["E_HEADER_VALUE_INVALID", "list-unsubscribe", "http", { headers: { "List-Unsubscribe": "<http://a.example>" } }],
    ["E_HEADER_VALUE_INVALID", "list-unsubscribe-post", "x", { headers: { "List-Unsubscribe-Post": "one-click" } }],
    ["E_HEADERS_TOO_MANY", "headers", "21 listed headers", { headers: listed(21) }],
    ["E_HEADERS_TOO_LARGE", "headers", "16 KiB of headers and a byte", { headers: custom(16 * 1024 + 1) }],
    ["E_CONTENT_TOO_LARGE", "text", "5 MiB and a byte", { text: "t".repeat(5 * MEBIBYTE) }],
    ["E_CONTENT_TOO_LARGE", "text", "bytes, not characters", { html: "é".repeat(2.5 * MEBIBYTE) }],
  ])("with %s for %s: %s", (code, field, _, changes) => {
    expect(refusalOf({ ...PLAIN, ...changes })).toEqual({ code, field, message: expect.stringMatching(/^\S.*\.$/) });
  });

  it.each<[string, Partial<Email>]>([
    ["a plain email", {}],
    ["HTML alone", { text: "", html: "<p>" }],
    ["a subject of 998", { subject: "s".repeat(998) }],
    ["any name without control characters", { from: { email: "a@b.example", name: '极好 "Über" 🎉' } }],
    ["a name of 100", { headers: { [`X-${"a".repeat(98)}`]: "v" } }],
    ["an underscore in a custom name", { headers: { "x-a_b": "付" } }],
    ["2048 bytes of a value", { headers: { "X-a": "é".repeat(1024) } }],
    ["20 listed headers and many custom ones", { headers: { ...listed(20), ...custom(4096) } }],
    ["16 KiB of headers", { headers: custom(16 * 1024) }],
    ["5 MiB", { text: "t".repeat(5 * MEBIBYTE - 1) }],
    ["a list's header", { headers: { "List-Unsubscribe": "<https://a.example/u>, <mailto:a@b.example>" } }],
    ["one click", { headers: { "list-unsubscribe-post": "List-Unsubscribe=One-Click" } }],
    ["values of its lists", { headers: { Precedence: "bulk", Importance: "low", Priority: "non-urgent" } }],
  ])("nothing of %s", (_, changes) => {
    expect(refusalOf({ ...PLAIN, ...changes })).toBeNull();
  });
});
