import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hmac } from "../../src/providers/hmac.ts";

const NOW = 1_764_000_000;
const SECRET = "topsecret";
const BODY = '{"id":"e_1","amount":1000}';
const URL = "https://paybell.example/ingest/src_1";

const digest = (signed: string | Buffer, encoding: "hex" | "base64" | "base64url" = "hex", algorithm = "sha256") =>
  createHmac(algorithm, SECRET).update(signed).digest(encoding);

async function verify(
  headers: Record<string, string>,
  config?: Record<string, unknown>,
  {
    body = BODY,
    secrets = [SECRET],
    ...options
  }: { body?: string | Uint8Array; secrets?: string[]; now?: number } = {},
) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return hmac.verify({ body: bytes, headers: new Headers(headers), url: URL }, secrets, {
    now: NOW,
    ...(config && { config }),
    ...options,
  });
}

describe("an HMAC without any config", () => {
  it.each([
    ["hex", { "x-signature-256": digest(BODY) }],
    ["hex in upper case", { "x-signature": digest(BODY).toUpperCase() }],
    ["hex with the usual prefix", { "x-hub-signature-256": `sha256=${digest(BODY)}` }],
    ["base64", { "x-signature": digest(BODY, "base64") }],
    ["base64url", { "x-webhook-signature": digest(Buffer.from(BODY), "base64url") }],
  ])("verifies %s over the body", async (_, headers) => {
    expect(await verify(headers as Record<string, string>)).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each([
    ["no header", {}],
    ["an empty one", { "x-signature": "" }],
    ["the prefix alone", { "x-signature-256": "sha256=" }],
    ["what is no encoding", { "x-signature": "!!!" }],
    ["a digest of another length", { "x-signature": digest(BODY, "hex", "sha1") }],
    ["another body's", { "x-signature": digest(`${BODY} `) }],
    ["an oversized header", { "x-signature": digest(BODY).repeat(200) }],
  ])("refuses %s", async (_, headers) => {
    expect(await verify(headers as Record<string, string>)).toMatchObject({ ok: false });
  });

  it("refuses blank secrets, wrong ones and too many; names the one that fits", async () => {
    const headers = { "x-signature": digest(BODY) };
    for (const secrets of [[], [""], ["other"], Array.from({ length: 6 }, () => SECRET)]) {
      expect(await verify(headers, undefined, { secrets })).toMatchObject({ ok: false });
    }
    expect(await verify(headers, undefined, { secrets: ["new", SECRET] })).toEqual({ ok: true, secretIndex: 1 });
    const blank = createHmac("sha256", "").update(BODY).digest("hex");
    expect(await verify({ "x-signature": blank }, undefined, { secrets: [""] })).toMatchObject({ ok: false });
  });
});

describe("an HMAC by its config", () => {
  const signed = ["timestamp", { text: "." }, "id", { text: "." }, "url", { text: "\n" }, "body"];
  const config = {
    header: "X-Sig",
    prefix: "v1=",
    algorithm: "sha512",
    encoding: "base64",
    signed,
    idHeader: "X-Id",
    timestampHeader: "X-Time",
    toleranceSeconds: 60,
  };
  const headersAt = (time: number | string, id = "e_1") => ({
    "x-sig": `v1=${digest(`${time}.${id}.${URL}\n${BODY}`, "base64", "sha512")}`,
    "x-id": id,
    "x-time": String(time),
  });

  it("verifies what it says is signed", async () => {
    expect(await verify(headersAt(NOW), config)).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each([
    ["seconds", undefined, NOW - 61, NOW - 60],
    ["milliseconds", "ms", (NOW - 61) * 1000, (NOW - 60) * 1000],
    ["ISO 8601", "iso", new Date((NOW + 61) * 1000).toISOString(), new Date((NOW + 60) * 1000).toISOString()],
  ])("refuses what was signed too long ago or too far ahead: %s", async (_, timestampUnit, bad, good) => {
    const full = { ...config, ...(timestampUnit && { timestampUnit }) };
    expect(await verify(headersAt(bad), full)).toEqual({ ok: false, reason: "timestamp_not_fresh" });
    expect(await verify(headersAt(good), full)).toMatchObject({ ok: true });
  });

  it.each(["x-sig", "x-id", "x-time"])("refuses a request without %s", async (name) => {
    const { [name as "x-sig"]: _, ...rest } = headersAt(NOW);
    expect(await verify(rest as Record<string, string>, config)).toMatchObject({ ok: false });
  });

  it("takes the one encoding that it names", async () => {
    expect(await verify({ "x-signature": digest(BODY, "base64") }, { encoding: "hex" })).toMatchObject({ ok: false });
  });

  it.each(["hex", "base64"] as const)("reads secrets that are written in %s", async (secretEncoding) => {
    const secrets = [Buffer.from(SECRET).toString(secretEncoding)];
    expect(await verify({ "x-signature": digest(BODY) }, { secretEncoding }, { secrets })).toMatchObject({ ok: true });
  });

  it.each([
    ["an unknown field", { heder: "x" }, ""],
    ["no body in what is signed", { signed: ["timestamp"], timestampHeader: "x-time" }, "signed"],
    ["an id without its header", { signed: ["id", "body"] }, "idHeader"],
    ["a timestamp without its header", { signed: ["timestamp", "body"] }, "timestampHeader"],
    ["an unknown algorithm", { algorithm: "md5" }, "algorithm"],
    ["a tolerance of 0 s", { toleranceSeconds: 0 }, "toleranceSeconds"],
    ["a pointer that is none", { idFrom: "id" }, "idFrom"],
  ])("may not have %s; what the API says of it names the place", (_, bad, path) => {
    expect(hmac.config!.safeParse(bad).error?.issues.map((issue) => issue.path.join("/"))).toEqual([path]);
  });

  it.each([
    ["no body in what is signed", { signed: ["timestamp"], timestampHeader: "x-time" }],
    ["nothing signed", { signed: [] }],
    ["a text as what is signed", { signed: "body" }],
    ["no part as one", { signed: ["body", null] }],
    ["an id without its header", { signed: ["id", "body"] }],
    ["a timestamp without its header", { signed: ["timestamp", "body"] }],
    ["an unknown algorithm", { algorithm: "md5" }],
    ["an unknown encoding", { encoding: "base32" }],
    ["an unknown encoding of secrets", { secretEncoding: "base32" }],
    ["a header that has no such name", { header: "x sig" }],
  ])("is refused, and throws nothing, where it was written all the same: %s", async (_, bad) => {
    for (const signature of [digest(BODY), digest("")]) {
      const verification = await verify({ "x-signature": signature, "x-time": String(NOW) }, bad);
      expect(verification).toEqual({ ok: false, reason: "config_invalid" });
    }
  });

  it("is refused where it is none at all", async () => {
    for (const config of [null, 7, [], "{}"] as unknown as Record<string, unknown>[]) {
      expect(await verify({ "x-signature": digest(`${BODY} `) }, config)).toMatchObject({ ok: false });
    }
  });

  it("fails for any flipped bit of body, id or time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.nat(), async (id, at) => {
        const headers: Record<string, string> = headersAt(NOW, id);
        const flipped = (text: string) => {
          const bytes = Buffer.from(text);
          bytes[Math.floor(at / 8) % bytes.length]! ^= 1 << (at % 8);
          return bytes;
        };
        expect(await verify(headers, config)).toMatchObject({ ok: true });
        expect(await verify(headers, config, { body: flipped(BODY) })).toMatchObject({ ok: false });
        for (const name of ["x-id", "x-time"]) {
          const value = flipped(headers[name]!).toString("latin1");
          const isHeader = /^[\x21-\x7e]+$/.test(value);
          expect(isHeader && (await verify({ ...headers, [name]: value }, config)).ok).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("never throws, whatever the request and the config", async () => {
    const text = fc.string({ maxLength: 80 }).map((one) => one.replaceAll(/[^\x20-\x7e]/g, "?").trim());
    const fields = Object.keys((hmac.config as unknown as { shape: object }).shape);
    const anyConfig = fc.dictionary(fc.constantFrom(...fields, "__proto__"), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(text, anyConfig, fc.uint8Array(), async (value, any, body) => {
        expect((await verify({ "x-signature": value }, any, { body })).ok).toBe(false);
      }),
    );
  });
});

describe("the id of an event", () => {
  const idOf = async (config: Record<string, unknown>, headers = {}) => {
    const request = { body: new TextEncoder().encode(BODY), headers: new Headers(headers), url: URL };
    return (await hmac.normalize(request, [], config))[0]?.eventId;
  };

  it("is in the body, or in a header that is signed; what is not signed is none", async () => {
    expect(await idOf({ idFrom: "/id" })).toBe("e_1");
    expect(await idOf({ idFrom: "/amount" })).toBe("1000");
    expect(await idOf({ idFrom: "/missing" })).toBeNull();
    const signed = { signed: ["id", "body"], idHeader: "x-id" };
    expect(await idOf(signed, { "x-id": "e_2" })).toBe("e_2");
    expect(await idOf({ idHeader: "x-id" }, { "x-id": "e_2" })).toBeNull();
  });

  it("is no other event's where both are numbers of more digits than a double has", async () => {
    const bodies = ['{"id":9007199254740992}', '{"id":9007199254740993}'];
    const ids = await Promise.all(
      bodies.map(async (text) => {
        const request = { body: new TextEncoder().encode(text), headers: new Headers(), url: URL };
        return (await hmac.normalize(request, [], { idFrom: "/id" }))[0]?.eventId;
      }),
    );
    expect(ids).toEqual(["9007199254740992", "9007199254740993"]);
  });
});
