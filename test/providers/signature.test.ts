import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOfHex, type HmacHash, secondsOf, verifyHmac, verifyToken } from "../../src/providers/signature.ts";

const body = new TextEncoder().encode("a body");

describe("verifyHmac", () => {
  it.each([
    ["SHA-1", "sha1"],
    ["SHA-256", "sha256"],
    ["SHA-512", "sha512"],
  ] as [HmacHash, string][])("agrees with node:crypto on %s for any secret and body", async (hash, algorithm) => {
    const secret = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.trim() !== "");
    await fc.assert(
      fc.asyncProperty(secret, fc.uint8Array(), async (secret, bytes) => {
        const signature = createHmac(algorithm, secret).update(bytes).digest();
        const signed = Uint8Array.from(bytes);
        expect(await verifyHmac(signed, [signature], [secret], hash)).toEqual({ ok: true, secretIndex: 0 });
        signature.writeUInt8(signature.readUInt8() ^ 1);
        expect((await verifyHmac(signed, [signature], [secret], hash)).ok).toBe(false);
      }),
    );
  });

  it("takes no part of a signature for the whole", async () => {
    const signature = createHmac("sha256", "secret").update(body).digest();
    for (const part of [signature.subarray(0, 31), signature.subarray(0, 0), Buffer.concat([signature, signature])]) {
      expect((await verifyHmac(body, [part], ["secret"])).ok).toBe(false);
    }
  });

  it("stays right when more secrets pass through than it keeps keys", async () => {
    for (let i = 0; i < 600; i++) {
      const secret = `secret ${i % 300}`;
      const signature = createHmac("sha256", secret).update(body).digest();
      expect((await verifyHmac(body, [signature], [secret])).ok).toBe(true);
    }
  });
});

describe("verifyToken", () => {
  it("names the secret that the header repeats, and takes nothing else for it", async () => {
    const secrets = fc.uniqueArray(fc.string({ unit: "grapheme-ascii", minLength: 1 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(secrets, fc.string(), async (secrets, token) => {
        const secretIndex = secrets.indexOf(token);
        const isSecret = secretIndex !== -1 && token.trim() !== "";
        expect(await verifyToken(token, secrets)).toMatchObject(isSecret ? { ok: true, secretIndex } : { ok: false });
        const first = secrets.findIndex((secret) => secret.trim() !== "");
        if (first === -1) return;
        expect(await verifyToken(secrets[first]!, secrets)).toEqual({ ok: true, secretIndex: first });
      }),
    );
  });

  it.each([
    ["no secret", "", [], "no_secret"],
    ["only blank ones", "", ["", " "], "no_secret"],
    ["a blank one beside a good one", " ", [" ", "good"], "signature_mismatch"],
    ["too many", "a", ["a", "b", "c", "d", "e", "f"], "too_many_secrets"],
    ["a token that is too long", "a".repeat(8193), ["a".repeat(8193)], "header_malformed"],
  ])("refuses %s", async (_, token, secrets, reason) => {
    expect(await verifyToken(token, secrets)).toEqual({ ok: false, reason });
  });
});

describe("bytesOfHex", () => {
  it("reads what bytes are written as, in either case", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.boolean(), (bytes, isUpper) => {
        const hex = Buffer.from(bytes).toString("hex");
        expect(bytesOfHex(isUpper ? hex.toUpperCase() : hex)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it.each(["", "a", "abc", "zz", "abzz", "ab ", "0xab", "ab\n"])("refuses %j", (text) => {
    expect(bytesOfHex(text)).toBeNull();
  });
});

describe("secondsOf", () => {
  it("reads up to twelve digits", () => {
    expect(secondsOf("1790000000")).toBe(1_790_000_000);
    expect(secondsOf("999999999999")).toBe(999_999_999_999);
  });

  it.each(["", "-1", "+1", "1.5", "1e3", " 1", "1 ", "0x1", "1790000000000"])("refuses %j", (text) => {
    expect(secondsOf(text)).toBeNull();
  });
});
