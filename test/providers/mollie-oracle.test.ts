import { createHmac } from "node:crypto";

import fc from "fast-check";
import { SignatureValidator } from "mollie-api-typescript/utils/webhooks/signature_validator.js";
import { expect, it } from "vitest";

import { mollie } from "../../src/providers/mollie.ts";

const official = (body: string, secret: string, header: string) =>
  SignatureValidator.validate(body, secret, header).catch(() => false);
const ours = async (body: string, secret: string, header: string) => {
  const headers = new Headers({ "x-mollie-signature": header });
  return (await mollie.verify({ body: new TextEncoder().encode(body), headers, url: "" }, [secret], { now: 0 })).ok;
};

it("is judged as by Mollie's own package", async () => {
  const secret = fc.string({ minLength: 1 }).filter((text) => text.trim() !== "");
  const damage = fc.constantFrom("none", "body", "secret", "cut", "longer", "garbage");
  let good = 0;
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), secret, damage, fc.boolean(), async (body, key, how, prefix) => {
      const mac = createHmac("sha256", how === "secret" ? `${key}x` : key)
        .update(body)
        .digest("hex");
      const text = how === "cut" ? mac.slice(2) : how === "longer" ? `${mac}zz` : how === "garbage" ? "zz" : mac;
      const header = (prefix ? "sha256=" : "") + text;
      const sent = how === "body" ? `${body} ` : body;
      const verdict = await ours(sent, key, header);
      expect(verdict).toBe(await official(sent, key, header));
      good += Number(verdict);
    }),
    { numRuns: 1000 },
  );
  expect(good).toBeGreaterThan(50);
});

it("differs in this: digits in upper case are digits", async () => {
  const header = createHmac("sha256", "key").update("{}").digest("hex").toUpperCase();
  expect(await ours("{}", "key", header)).toBe(true);
  expect(await official("{}", "key", header)).toBe(false);
});
