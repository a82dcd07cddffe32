import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Address, formatMailbox, isAddress, parseMailbox, Sender } from "../../src/channels/email/mailbox.ts";

const LABEL = "a".repeat(63);
/** A local part of 64 and a domain of 189 characters: 254 in all, the longest that there is. */
const LONGEST = `${"l".repeat(64)}@${LABEL}.${LABEL}.${"d".repeat(61)}`;

describe("an address", () => {
  it.each([
    "ann@example.com",
    "a@b.co",
    "o'hara+pay@sub.example.co.uk",
    "!#$%&'*+/=?^_`{|}~-@example.com",
    "first.last@example.com",
    "ANN@EXAMPLE.COM",
    "1@1.example",
    "ann@xn--bcher-kva.example",
    `${"l".repeat(64)}@example.com`,
    `ann@${LABEL}.example`,
    LONGEST,
  ])("is %s", (text) => {
    expect(isAddress(text)).toBe(true);
    expect(Address.safeParse(text).success).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["no domain", "ann"],
    ["a domain without a dot", "ann@localhost"],
    ["an empty local part", "@example.com"],
    ["an empty domain", "ann@"],
    ["an empty label", "ann@example..com"],
    ["a dot at the end", "ann@example.com."],
    ["a dot at the beginning", ".ann@example.com"],
    ["a dot before the at", "ann.@example.com"],
    ["two dots", "a..n@example.com"],
    ["a hyphen at a label's end", "ann@example-.com"],
    ["a hyphen at a label's beginning", "ann@-example.com"],
    ["an underscore in the domain", "ann@ex_ample.com"],
    ["an address in numbers", "ann@[192.0.2.1]"],
    ["two ats", "ann@bob@example.com"],
    ["a quoted local part", '"ann lee"@example.com'],
    ["a quoted at", '"ann@evil"@example.com'],
    ["a comment", "ann(comment)@example.com"],
    ["a space", "ann lee@example.com"],
    ["a space around", " ann@example.com"],
    ["a name", "Ann <ann@example.com>"],
    ["brackets", "<ann@example.com>"],
    ["a second address", "ann@example.com,eve@example.com"],
    ["a second address after a semicolon", "ann@example.com;eve@example.com"],
    ["a line break at the end", "ann@example.com\n"],
    ["a header", "ann@example.com\r\nBcc: eve@example.com"],
    ["a line break within", "ann\n@example.com"],
    ["NUL", "ann\u0000@example.com"],
    ["a backslash", "ann\\@example.com"],
    ["other alphabets", "анна@example.com"],
    ["a domain in another alphabet", "ann@bücher.example"],
    ["an at of full width", "ann\uFF20example.com"],
    ["what nobody sees", "ann\u200B@example.com"],
    ["a local part too long", `${"l".repeat(65)}@example.com`],
    ["a label too long", `ann@${LABEL}a.example`],
    ["too many characters", LONGEST.replace("@", "@d.")],
  ])("is not one with %s", (_, text) => {
    expect(isAddress(text)).toBe(false);
    expect(Address.safeParse(text).success).toBe(false);
  });

  it("takes no time to refuse", () => {
    const started = performance.now();
    expect(isAddress("a.".repeat(50_000))).toBe(false);
    expect(isAddress(`a@${"a-".repeat(120)}`)).toBe(false);
    expect(parseMailbox("a ".repeat(50_000))).toBeNull();
    expect(parseMailbox("<a".repeat(50_000))).toBeNull();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("a mailbox", () => {
  it.each([
    ["ann@example.com", { email: "ann@example.com" }],
    ["Ann <ann@example.com>", { email: "ann@example.com", name: "Ann" }],
    ["Ann<ann@example.com>", { email: "ann@example.com", name: "Ann" }],
    ['"Ann" <ann@example.com>', { email: "ann@example.com", name: "Ann" }],
    ['"Ann, Lee & Co." <ann@example.com>', { email: "ann@example.com", name: "Ann, Lee & Co." }],
    ["Ann, Lee <ann@example.com>", { email: "ann@example.com", name: "Ann, Lee" }],
    [' "Doe, Jane"  <jane@shop.example> ', { email: "jane@shop.example", name: "Doe, Jane" }],
    ['"Doe\\, \\Jane" <jane@shop.example>', { email: "jane@shop.example", name: "Doe, Jane" }],
    ['Jane "Doe, Jr." <jane@shop.example>', { email: "jane@shop.example", name: "Jane Doe, Jr." }],
    ["نامه\u200Cای 👩\u200D🚀 <a@b.example>", { email: "a@b.example", name: "نامه\u200Cای 👩\u200D🚀" }],
    ["Shop.de GmbH <ann@example.com>", { email: "ann@example.com", name: "Shop.de GmbH" }],
    ["  极好 Über  <ann@example.com>", { email: "ann@example.com", name: "极好 Über" }],
    [`${"n".repeat(100)} <ann@example.com>`, { email: "ann@example.com", name: "n".repeat(100) }],
  ])("is read: %s", (text, mailbox) => {
    expect(parseMailbox(text)).toEqual(mailbox);
    expect(Sender.safeParse(text).success).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["a name alone", "Ann"],
    ["no name", "<ann@example.com>"],
    ["an empty name", '"" <ann@example.com>'],
    ["a blank name", '" " <ann@example.com>'],
    ["no address in its brackets", "Ann <>"],
    ["a wrong address", "Ann <ann@example>"],
    ["two addresses in its brackets", "Ann <ann@example.com,eve@example.com>"],
    ["two mailboxes", "Ann <ann@example.com>, Eve <eve@example.com>"],
    ["two addresses", "ann@example.com, eve@example.com"],
    ["text after it", "Ann <ann@example.com> x"],
    ["nested brackets", "Ann <<ann@example.com>>"],
    ["a bracket in its name", "A>nn <ann@example.com>"],
    ["a quote in its name", 'A"nn <ann@example.com>'],
    ["an open quote", '"Ann <ann@example.com>'],
    ["an escaped quote in its name", '"A\\"nn" <ann@example.com>'],
    ["an escaped backslash in its name", '"A\\\\nn" <ann@example.com>'],
    ["a backslash outside of quotes", "A\\nn <ann@example.com>"],
    ["another address for a name", "ann@evil.example <ann@example.com>"],
    ["another address in quotes", '"ann@evil.example" <ann@example.com>'],
    ["an at of full width in its name", "ann\uFF20evil.example <ann@example.com>"],
    ["a small at in its name", "ann\uFE6Bevil.example <ann@example.com>"],
    ["brackets of full width in its name", "Ann \uFF1Cann\uFF1E <ann@example.com>"],
    ["a direction in its name", "An\u202En <ann@example.com>"],
    ["what nobody sees in its name", "An\u200Bn <ann@example.com>"],
    ["a joiner where none is needed", "An\u200Dn <ann@example.com>"],
    ["a line break after its name", "Ann\n<ann@example.com>"],
    ["a line break before its name", '"\r\nAnn" <ann@example.com>'],
    ["a header in its name", "Ann\r\nBcc: eve@example.com\r\nX: <ann@example.com>"],
    ["a header after it", "Ann <ann@example.com>\r\nBcc: eve@example.com"],
    ["a line separator in its name", "An\u2028n <ann@example.com>"],
    ["half a character in its name", "An\uD800n <ann@example.com>"],
    ["a word that mail programs decode", "=?utf-8?B?c2VydmljZUBiYW5rLmNvbQ==?= <ann@example.com>"],
    ["a name that nobody sees", "\u3164 <ann@example.com>"],
    ["a name without a letter or digit", "- <ann@example.com>"],
    ["too long a name", `${"n".repeat(101)} <ann@example.com>`],
  ])("is none with %s", (_, text) => {
    expect(parseMailbox(text)).toBeNull();
    expect(Sender.safeParse(text).success).toBe(false);
  });

  it.each([
    [{ email: "ann@example.com" }, "ann@example.com"],
    [{ email: "ann@example.com", name: "Ann Lee" }, "Ann Lee <ann@example.com>"],
    [{ email: "ann@example.com", name: "Ann, Lee" }, '"Ann, Lee" <ann@example.com>'],
    [{ email: "ann@example.com", name: "St. Ann" }, '"St. Ann" <ann@example.com>'],
    [{ email: "ann@example.com", name: "极好 (Shop): [x]; y" }, '"极好 (Shop): [x]; y" <ann@example.com>'],
  ])("is written: %j", (mailbox, text) => {
    expect(formatMailbox(mailbox)).toBe(text);
  });

  it("that was read is read again from what is written, on one line with one address", () => {
    const name = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 }),
      fc.string({ unit: fc.constantFrom(...'aÜ好 ,.@;:()[]<>"\\\r\n'.split("")), minLength: 1, maxLength: 12 }),
    );
    const email = fc.oneof(fc.constantFrom("ann@example.com", "a+b@c.example"), fc.emailAddress(), fc.string());
    const form = fc.constantFrom("n <e>", '"n" <e>', "n<e>", "e", "n");
    fc.assert(
      fc.property(name, email, form, (name, email, form) => {
        const text = form.replace("n", () => name).replace("e", () => email);
        const mailbox = parseMailbox(text);
        if (mailbox === null) return;
        const written = formatMailbox(mailbox);
        expect(parseMailbox(written)).toEqual(mailbox);
        expect(written).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(isAddress(mailbox.email)).toBe(true);
        expect(written.replaceAll(/"[^"]*"/g, "")).not.toMatch(/[,;]/);
      }),
      { numRuns: 3000 },
    );
  });
});
