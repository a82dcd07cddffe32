import { createPrivateKey, sign as signWithKey } from "node:crypto";

import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, it } from "vitest";

import { signWebhook } from "../../src/channels/webhook.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { standard } from "../../src/providers/standard.ts";

const NOW = 1_764_000_000;
const SECRET = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
const BODY = JSON.stringify({ type: "payment.succeeded", data: { payment: { id: "p_1" } } });

/** An Ed25519 key pair from a seed, as RFC 8410 wraps it. */
const seed = Buffer.alloc(32, 3);
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
  format: "der",
  type: "pkcs8",
});
const publicKey = `whpk_${Buffer.from((privateKey.export({ format: "jwk" }) as { x: string }).x, "base64url").toString(
  "base64",
)}`;

type Headers = Record<string, string>;

const hmacOf = (id: string, timestamp: number, body: string, secret = SECRET) =>
  new Webhook(secret).sign(id, new Date(timestamp * 1000), body);
const ed25519Of = (id: string, timestamp: number, body: string) =>
  `v1a,${signWithKey(null, Buffer.from(`${id}.${timestamp}.${body}`), privateKey).toString("base64")}`;

function headersOf(id: string, timestamp: number | string, signature: string, family = "webhook"): Headers {
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(timestamp),
    [`${family}-signature`]: signature,
  };
}

async function verify(headers: Headers, body: string | Uint8Array = BODY, secrets = [SECRET], options = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return standard.verify({ body: bytes, headers: new Headers(headers), url: "" }, secrets, { now: NOW, ...options });
}

const good = () => headersOf("msg_1", NOW, hmacOf("msg_1", NOW, BODY));

