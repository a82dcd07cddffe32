import { createHmac } from "node:crypto";
import fc from "fast-check";
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { VerifyOptions } from "../../src/providers/provider.ts";
import { stripe } from "../../src/providers/stripe.ts";
import { STRIPE_VECTORS, VECTORS_NOW } from "./stripe-vectors.ts";

const official = new Stripe("sk_test_unused");
const SECRET = "whsec_paybell_spec_current";
const NOW = VECTORS_NOW;
const BODY = '{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}';
const utf8 = (text: string) => new TextEncoder().encode(text);

function mac(body: string | Uint8Array, { secret = SECRET, at = NOW }: { secret?: string; at?: number } = {}): string {
  return createHmac("sha256", secret).update(`${at}.`).update(body).digest("hex");
}

function verify(
  header: string | null,
  {
    body = BODY,
    secrets = [SECRET],
    ...options
  }: { body?: string | Uint8Array; secrets?: string[] } & Partial<VerifyOptions> = {},
) {
  const headers = new Headers(header === null ? {} : { "stripe-signature": header });
  const bytes = typeof body === "string" ? utf8(body) : body;
  return stripe.verify({ body: bytes, headers, url: "https://paybell.example/ingest/src_1" }, secrets, {
    now: NOW,
    ...options,
  });
}

describe("a signature of Stripe's", () => {
  it.each(STRIPE_VECTORS)("$name", async ({ secrets, header, body, expected }) => {
    const verification =
      typeof expected === "number" ? { ok: true, secretIndex: expected } : { ok: false, reason: expected };
    expect(await verify(header, { secrets, body })).toEqual(verification);
  });

  it("is good with the good one among several, wherever it stands", async () => {
    const [good, wrong] = [`v1=${mac(BODY)}`, `v1=${"0".repeat(64)}`];
    for (const list of [
      [good, wrong],
      [wrong, good],
      ["v1=potato", good, "v0=00"],
    ]) {
      expect(await verify(`t=${NOW},${list.join(",")}`)).toEqual({ ok: true, secretIndex: 0 });
    }
  });

  it("names the secret that fits", async () => {
    const secrets = ["whsec_paybell_a", "", "whsec_paybell_b", SECRET];
    expect(await verify(`t=${NOW},v1=${mac(BODY)}`, { secrets })).toEqual({ ok: true, secretIndex: 3 });
  });

  it("is over the bytes, a byte order mark and bytes that are no text included", async () => {
    for (const body of [utf8(`\uFEFF${BODY}`), Uint8Array.of(0x7b, 0xff, 0x00, 0x7d)]) {
      expect(await verify(`t=${NOW},v1=${mac(body)}`, { body })).toEqual({ ok: true, secretIndex: 0 });
      expect((await verify(`t=${NOW},v1=${mac(new TextDecoder().decode(body))}`, { body })).ok).toBe(false);
    }
  });

  it("of a body with one bit changed is bad", async () => {
    const body = utf8(BODY);
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length * 8 - 1), async (bit) => {
        const tampered = body.slice();
        tampered.set([body.at(bit >> 3)! ^ (1 << (bit & 7))], bit >> 3);
        expect(await verify(`t=${NOW},v1=${mac(BODY)}`, { body: tampered })).toEqual({
          ok: false,
          reason: "signature_mismatch",
        });
      }),
    );
  });

  it.each([
    [0, 300, true],
    [-300, 300, true],
    [-301, 300, false],
    [300, 300, true],
    [301, 300, false],
    [-11, 10, false],
    [-1, 0, false],
    [0, 0, true],
    [-1_000_000, Number.POSITIVE_INFINITY, true],
    [0, Number.NaN, false],
  ])("made %d seconds from now with a tolerance of %d: %s", async (offset, toleranceSeconds, ok) => {
    const at = NOW + offset;
    expect((await verify(`t=${at},v1=${mac(BODY, { at })}`, { toleranceSeconds })).ok).toBe(ok);
  });

  it("tells a stranger nothing about our clock: an old time with a bad signature is a bad signature", async () => {
    expect(await verify(`t=1,v1=${"0".repeat(64)}`)).toEqual({ ok: false, reason: "signature_mismatch" });
  });

  it("never fits a blank secret, also not one that the empty key signed", async () => {
    for (const secret of ["", " ", "\n"]) {
      const header = `t=${NOW},v1=${mac(BODY, { secret })}`;
      expect(await verify(header, { secrets: [secret] })).toEqual({ ok: false, reason: "no_secret" });
      expect((await verify(header, { secrets: [secret, SECRET] })).ok).toBe(false);
    }
    expect(await verify(`t=${NOW},v1=${mac(BODY)}`, { secrets: [] })).toEqual({ ok: false, reason: "no_secret" });
  });

  const good = mac(BODY);
  it.each([
    ["no header", null, "header_missing"],
    ["an empty header", "", "header_missing"],
    ["words", "not a signature at all", "header_malformed"],
    ["no time", `v1=${good}`, "header_malformed"],
    ["no signature", `t=${NOW}`, "header_malformed"],
    ["only v0", `t=${NOW},v0=${good}`, "header_malformed"],
    ["a time with a tail", `t=${NOW}x,v1=${good}`, "header_malformed"],
    ["a time in hexadecimal", `t=0x6ab13b80,v1=${good}`, "header_malformed"],
    ["a negative time", `t=-1,v1=${good}`, "header_malformed"],
    ["a time of 13 digits", `t=1790000000000,v1=${good}`, "header_malformed"],
    ["a signature with a tail", `t=${NOW},v1=${good}zz`, "header_malformed"],
    ["half a signature", `t=${NOW},v1=${good.slice(0, 32)}`, "header_malformed"],
    ["capital letters", `t=${NOW},v1=${good.toUpperCase()}`, "header_malformed"],
    ["names in capitals", `T=${NOW},V1=${good}`, "header_malformed"],
    ["more than 8 KiB", `t=${NOW},v1=${good},${"x".repeat(8192)}`, "header_malformed"],
    ["17 signatures", `t=${NOW}${`,v1=${good}`.repeat(17)}`, "too_many_signatures"],
  ])("with %s is refused", async (_, header, reason) => {
    expect(await verify(header)).toEqual({ ok: false, reason });
  });

  it("is not looked for with more than five secrets", async () => {
    const secrets = Array.from({ length: 6 }, () => SECRET);
    expect(await verify(`t=${NOW},v1=${good}`, { secrets })).toEqual({ ok: false, reason: "too_many_secrets" });
  });

  it("never makes verify throw, whatever a stranger sends", async () => {
    const text = fc.string({ unit: fc.constantFrom("t", "v", "1", "=", ",", "0", "a", " ", "é"), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.uint8Array({ maxLength: 20 }), async (header, body) => {
        expect((await verify(header, { body })).ok).toBe(false);
      }),
    );
  });
});

