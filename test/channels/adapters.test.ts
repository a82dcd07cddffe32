import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter, HttpAdapter, Sent } from "../../src/channels/adapter.ts";
import { adapterOf, adapters } from "../../src/channels/index.ts";
import { anyAnswer, answer, issuesOf, message } from "./provider-answers.ts";

/** An account of each adapter with all of its secrets. */
const ACCOUNTS: Record<keyof typeof adapters, Record<string, string>> = {
  cloudflare: { from: "Acme <pay@acme.example>" },
  resend: { from: "Acme <pay@acme.example>", apiKey: "s3cret:/apiKey" },
  twilio: { accountSid: `AC${"0".repeat(32)}`, authToken: "s3cret:/authToken", from: "+15005550006" },
};
const NAMES = Object.keys(adapters) as (keyof typeof adapters)[];
const OVER_HTTP = NAMES.filter((name) => adapters[name].via === "http");
const CHANNELS = ["email", "sms"];

const MESSAGE = message({ to: "ann@example.com", subject: "Paid", text: "Hello", html: "<p>Hello</p>" });

function adapterNamed(name: string): Adapter<Record<string, string>> {
  return adapters[name as keyof typeof adapters] as unknown as Adapter<Record<string, string>>;
}

function overHttp(name: string): HttpAdapter<Record<string, string>> {
  return adapterNamed(name) as HttpAdapter<Record<string, string>>;
}

function expectBounded(sent: Sent): void {
  if (sent.ok) return;
  expect(Array.from(sent.detail).length).toBeLessThanOrEqual(500);
  expect((sent.code ?? "").length).toBeLessThanOrEqual(100);
  expect(sent.detail + sent.code).not.toMatch(/\p{Cc}/u);
}

describe.each(NAMES)("the adapter %s", (name) => {
  const adapter = adapterNamed(name);
  const account = ACCOUNTS[name];

  it("has the name by which accounts call it, for one channel", () => {
    expect(adapter.name).toBe(name);
    expect(CHANNELS.filter((channel) => adapterOf(channel, name) === adapter)).toEqual([adapter.channel]);
  });

  it("has for secrets fields of its account, which it needs", () => {
    const fields = Object.keys(adapter.account.shape);
    expect(fields).toEqual(expect.arrayContaining([...adapter.secrets]));
    expect(issuesOf(adapter.account, account)).toEqual([]);
    for (const secret of adapter.secrets) {
      const { [secret]: _, ...rest } = account;
      expect(issuesOf(adapter.account, rest)).toContain(secret);
    }
  });

  it("refuses what is no field of its account, and what is no account", () => {
    expect(issuesOf(adapter.account, { ...account, extra: "x" })).toEqual(["unrecognized_keys"]);
    for (const none of [null, undefined, "x", 7, []]) expect(issuesOf(adapter.account, none)).not.toEqual([]);
  });

  it("takes whatever text there is without throwing", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(text, text, text, fc.integer(), (to, subject, body, expiresAt) => {
        const prepared = adapter.prepare({ ...MESSAGE, to, subject, text: body, html: body, expiresAt }, account);
        if ("ok" in prepared) expectBounded(prepared);
        else expect(prepared.via).toBe(adapter.via);
      }),
    );
  });

  it("knows an idempotency key again for a whole day, or has none", () => {
    expect([null, 24 * 3600]).toContain(adapter.idempotencySeconds);
  });
});

describe.each(OVER_HTTP)("the adapter %s, over HTTP,", (name) => {
  const adapter = overHttp(name);
  const account = ACCOUNTS[name];

  it("puts its secrets into headers alone", () => {
    const { url, headers, body } = adapter.prepare(MESSAGE, account);
    for (const secret of adapter.secrets.map((field) => account[field]!)) {
      for (const form of [secret, encodeURIComponent(secret), btoa(secret), "s3cret"]) {
        expect(url).not.toContain(form);
        expect(body).not.toContain(form);
      }
      const { authorization = "" } = headers;
      const decoded = Buffer.from(authorization.split(" ")[1]!, "base64").toString();
      expect(authorization + decoded).toContain(secret);
    }
  });

  it("writes the names of headers in lower case, and values that a header can hold", () => {
    const { headers } = adapter.prepare(MESSAGE, account);
    for (const [header, value] of Object.entries(headers)) {
      expect(header).toMatch(/^[a-z-]+$/);
      expect(value).toMatch(/^[ -~]+$/);
    }
    expect(headers["user-agent"]).toMatch(/^Paybell\//);
  });

  it("goes to its own API, or where the account says", () => {
    expect(new URL(adapter.prepare(MESSAGE, account).url).origin).toBe(adapter.baseUrl);
    const elsewhere = { ...account, baseUrl: "http://127.0.0.1:4101/mock/" };
    expect(issuesOf(adapter.account, elsewhere)).toEqual([]);
    expect(adapter.prepare(MESSAGE, elsewhere).url).toMatch(/^http:\/\/127\.0\.0\.1:4101\/mock\/[^/]/);
  });

  it("reads whatever comes back without throwing, and says little of it", () => {
    fc.assert(fc.property(anyAnswer, (given) => expectBounded(adapter.interpret(given))));
    const long = "x\n🎉".repeat(5000);
    const body = { name: long, message: long, code: long, sid: "SM1", status: "failed", error_code: long };
    for (const status of [201, 400, 422, 500]) {
      const sent = adapter.interpret(answer(status, { ...body, error_message: long }));
      expect(sent.ok).toBe(false);
      expectBounded(sent);
    }
  });
});

it("the adapter cloudflare says little of what was thrown", () => {
  const long = "x\n🎉".repeat(5000);
  expectBounded(adapters.cloudflare.interpret({ code: long, message: long }));
});

it.each([
  ["email", "twilio"],
  ["sms", "resend"],
  ["sms", "cloudflare"],
  ["webhook", "resend"],
  ["", "resend"],
  ["email", ""],
  ["email", "Resend"],
  ["email", "__proto__"],
  ["email", "constructor"],
  ["email", "toString"],
  ["email", "hasOwnProperty"],
])("there is none for the channel %j with the name %j", (channel, name) => {
  expect(adapterOf(channel, name)).toBeNull();
});