describe("a Standard Webhooks signature", () => {
  it("verifies under the standard's names and under those of Svix", async () => {
    expect(await verify(good())).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify(headersOf("msg_1", NOW, hmacOf("msg_1", NOW, BODY), "svix"))).toMatchObject({ ok: true });
  });

  it("is not pieced together from both families of headers", async () => {
    const { "webhook-signature": signature, ...rest } = good();
    expect(await verify({ ...rest, "svix-signature": signature! })).toEqual({ ok: false, reason: "header_missing" });
  });

  it("is what our own webhooks carry", async () => {
    const body = new TextEncoder().encode(BODY);
    const signature = await signWebhook({ id: "evt_1", timestamp: NOW, body, secrets: [OTHER, SECRET] });
    expect(await verify(headersOf("evt_1", NOW, signature))).toMatchObject({ ok: true });
  });

  it("names the secret that fits, old or new, with or without the prefix", async () => {
    expect(await verify(good(), BODY, [OTHER, SECRET])).toEqual({ ok: true, secretIndex: 1 });
    expect(await verify(good(), BODY, [SECRET.slice("whsec_".length), OTHER])).toEqual({ ok: true, secretIndex: 0 });
  });

  it("may be one of several", async () => {
    const list = `${hmacOf("msg_1", NOW, BODY, OTHER)} v2,whatever ${hmacOf("msg_1", NOW, BODY)}`;
    expect(await verify(headersOf("msg_1", NOW, list))).toMatchObject({ ok: true });
  });

  it("may be Ed25519, beside an HMAC or alone, and then needs the public key", async () => {
    const both = `${hmacOf("msg_1", NOW, BODY, OTHER)} ${ed25519Of("msg_1", NOW, BODY)}`;
    expect(await verify(headersOf("msg_1", NOW, both), BODY, [SECRET, publicKey])).toEqual({
      ok: true,
      secretIndex: 1,
    });
    expect(await verify(headersOf("msg_1", NOW, ed25519Of("msg_1", NOW, BODY)), BODY, [publicKey])).toMatchObject({
      ok: true,
    });
    expect(await verify(headersOf("msg_1", NOW, ed25519Of("msg_1", NOW, BODY)))).toMatchObject({ ok: false });
  });

  it.each([
    ["no header", {}],
    ["no id", { "webhook-id": "" }],
    ["a time that is none", { "webhook-timestamp": "soon" }],
    ["an empty signature", { "webhook-signature": "v1," }],
    ["half a signature", { "webhook-signature": "v1,g0hM9" }],
    ["a signature of another version", { "webhook-signature": hmacOf("msg_1", NOW, BODY).replace("v1,", "v1a,") }],
    ["an oversized header", { "webhook-signature": `${hmacOf("msg_1", NOW, BODY)} `.repeat(200) }],
    ["an id with a control character", { "webhook-id": "msg\t1" }],
    ["another id", { "webhook-id": "msg_2" }],
  ])("is refused with %s", async (_, changed) => {
    const headers = Object.keys(changed).length === 0 ? {} : { ...good(), ...changed };
    expect(await verify(headers as Headers)).toMatchObject({ ok: false });
  });

  it.each([
    ["no secret", []],
    ["a blank one", ["", " "]],
    ["the prefix alone", ["whsec_"]],
    ["what is no base64", ["whsec_???"]],
    ["a wrong one", [OTHER]],
    ["a public key of the wrong length", ["whpk_AAAA"]],
    ["too many", Array.from({ length: 6 }, () => SECRET)],
  ])("is refused with %s", async (_, secrets) => {
    expect(await verify(good(), BODY, secrets)).toMatchObject({ ok: false });
  });

  it("is refused from 301 s before or after now on, unless the check is off; with a tolerance of 0 s from 1 s on", async () => {
    for (const offset of [-301, 301]) {
      const headers = headersOf("msg_1", NOW + offset, hmacOf("msg_1", NOW + offset, BODY));
      expect(await verify(headers)).toEqual({ ok: false, reason: "timestamp_not_fresh" });
      expect(await verify(headers, BODY, [SECRET], { toleranceSeconds: Infinity })).toMatchObject({ ok: true });
    }
    const late = headersOf("msg_1", NOW - 1, hmacOf("msg_1", NOW - 1, BODY));
    expect(await verify(late, BODY, [SECRET], { toleranceSeconds: 0 })).toMatchObject({ ok: false });
    expect(await verify(good(), BODY, [SECRET], { toleranceSeconds: 0 })).toMatchObject({ ok: true });
    const headers = headersOf("msg_1", NOW - 300, hmacOf("msg_1", NOW - 300, BODY));
    expect(await verify(headers)).toMatchObject({ ok: true });
  });

  const message = fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
    offset: fc.integer({ min: -300, max: 300 }),
    body: fc.string({ unit: "grapheme", maxLength: 200 }),
  });

  it.each([
    ["HMAC", [SECRET], hmacOf],
    ["Ed25519", [publicKey], ed25519Of],
  ] as const)("of %s fails for any flipped bit of body, id or time", async (_, secrets, signatureOf) => {
    await fc.assert(
      fc.asyncProperty(message, fc.nat(), async ({ id, offset, body }, at) => {
        const timestamp = NOW + offset;
        const headers = headersOf(id, timestamp, signatureOf(id, timestamp, body));
        expect(await verify(headers, body, [...secrets])).toMatchObject({ ok: true });
        const bytes = new TextEncoder().encode(body);
        const flipped = (text: Uint8Array) => {
          const copy = Uint8Array.from(text);
          copy[Math.floor(at / 8) % copy.length]! ^= 1 << (at % 8);
          return copy;
        };
        if (bytes.length > 0) {
          expect(await verify(headers, flipped(bytes), [...secrets])).toMatchObject({ ok: false });
        }
        const asText = (text: string) => Buffer.from(flipped(Buffer.from(text))).toString("latin1");
        for (const name of ["webhook-id", "webhook-timestamp"]) {
          const changed = { ...headers, [name]: asText(headers[name]!) };
          const isHeader = /^[\x21-\x7e]+$/.test(changed[name]!);
          const options = { toleranceSeconds: Infinity };
          expect(isHeader && (await verify(changed, body, [...secrets], options)).ok).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("never makes anything throw", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 60 }),
        fc.string({ maxLength: 300 }),
        fc.array(fc.string({ maxLength: 60 }), { maxLength: 7 }),
        fc.uint8Array({ maxLength: 100 }),
        async (id, list, secrets, body) => {
          const safe = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, "?").trim();
          const headers = headersOf(safe(id), NOW, safe(list));
          expect((await verify(headers, body, secrets)).ok).toBe(false);
        },
      ),
    );
  });

  it.each([
    ["standardwebhooks", Webhook],
    ["svix", SvixWebhook],
  ])("gets the verdict that the official package %s gives", async (_, Official) => {
    const broken = fc.constantFrom("none", "body", "id", "time", "signature", "padding", "version", "secret", "late");
    await fc.assert(
      fc.asyncProperty(message, broken, async ({ id, body }, fault) => {
        const now = Math.floor(Date.now() / 1000);
        const timestamp = fault === "late" ? now - 301 - 5 : now;
        const signature = hmacOf(id, timestamp, body, fault === "secret" ? OTHER : SECRET);
        const headers = headersOf(
          fault === "id" ? `${id}x` : id,
          fault === "time" ? timestamp - 1 : timestamp,
          fault === "signature"
            ? signature.replace(/.{4}=$/, "AAA=")
            : fault === "padding"
              ? signature.replace(/=$/, "")
              : fault === "version"
                ? signature.replace("v1,", "v2,")
                : signature,
        );
        const sent = fault === "body" ? `${body} ` : body;
        let isGood = true;
        try {
          // Its answer is the parsed body, which is not always JSON here.
          new Official(SECRET).verify(sent, headers);
        } catch (error) {
          isGood = error instanceof SyntaxError;
        }
        const { ok } = await verify(headers, sent, [SECRET], { now });
        expect(ok).toBe(isGood);
      }),
      { numRuns: 300 },
    );
  });
});