describe("Stripe's own package", () => {
  const item = fc.oneof(
    { weight: 3, arbitrary: fc.constant("good" as const) },
    fc.constantFrom("wrong", "otherSecret", "otherTime", "v0", "words", "none" as const),
  );
  const request = fc.record({
    body: fc.jsonValue().map((value) => JSON.stringify({ id: "evt_1", object: "event", value })),
    tampered: fc.boolean(),
    secret: fc.constantFrom(SECRET, "whsec_paybell_é", " whsec_paybell_spaces ", ""),
    offset: fc.oneof(fc.integer({ min: -400, max: 300 }), fc.integer({ min: -20, max: 20 })),
    toleranceSeconds: fc.constantFrom(10, 300),
    hasTime: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
    items: fc.array(item, { maxLength: 4 }),
  });

  it("gives the same verdict in 1,000 cases, save for times ahead of ours, which it lets pass", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(request, async ({ body, tampered, secret, offset, toleranceSeconds, hasTime, items }) => {
        const at = NOW + offset;
        const values: Record<(typeof items)[number], string> = {
          good: `v1=${mac(body, { secret, at })}`,
          wrong: `v1=${"a1".repeat(32)}`,
          otherSecret: `v1=${mac(body, { secret: "whsec_paybell_other", at })}`,
          otherTime: `v1=${mac(body, { secret, at: at + 1 })}`,
          v0: `v0=${mac(body, { secret, at })}`,
          words: "hello",
          none: "",
        };
        const header = [...(hasTime ? [`t=${at}`] : []), ...items.map((name) => values[name])].join(",");
        const sent = tampered ? `${body} ` : body;
        const { ok } = await verify(header, { body: sent, secrets: [secret], toleranceSeconds });
        const theirs = isAcceptedByStripe(sent, header, secret, toleranceSeconds);
        expect(ok).toBe(theirs && offset <= toleranceSeconds);
        if (ok) accepted++;
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  function isAcceptedByStripe(body: string, header: string, secret: string, tolerance: number): boolean {
    try {
      official.webhooks.constructEvent(body, header, secret, tolerance, undefined, NOW * 1000);
      return true;
    } catch {
      return false;
    }
  }
});
