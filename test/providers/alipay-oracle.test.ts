import { createSign } from "node:crypto";

import { AlipaySdk } from "alipay-sdk";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";

import { alipaySamples } from "../../scripts/samples/alipay.ts";
import { alipay } from "../../src/providers/alipay.ts";

/** A thousand signatures of RSA, on a machine that is busy. */
const SLOW_MS = 30_000;

type Keys = Awaited<ReturnType<typeof alipaySamples.newKeys>>;
type Fields = Record<string, string>;

let keys: Keys;
let others: Keys;
let official: AlipaySdk;

beforeAll(async () => {
  [keys, others] = await Promise.all([alipaySamples.newKeys(), alipaySamples.newKeys()]);
  official = new AlipaySdk({
    appId: "2026000000000001",
    privateKey: others.signingKey,
    keyType: "PKCS8",
    alipayPublicKey: keys.secret,
  });
});

/** What happens to a signed form on its way. */
const FAULTS: Record<string, (form: URLSearchParams) => void> = {
  none: () => {},
  "another amount": (form) => form.set("total_amount", "0.01"),
  "another field": (form) => form.append("extra", "1"),
  "a field less": (form) => form.delete("total_amount"),
  "no type": (form) => form.delete("sign_type"),
  "another type": (form) => form.set("sign_type", "MD5"),
  "no signature": (form) => form.delete("sign"),
  "another signature": (form) => change(form, (sign) => `${sign.startsWith("A") ? "B" : "A"}${sign.slice(1)}`),
  "a short signature": (form) => change(form, (sign) => sign.slice(4)),
};

/** What it takes and we do not. */
const DEFECTS: Record<string, (form: URLSearchParams) => void> = {
  // It reads base64 with anything in it and behind it, without its padding, and in the alphabet of URLs.
  "a signature with blanks": (form) => change(form, (sign) => `${sign.slice(0, 8)} ${sign.slice(8)}`),
  "a signature with a tail": (form) => change(form, (sign) => `${sign}!!`),
  "a signature without padding": (form) => change(form, (sign) => sign.replace(/=+$/, "")),
  // It leaves out of what is signed whatever has no name.
  "a field without a name": (form) => form.append("", "1"),
};

const fields: fc.Arbitrary<Fields> = fc.record({
  notify_id: fc.string({ unit: "grapheme", maxLength: 20 }),
  notify_type: fc.constant("trade_status_sync"),
  total_amount: fc.constantFrom("88.80", "1.00", ""),
  subject: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.constantFrom("100%", "a+b c", "k=v&sign=x", "%E8%8C%B6", "茶", "\uFEFF"),
  ),
  Z_first: fc.string({ unit: "binary-ascii", maxLength: 10 }),
});

it(
  "gets the verdict of alipay-sdk's checkNotifySignV2, but for its defects",
  async () => {
    const anyCase = fc.record({
      fields,
      fault: fc.oneof(
        { weight: 2, arbitrary: fc.constant("none") },
        fc.constantFrom(...Object.keys(FAULTS), ...Object.keys(DEFECTS)),
      ),
      covers: fc.constantFrom<Signing["covers"]>("all but sign_type", "sign_type too"),
      isByAnother: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
    });
    let good = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ fields, fault, covers, isByAnother }) => {
        const { signingKey } = isByAnother ? others : keys;
        const form = signed(fields, { signingKey, covers });
        (FAULTS[fault] ?? DEFECTS[fault])!(form);
        const ok = await ours(form);
        expect(ok).toBe(theirs(form) && fault in FAULTS);
        good += Number(ok);
      }),
      { numRuns: 1000 },
    );
    expect(good).toBeGreaterThan(100);
  },
  SLOW_MS,
);

it("refuses a signature with SHA-1, which alipay-sdk takes, and a field that comes twice, of which it sees one", async () => {
  const paid: Fields = { notify_type: "trade_status_sync", total_amount: "88.80" };
  const old = signed(paid, { signingKey: keys.signingKey, covers: "sign_type too", type: "RSA" });
  expect([await ours(old), theirs(old)]).toEqual([false, true]);

  const twice = signed(paid, { signingKey: keys.signingKey, covers: "sign_type too" });
  const forged = new URLSearchParams([["total_amount", "0.01"], ...twice]);
  expect([await ours(forged), theirs(forged)]).toEqual([false, true]);
});

it("takes a percent sign, on which alipay-sdk's older checkNotifySign throws", async () => {
  const form = signed({ subject: "100%" }, { signingKey: keys.signingKey, covers: "all but sign_type" });
  expect([await ours(form), theirs(form)]).toEqual([true, true]);
  expect(() => official.checkNotifySign(Object.fromEntries(form))).toThrow("URI malformed");
});

interface Signing {
  signingKey: string;
  covers: "all but sign_type" | "sign_type too";
  /** `RSA` is the older, with SHA-1. */
  type?: "RSA" | "RSA2";
}

function signed(fields: Fields, { signingKey, covers, type = "RSA2" }: Signing): URLSearchParams {
  const all: Fields = { ...fields, sign_type: type };
  const text = Object.keys(all)
    .filter((name) => covers === "sign_type too" || name !== "sign_type")
    .sort()
    .map((name) => `${name}=${all[name]}`)
    .join("&");
  const sign = createSign(type === "RSA" ? "RSA-SHA1" : "RSA-SHA256")
    .update(text)
    .sign(signingKey, "base64");
  return new URLSearchParams({ ...all, sign });
}

async function ours(form: URLSearchParams): Promise<boolean> {
  const request = { body: new TextEncoder().encode(form.toString()), headers: new Headers(), url: "" };
  return (await alipay.verify(request, [keys.secret], { now: 0 })).ok;
}

function theirs(form: URLSearchParams): boolean {
  try {
    return official.checkNotifySignV2(Object.fromEntries(form));
  } catch {
    // It throws on a type that it does not know.
    return false;
  }
}

function change(form: URLSearchParams, edit: (sign: string) => string): void {
  form.set("sign", edit(form.get("sign")!));
}
