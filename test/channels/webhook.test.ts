import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, it } from "vitest";
import { checkHeader, prepareWebhook, signWebhook, VERSION, type WebhookAttempt } from "../../src/channels/webhook.ts";

const OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/** Of the known answer of Svix, with its public half. */
const KEY = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC_KEY = Buffer.from("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "base64");

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Changes = Partial<Omit<WebhookAttempt, "secrets"> & { secrets: string[] }>;

function prepare(body: string, { secrets = [OLD], ...changes }: Changes = {}) {
  return prepareWebhook({
    url: "https://example.com/hooks",
    secrets: secrets.map((secret) => ({ secret, expiresAt: null })),
    headers: {},
    compat: null,
    id: "evt_01",
    hops: "h",
    attempt: 1,
    now: Date.now(),
    body,
    ...changes,
  });
}

const BODIES = {
  "a small event": '{"id":"evt_01","type":"payment.succeeded"}',
  unicode: JSON.stringify({ name: "Zoë Łukasz 李雷 🦊‍🔥 \u2028 \ufeff", note: "e\u0301 ≠ é" }),
  "escapes and spaces": '{ "a" : "\\u00e9\\n\\\\" ,\n "b":1.0 }\n',
  "200 KB": JSON.stringify({ filler: "ü".repeat(100_000) }),
  "an empty object": "{}",
  "an empty string": '""',
};

describe("what we sign", () => {
  it.each(Object.entries(BODIES))("is accepted by the official verifiers: %s", async (_, text) => {
    const { headers, body } = await prepare(text, { secrets: [NEW, OLD], compat: "svix" });
    expect(decoder.decode(body)).toBe(text);
    for (const secret of [NEW, OLD]) {
      const parsed: unknown = JSON.parse(text);
      expect(new StandardWebhook(secret).verify(decoder.decode(body), headers)).toEqual(parsed);
      expect(() => new SvixWebhook(secret).verify(decoder.decode(body), onlyNamed(headers, "svix-"))).not.toThrow();
      expect(() => new SvixWebhook(secret).verify(decoder.decode(body), onlyNamed(headers, "webhook-"))).not.toThrow();
    }
  });

  it("is refused by the official verifiers once anything of it changes", async () => {
    const text = BODIES["a small event"];
    const { headers } = await prepare(text);
    const verifies =
      (body: string, changed: Record<string, string>, secret = OLD) =>
      () =>
        new StandardWebhook(secret).verify(body, { ...headers, ...changed });
    expect(verifies(text, {})).not.toThrow();
    expect(verifies(`${text} `, {})).toThrow("No matching signature");
    expect(verifies(text.replace("succeeded", "failed"), {})).toThrow("No matching signature");
    expect(verifies(text, { "webhook-id": "evt_02" })).toThrow("No matching signature");
    const later = String(Number(headers["webhook-timestamp"]) + 1);
    expect(verifies(text, { "webhook-timestamp": later })).toThrow("No matching signature");
    expect(verifies(text, {}, NEW)).toThrow("No matching signature");
  });

  it("is refused by the official verifiers after any single flipped bit", async () => {
    const webhook = new StandardWebhook(OLD);
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.nat(), fc.boolean(), async (text, at, inBody) => {
        const { headers, body } = await prepare(JSON.stringify(text));
        const { "webhook-signature": signed = "" } = headers;
        // The text is ASCII; its eighth bits stay clear, so that it is text after the flip as well.
        const flipped = inBody ? Buffer.from(body) : Buffer.from(signed.slice("v1,".length), "base64");
        const bits = inBody ? 7 : 8;
        const bit = at % (flipped.length * bits);
        flipped[Math.floor(bit / bits)]! ^= 1 << (bit % bits);
        const sent = inBody ? flipped.toString() : decoder.decode(body);
        const signature = inBody ? signed : `v1,${flipped.toString("base64")}`;
        expect(() => webhook.verify(decoder.decode(body), headers)).not.toThrow();
        const verify = () => webhook.verify(sent, { ...headers, "webhook-signature": signature });
        expect(verify).toThrow("No matching signature");
      }),
    );
  });

  it.each([
    [
      "standard-webhooks, javascript and svix",
      OLD,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ],
    [
      "standard-webhooks, rust",
      NEW,
      "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
      1649367553,
      '{"email":"test@example.com","username":"test_user"}',
      "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ],
    [
      "svix, Ed25519",
      KEY,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
      "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ],
  ])("agrees with the known answer of %s", async (_, secret, id, timestamp, body, signature) => {
    expect(await signWebhook({ id, timestamp, body: encoder.encode(body), secrets: [secret] })).toBe(signature);
  });

  it("carries a signature for each secret, in their order", async () => {
    const input = { id: "evt_01", timestamp: 1, body: encoder.encode("{}") };
    const [first, second] = await Promise.all([NEW, OLD].map((secret) => signWebhook({ ...input, secrets: [secret] })));
    expect(await signWebhook({ ...input, secrets: [NEW, OLD] })).toBe(`${first} ${second}`);
  });

  it("carries an Ed25519 signature beside, and the official verifiers take the others as before", async () => {
    const text = BODIES.unicode;
    const { headers, body } = await prepare(text, { secrets: [NEW, OLD, KEY], compat: "svix" });
    const signatures = headers["webhook-signature"]!.split(" ");
    expect(signatures.map((one) => one.split(",")[0])).toEqual(["v1", "v1", "v1a"]);
    expect(headers["svix-signature"]).toBe(headers["webhook-signature"]);
    for (const secret of [NEW, OLD]) {
      expect(() => new StandardWebhook(secret).verify(decoder.decode(body), headers)).not.toThrow();
      expect(() => new SvixWebhook(secret).verify(decoder.decode(body), onlyNamed(headers, "svix-"))).not.toThrow();
    }
    const signed = Buffer.from(`evt_01.${headers["webhook-timestamp"]}.${text}`);
    const key = { kty: "OKP", crv: "Ed25519", x: PUBLIC_KEY.toString("base64url") };
    const signature = Buffer.from(signatures[2]!.slice("v1a,".length), "base64");
    expect(verify(null, signed, createPublicKey({ key, format: "jwk" }), signature)).toBe(true);
    expect(
      verify(null, Buffer.concat([signed, Buffer.from(" ")]), createPublicKey({ key, format: "jwk" }), signature),
    ).toBe(false);
  });

  it("is made until a secret expires, and no longer", async () => {
    const secrets = [
      { secret: NEW, expiresAt: null },
      { secret: OLD, expiresAt: 2_000_000 },
    ];
    const attempt = {
      url: "https://example.com/",
      headers: {},
      compat: null,
      id: "evt_01",
      hops: "h",
      attempt: 1,
      body: "{}",
    };
    const countAt = async (now: number) =>
      (await prepareWebhook({ ...attempt, secrets, now })).headers["webhook-signature"]!.split(" ").length;
    expect(await countAt(1_999_999)).toBe(2);
    expect(await countAt(2_000_000)).toBe(1);
  });

  it("stays right while more secrets come by than keys are kept", async () => {
    const input = { id: "evt_01", timestamp: 1, body: encoder.encode("{}") };
    const secrets = Array.from({ length: 600 }, (_, i) => `whsec_${Buffer.from(`secret-${i}`).toString("base64")}`);
    const first = await Promise.all(secrets.map((secret) => signWebhook({ ...input, secrets: [secret] })));
    const again = await signWebhook({ ...input, secrets });
    expect(again.split(" ")).toEqual(first);
    expect(new Set(first).size).toBe(600);
  });

  it.each([
    [[]],
    [[""]],
    [["whsec_"]],
    [["whsec_a"]],
    [["whsec_!!!!"]],
    [["whsec_YWJj="]],
    [[OLD.slice(6)]],
    [[OLD, "sk_1"]],
    [["whsk_"]],
    [[KEY.slice(0, -4)]],
    [[`whsk_${OLD.slice(6)}`]],
  ])("is never made with %j, and the error holds no secret", async (secrets) => {
    const made = signWebhook({ id: "evt_01", timestamp: 1, body: encoder.encode("{}"), secrets });
    await expect(made).rejects.toThrow(
      /^A webhook is signed with at least one secret$|^An endpoint's secret is whsec_|^A merchant's signing key is whsk_/,
    );
  });
});

describe("the request", () => {
  it("carries exactly these headers", async () => {
    const { url, headers } = await prepare("{}", { attempt: 3, now: 1_700_000_000_999 });
    expect(url).toBe("https://example.com/hooks");
    expect(headers).toEqual({
      "content-type": "application/json",
      "user-agent": `Paybell/${VERSION}`,
      "paybell-attempt": "3",
      "paybell-hops": "h",
      "webhook-id": "evt_01",
      "webhook-timestamp": "1700000000",
      "webhook-signature": expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
  });

  it("carries the merchant's headers, but none that are ours", async () => {
    const plain = await prepare("{}", { now: 0 });
    const { headers } = await prepare("{}", {
      now: 0,
      headers: {
        Authorization: "Bearer x",
        "X-Shop": "7",
        "Webhook-Id": "evt_forged",
        "WEBHOOK-SIGNATURE": "v1,forged",
        "svix-signature": "v1,forged",
        "User-Agent": "me",
        "Content-Type": "text/plain",
        "paybell-attempt": "9",
        "Paybell-Hops": "",
        "X-Real-IP": "10.0.0.1",
        "x-split": "a\r\nwebhook-id: forged",
        "bad name": "x",
      },
    });
    expect(headers).toEqual({ ...plain.headers, authorization: "Bearer x", "x-shop": "7" });
  });

  it("names the version of package.json", () => {
    const json = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    expect((JSON.parse(json) as { version: string }).version).toBe(VERSION);
  });
});

it.each([
  "CDN-Loop",
  "Client-IP",
  "Fastly-Client-IP",
  "Forwarded",
  "Max-Forwards",
  "Paybell-Hops",
  "True-Client-IP",
  "Via",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Envoy-External-Address",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-HTTP-Method-Override",
  "X-Original-URL",
  "X-ProxyUser-IP",
  "X-Real-IP",
  "X-Remote-Addr",
  "X-Rewrite-URL",
])("the header %s is how a proxy speaks to a server, and no merchant's", (name) => {
  expect(checkHeader(name, "10.0.0.1")).toMatchObject({ ok: false, code: "header_reserved" });
});

it.each([
  ["authorization", "Bearer abc", null],
  ["X-Empty", "", null],
  ["x-list", "a, b;\tc", null],
  ["Webhook-Anything", "x", "header_reserved"],
  ["svix-id", "x", "header_reserved"],
  ["Host", "x", "header_reserved"],
  ["transfer-encoding", "chunked", "header_reserved"],
  ["cf-connecting-ip", "1.1.1.1", "header_reserved"],
  ["", "x", "header_name_malformed"],
  ["a:b", "x", "header_name_malformed"],
  ["ä", "x", "header_name_malformed"],
  ["x-a", "b\nc", "header_value_malformed"],
  ["x-a", " b", "header_value_malformed"],
  ["x-a", "é", "header_value_malformed"],
])("judges the merchant's header %j: %j as %s", (name, value, code) => {
  const checked = checkHeader(name, value);
  expect(checked.ok ? null : checked.code).toBe(code);
});

function onlyNamed(headers: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(prefix)));
}
