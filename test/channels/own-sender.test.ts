import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EmailName, OwnSender, ownSender, underOwnName } from "../../src/channels/email/own-sender.ts";
import { randomId } from "../../src/event/ids.ts";

const DOMAINS = ["paybell.example", "mail.paybell.example"];
const ADA = { id: "mer_01ada", emailName: null };
const BOB = { id: "mer_01bob", emailName: "bobs.shop" };

describe("the name before the @", () => {
  it.each(["bobs.shop", "ada-2", "a1", "my_shop", "x".repeat(40)])("may be %s", (name) => {
    expect(EmailName.safeParse(name).success).toBe(true);
  });

  it.each(
    `postmaster abuse admin security noreply no-reply no.reply alerts alert alerts-2 billing support support1 admin1-2
    hostmaster webmaster mailer-daemon paybell info help root mer-01ada A-shop a @ a@b a..b .a a- a+b 好店 ${"x".repeat(41)}`.split(
      /\s+/,
    ),
  )("is never %s", (name) => {
    expect(EmailName.safeParse(name).success).toBe(false);
  });
});

describe("a sender at the operator's domains", () => {
  it.each([
    [ADA, undefined, { from: "mer-01ada@paybell.example" }],
    [ADA, "Ada's", { from: "Ada's <mer-01ada@paybell.example>" }],
    [BOB, "Bob, Inc.", { from: '"Bob, Inc." <bobs.shop@paybell.example>' }],
    [BOB, "Bob <Bobs.Shop@Mail.Paybell.Example>", { from: "Bob <bobs.shop@mail.paybell.example>" }],
    [ADA, "bobs.shop@paybell.example", { own: "mer-01ada@paybell.example" }],
    [ADA, '"Bank, Inc." <noreply@mail.paybell.example>', { own: "mer-01ada@mail.paybell.example" }],
    [BOB, "mer-01bob@paybell.example", { own: "bobs.shop@paybell.example" }],
    [BOB, "bobs.shop@bank.example", { domain: "bank.example" }],
  ])("%j asks for %j", (owner, from, expected) => {
    expect(ownSender(from, owner, DOMAINS)).toEqual(expected);
  });

  it.each([
    "Dr. Müller",
    "A.B. Shop",
    "Café No. 5",
    "St. Galler Bank",
    "Sport e.V.",
    "No.5 S.p.A.",
    "葛\u{E0100}城 ❤\uFE0F",
    "Shop <mer-01ada@paybell.example>",
    "mer-01ada@paybell.example",
  ])("may be shown as %s", (from) => {
    expect(OwnSender.safeParse(from).success).toBe(true);
  });

  it.each([
    "=?utf-8?B?c2VydmljZUBiYW5rLmNvbQ==?=",
    "\u3164",
    "\u115F\u1160",
    "Ba\u3164nk",
    "Bank\uFE0F",
    "Bank\u034F",
    "- -",
    "\u2800",
    "Deutsche Bank AG (service at db.com)",
    "Bank [service.bank.com]",
    "alerts⓪bank.com",
    "bank．com",
    "bank。com",
    "bank\u2024com",
    "банк.рф",
    "10.0.0.1",
    "Amazon.de GmbH",
    "Bank.com <mer-01ada@paybell.example>",
    '"Bank [service.bank.com]" <mer-01ada@paybell.example>',
    "=?utf-8?Q?Bank?= <mer-01ada@paybell.example>",
  ])("is never shown as %s", (from) => {
    expect(OwnSender.safeParse(from).success).toBe(false);
  });

  it.each([
    ["Bank.com <bobs.shop@paybell.example>", "bobs.shop@paybell.example"],
    ["=?utf-8?Q?Bank?= <bobs.shop@paybell.example>", "bobs.shop@paybell.example"],
    ["Shop <alerts@paybell.example>", "Shop <bobs.shop@paybell.example>"],
    ["noreply@bank.example <a@paybell.example>", "bobs.shop@paybell.example"],
    ["nonsense", "nonsense"],
  ])("that was stored before is the merchant's own: %s", (stored, expected) => {
    expect(underOwnName(stored, BOB)).toBe(expected);
  });

  it("is one merchant's alone, and refused to every other", () => {
    const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{1,12}$/).filter((text) => EmailName.safeParse(text).success);
    const owner = fc.option(names).map((emailName) => ({ id: randomId("mer"), emailName }));
    const address = (from: object) => /([^<\s]+)@/.exec("from" in from ? String(from.from) : "")?.[1];
    fc.assert(
      fc.property(owner, owner, (one, other) => {
        fc.pre(one.emailName === null || one.emailName !== other.emailName);
        const mine = address(ownSender(undefined, one, DOMAINS))!;
        expect(address(ownSender("Shop", other, DOMAINS))).not.toBe(mine);
        expect(ownSender(`Shop <${mine}@paybell.example>`, other, DOMAINS)).toHaveProperty("own");
      }),
    );
  });
});
