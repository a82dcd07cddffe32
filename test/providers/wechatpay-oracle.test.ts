import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { Aes, Formatter, Rsa } from "wechatpay-axios-plugin";

import { signedAsItStands, wechatpaySamples } from "../../scripts/samples/wechatpay.ts";
import { wechatpay } from "../../src/providers/wechatpay.ts";

const NOW = 1_796_000_000;
/** A thousand signatures of RSA, on a machine that is busy. */
const SLOW_MS = 30_000;

interface Keys {
  serial: string;
  publicKey: string;
  privateKey: string;
  apiV3Key: string;
}

let keys: Keys;
let others: Keys;
let secret: string;

beforeAll(async () => {
  [keys, others] = await Promise.all([newKeys(), newKeys()]);
  secret = JSON.stringify({ keys: { [keys.serial]: keys.publicKey }, apiV3Key: keys.apiV3Key });
});

const FAULTS: Record<string, (signature: string) => string> = {
  another: (signature) => `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
  short: (signature) => signature.slice(4),
  long: (signature) => `AAAA${signature}`,
  "no base64": () => "x",
  empty: () => "",
  // Its defects: it reads base64 with anything in it and behind it, without its padding, and in the alphabet of URLs.
  "with blanks": (signature) => `${signature.slice(0, 8)} ${signature.slice(8)}`,
  "with a tail": (signature) => `${signature}!!`,
  unpadded: (signature) => signature.replace(/=+$/, ""),
  "for URLs": (signature) => signature.replaceAll("+", "-").replaceAll("/", "_"),
};
/** Another of its defects: it does not look at the time. */
const UNTIMELY = [-86_400, -301, 301, 86_400];

it(
  "gets the verdict of wechatpay-axios-plugin, but for its defects",
  async () => {
    const anyCase = fc.record({
      text: fc.string({ unit: "grapheme", maxLength: 100 }),
      fault: mostly("none", Object.keys(FAULTS)),
      change: mostly("nothing", ["body", "time", "nonce", "key"]),
      age: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: -299, max: 300 }) }, fc.constantFrom(...UNTIMELY)),
    });
    let good = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ text, fault, change, age }) => {
        const { privateKey } = change === "key" ? others : keys;
        const notification = { id: "EV-1", event_type: "TRANSACTION.SUCCESS", resource: { text } };
        const signingKey = JSON.stringify({ ...keys, privateKey });
        const { body, headers } = await wechatpaySamples.sign(notification, { signingKey, now: NOW - age, url: "" });
        const sent = change === "body" ? Buffer.from([...body, 0x20]) : Buffer.from(body);
        const time = change === "time" ? NOW - age + 1 : NOW - age;
        const nonce = change === "nonce" ? "another" : headers.get("wechatpay-nonce")!;
        const right = headers.get("wechatpay-signature")!;
        const signature = FAULTS[fault]?.(right) ?? right;
        headers.set("wechatpay-timestamp", String(time));
        headers.set("wechatpay-nonce", nonce);
        headers.set("wechatpay-signature", signature);

        const official = Rsa.verify(Formatter.response(time, nonce, sent.toString()), signature, keys.publicKey);
        const { ok } = await wechatpay.verify({ body: sent, headers, url: "" }, [secret], { now: NOW });
        const isBase64 = /^[A-Za-z0-9+/]{342}==$/.test(signature);
        expect(ok).toBe(official && isBase64 && !UNTIMELY.includes(age));
        good += Number(ok);
      }),
      { numRuns: 1000 },
    );
    expect(good).toBeGreaterThan(100);
  },
  SLOW_MS,
);

it(
  "opens what wechatpay-axios-plugin opens, and reads the same",
  async () => {
    const anyCase = fc.record({
      value: fc.string({ unit: "grapheme", maxLength: 100 }),
      associated: fc.string({ unit: "grapheme", maxLength: 20 }),
      nonce: fc.stringMatching(/^[0-9a-f]{12}$/),
      fault: mostly("none", ["text", "tag", "cut", "nonce", "associated data", "key"]),
    });
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ value, associated, nonce, fault }) => {
        const text = JSON.stringify({ value });
        const sealed = Buffer.from(Aes.AesGcm.encrypt(text, keys.apiV3Key, nonce, associated), "base64");
        if (fault === "text") sealed[0]! ^= 1;
        if (fault === "tag") sealed[sealed.length - 1]! ^= 0x80;
        const resource = {
          algorithm: "AEAD_AES_256_GCM",
          ciphertext: sealed.subarray(fault === "cut" ? 1 : 0).toString("base64"),
          nonce: fault === "nonce" ? nonce.replace(/.$/, "-") : nonce,
          associated_data: fault === "associated data" ? `${associated}-` : associated,
        };
        const { apiV3Key } = fault === "key" ? others : keys;
        const secrets = [JSON.stringify({ ...JSON.parse(secret), apiV3Key })];
        const notification = { id: "EV-1", event_type: "TRANSACTION.SUCCESS", resource };
        const request = signedAsItStands(notification, { signingKey: JSON.stringify(keys), now: NOW, url: "" });

        let official: unknown = null;
        try {
          const { ciphertext, nonce, associated_data } = resource;
          official = JSON.parse(Aes.AesGcm.decrypt(ciphertext, apiV3Key, nonce, associated_data));
        } catch {
          // It throws where the tag does not fit.
        }
        const events = await wechatpay.normalize(request, secrets).catch(() => []);
        expect(events[0] ? (events[0].raw as typeof notification).resource : null).toEqual(official);
        const { ok } = await wechatpay.verify(request, secrets, { now: NOW });
        expect(ok).toBe(official !== null);
        opened += Number(ok);
      }),
      { numRuns: 1000 },
    );
    expect(opened).toBeGreaterThan(100);
  },
  SLOW_MS,
);

async function newKeys(): Promise<Keys> {
  const { secret, signingKey } = await wechatpaySamples.newKeys();
  const { serial, ...own } = JSON.parse(signingKey) as Omit<Keys, "publicKey">;
  const { keys } = JSON.parse(secret) as { keys: Record<string, string> };
  return { ...own, serial, publicKey: keys[serial]! };
}

function mostly(usual: string, unusual: string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, fc.constantFrom(...unusual));
}
