import "@shopify/shopify-api/adapters/web-api";

import { createHmac } from "node:crypto";

import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import fc from "fast-check";
import { expect, it } from "vitest";

import { shopify } from "../../src/providers/shopify.ts";

const URL = "https://paybell.example/ingest/src_1";

async function official(body: string, apiSecretKey: string, headers: Record<string, string>) {
  const api = shopifyApi({
    apiKey: "key",
    apiSecretKey,
    hostName: "paybell.example",
    apiVersion: ApiVersion.July26,
    isEmbeddedApp: false,
    logger: { log: () => undefined },
  });
  const rawRequest = new Request(URL, { method: "POST", headers });
  return (await api.webhooks.validate({ rawBody: body, rawRequest })).valid;
}

const ours = async (body: string, secret: string, headers: Record<string, string>) =>
  (
    await shopify.verify({ body: new TextEncoder().encode(body), headers: new Headers(headers), url: URL }, [secret], {
      now: 0,
    })
  ).ok;

const macOf = (body: string, secret: string) => createHmac("sha256", secret).update(body).digest("base64");
const headersOf = (mac: string, prefix = "x-") => ({
  [`${prefix}shopify-hmac-sha256`]: mac,
  [`${prefix}shopify-topic`]: "orders/paid",
  [`${prefix}shopify-shop-domain`]: "nordwind.myshopify.com",
  [`${prefix}shopify-api-version`]: "2026-07",
  [`${prefix}shopify-webhook-id`]: "w1",
});

it("is judged as by Shopify's own package", async () => {
  const body = fc.string({ unit: "grapheme", minLength: 1 });
  const secret = fc.string({ minLength: 1 }).filter((text) => text.trim() !== "");
  const damage = fc.constantFrom("none", "body", "secret", "cut", "longer", "garbage");
  let good = 0;
  await fc.assert(
    fc.asyncProperty(body, secret, damage, fc.constantFrom("x-", ""), async (text, key, how, prefix) => {
      const mac = macOf(text, how === "secret" ? `${key}x` : key);
      const header = { cut: mac.slice(4), longer: `${mac}AAAA`, garbage: "fake" }[how as "cut"] ?? mac;
      const sent = how === "body" ? `${text} ` : text;
      const headers = headersOf(header, prefix);
      const verdict = await ours(sent, key, headers);
      expect(verdict).toBe(await official(sent, key, headers));
      good += Number(verdict);
    }),
    { numRuns: 1000 },
  );
  expect(good).toBeGreaterThan(50);
});

it("differs in these: it needs no header that nobody signs, and a signature of nothing is one", async () => {
  const bare = { "x-shopify-hmac-sha256": macOf("{}", "key") };
  expect([await ours("{}", "key", bare), await official("{}", "key", bare)]).toEqual([true, false]);
  const empty = headersOf(macOf("", "key"));
  expect([await ours("", "key", empty), await official("", "key", empty)]).toEqual([true, false]);
});