describe("what a Standard Webhook says", () => {
  const normalize = async (body: unknown) => {
    const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    return standard.normalize({ body: bytes, headers: new Headers(good()), url: "" }, []);
  };

  it("is a canonical event, named by the signed id", async () => {
    const data = {
      payment: { id: "p_1", amount: { value: "1999", currency: "EUR" } },
      refund: { id: "re_1", amount: { value: "500", currency: "EUR" } },
    };
    const body = { type: "refund.succeeded", user: "u_1", livemode: false, timestamp: "2026-11-23T12:00:00Z", data };
    expect(await normalize(body)).toEqual([
      {
        eventId: "msg_1",
        providerType: "refund.succeeded",
        type: "refund.succeeded",
        occurredAt: Date.parse("2026-11-23T12:00:00Z"),
        livemode: false,
        customer: "u_1",
        authenticity: "signed",
        data,
        raw: body,
      },
    ]);
  });

  it("may be of the merchant's own type, and leave out when it was", async () => {
    const body = { type: "custom.order.packed", data: { custom: { order: 7 } } };
    expect(await normalize(body)).toMatchObject([{ type: "custom.order.packed", occurredAt: null, livemode: true }]);
  });

  it.each([
    ["of a type that is not ours", { type: "order.paid", created_at: "2026-11-23T12:00:00Z", data: { id: "o_1" } }],
    [
      "of our type in another shape",
      { type: "payment.succeeded", timestamp: "2026-11-23T12:00:00Z", data: { pay: 1 } },
    ],
    ["with seconds", { type: "x", data: { created: 1_795_435_200 } }],
    ["with milliseconds", { type: "x", time: 1_795_435_200_000 }],
    ["with seconds and nanoseconds", { type: "x", time: "1795435200.000000001" }],
  ])("%s is unknown, and kept as it is", async (_, body) => {
    expect(await normalize(body)).toMatchObject([
      { type: "unknown", providerType: body.type, occurredAt: Date.parse("2026-11-23T12:00:00Z"), data: {}, raw: body },
    ]);
  });

  it.each(["20261123", "20261123120000", "1795435200"])(
    "of digits alone, %s, says no time: it may be a date",
    async (date) => {
      expect(await normalize({ type: "x", date })).toMatchObject([{ occurredAt: null }]);
    },
  );

  it("keeps every digit of a number: as text where a number would lose one", async () => {
    const body =
      '{"type":"custom.x","data":{"custom":{"big":12345678901234567890,"exact":0.1000000000000000055,"n":1.5}}}';
    const custom = { big: "12345678901234567890", exact: "0.1000000000000000055", n: 1.5 };
    expect(await normalize(body)).toMatchObject([{ type: "custom.x", data: { custom }, raw: { data: { custom } } }]);
  });

  it.each(["", "null", "[]", '"text"', "{", "\u00ff"])("%j is unparseable", async (body) => {
    await expect(normalize(body)).rejects.toThrow(UnparseableError);
  });
});
