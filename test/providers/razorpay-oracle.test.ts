import { createHmac } from "node:crypto";

import fc from "fast-check";
import Razorpay from "razorpay";
import { expect, it } from "vitest";

import { razorpay } from "../../src/providers/razorpay.ts";

const official = (body: string, secret: string, header: string) =>
  Razorpay.validateWebhookSignature(body, header, secret);
const ours = async (body: string, secret: string, header: string) => {
  const headers = new Headers({ "x-razorpay-signature": header });
  return (await razorpay.verify({ body: new TextEncoder().encode(body), headers, url: "" }, [secret], { now: 0 })).ok;
};
const macOf = (body: string, secret: string) => createHmac("sha256", secret).update(body).digest("hex");

it("is judged as by Razorpay's own package", async () => {
  const secret = fc.string({ minLength: 1 }).filter((text) => text.trim() !== "");
  const damage = fc.constantFrom("none", "body", "secret", "cut", "longer", "garbage");
  let good = 0;
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), secret, damage, async (body, key, how) => {
      const mac = macOf(body, how === "secret" ? `${key}x` : key);
      const header = how === "cut" ? mac.slice(2) : how === "longer" ? `${mac}zz` : how === "garbage" ? "zz" : mac;
      const sent = how === "body" ? `${body} ` : body;
      const verdict = await ours(sent, key, header);
      expect(verdict).toBe(official(sent, key, header));
      good += Number(verdict);
    }),
    { numRuns: 1000 },
  );
  expect(good).toBeGreaterThan(50);
});

it("differs in these: an empty secret signs nothing, digits in upper case are digits", async () => {
  expect([await ours("{}", "", macOf("{}", "")), official("{}", "", macOf("{}", ""))]).toEqual([false, true]);
  const upper = macOf("{}", "key").toUpperCase();
  expect([await ours("{}", "key", upper), official("{}", "key", upper)]).toEqual([true, false]);
});
