import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";

import { samples } from "../../../scripts/samples/index.ts";
import type { ProviderSamples } from "../../../scripts/samples/sample.ts";
import { mapLeaves } from "../../providers/contract.ts";
import { startStory, type Story } from "../story.ts";

// Whoever words what a provider signs, a buyer or a system of the merchant's own, words it so that reading it might
// fail. What is signed becomes an event or is kept: none is lost, and none of them stops the Worker.

let story: Story;

beforeAll(async () => {
  story = await startStory();
});

afterAll(() => story.end());

const count = async (what: "events" | "quarantine", source: string) => {
  const { json } = await story.merchant.call<{ data: { source: string }[] }>("GET", `/v1/${what}?limit=100`);
  return json.data.filter((one) => one.source === source).length;
};

async function newSource(fields: Record<string, unknown>): Promise<{ id: string; url: string }> {
  const { json } = await story.merchant.call<{ id: string; ingestUrl: string }>("POST", "/v1/sources", fields);
  return { id: json.id, url: json.ingestUrl };
}

async function post(url: string, body: string | Uint8Array, headers: Headers): Promise<number> {
  const response = await fetch(url, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> });
  await response.arrayBuffer();
  return response.status;
}

const WORDS = ["constructor", "__proto__", "hasOwnProperty.x", "\u0000", "\ud800", "💶".repeat(200)];

it("any JSON under a good signature is taken, and is an event or kept", async () => {
  const secret = "a-secret-that-is-long-enough";
  const { id, url } = await newSource({ provider: "hmac", secrets: [secret], config: { idFrom: "/id" } });
  const event = (fields: object) => JSON.stringify({ type: "payment.succeeded", data: {}, ...fields });
  const bodies = [
    ...WORDS.flatMap((word, n) => [
      event({ id: `type-${n}`, type: word }),
      event({ id: `user-${n}`, user: word }),
      event({ id: `payment-${n}`, data: { payment: { id: word, amount: { value: word, currency: word } } } }),
      `{"id":"key-${n}","type":"custom.odd","data":{"custom":{${JSON.stringify(word)}:1}},${JSON.stringify(word)}:{}}`,
    ]),
    event({ id: "deep", data: { custom: JSON.parse(`${"[".repeat(2_000)}${"]".repeat(2_000)}`) as unknown } }),
    `{"id":"digits","type":"custom.odd","data":{"custom":{"n":${"9".repeat(400)}}}}`,
    `{"id":"long","type":"custom.odd","data":{"custom":{"text":"${"x".repeat(500_000)}"}}}`,
    `{"id":"twice","id":"twice again","type":"custom.odd","data":{"custom":{}}}`,
    event({ id: "time", timestamp: "9999-12-31T23:59:59.999-23:59" }),
    "[]",
    "",
    "\ufeff{}",
    "[".repeat(100_000),
  ];
  for (const body of bodies) {
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    expect([body.slice(0, 40), await post(url, body, new Headers({ "x-signature": signature }))]).toEqual([
      body.slice(0, 40),
      200,
    ]);
  }
  const kept = async () => (await count("events", id)) + (await count("quarantine", id));
  await expect.poll(kept, { timeout: 10_000 }).toBe(bodies.length);
});

it.each(samples)("words that every object has, under $provider's signature, are taken", async (provider) => {
  const keys = await provider.newKeys();
  const fields = { provider: provider.provider, secrets: [keys.secret], config: provider.config };
  const { id, url } = await newSource(fields);
  const now = Math.floor(Date.now() / 1000);
  for (const word of WORDS.slice(0, 3)) {
    const odd = mapLeaves(provider.events[0]!.make("odd", now * 1000), (leaf, name) =>
      isWord(leaf, name) ? word : leaf,
    );
    const { body, headers } = await provider.sign(odd, { signingKey: keys.signingKey, now, url });
    expect([word, (await post(url, body, headers)) < 300]).toEqual([word, true]);
  }
  await expect.poll(async () => (await count("events", id)) + (await count("quarantine", id))).toBeGreaterThan(0);
});

function isWord(leaf: unknown, name: string): boolean {
  return typeof leaf === "string" && !/amount|currency|date|time|charset|sign/i.test(name);
}

it("a notice of Alipay's that is split anew under its signature tells of no payment", async () => {
  const alipay = samples.find(({ provider }) => provider === "alipay") as ProviderSamples;
  const keys = await alipay.newKeys();
  const { id, url } = await newSource({ provider: "alipay", secrets: [keys.secret] });
  const [, paid] = alipay.events;
  const notice = paid!.make("split", Date.now()) as Record<string, string>;
  const genuine = { ...notice, subject: "tea&total_amount=9999.00&total_x=" };
  const request = await alipay.sign(genuine, { signingKey: keys.signingKey, now: 0, url });
  const form = new URLSearchParams(new TextDecoder().decode(request.body));
  form.set("subject", "tea");
  form.set("total_x", `&total_amount=${notice["total_amount"]}`);
  form.set("total_amount", "9999.00");
  expect(await post(url, form.toString(), request.headers)).toBe(200);
  expect(await post(url, request.body, request.headers)).toBe(200);
  expect([await count("events", id), await count("quarantine", id)]).toEqual([0, 2]);
});
