import { afterAll, beforeAll, expect, it } from "vitest";

import { samples } from "../../../scripts/samples/index.ts";
import type { ProviderSamples } from "../../../scripts/samples/sample.ts";
import { base32, randomId } from "../../../src/event/ids.ts";
import { startStory, type Story } from "../story.ts";

// A stranger knows a source's URL and no secret, and sits behind an address that the provider and the merchant use too.

const ADDRESS = "203.0.113.66";
/** More than STRANGER_LIMIT lets through in two minutes, since a flood may begin in one and end in the next. */
const FLOOD = 300;
const MEBIBYTE = 1024 * 1024;

let story: Story;

beforeAll(async () => {
  story = await startStory({ vars: { RATE_LIMITS: "on" } });
});

afterAll(() => story.end());

async function newSource(provider: ProviderSamples) {
  const keys = await provider.newKeys();
  const fields = { provider: provider.provider, secrets: [keys.secret], config: provider.config };
  const { json } = await story.merchant.call<{ ingestUrl: string }>("POST", "/v1/sources", fields);
  const url = json.ingestUrl;
  const signed = async (id: string, signingKey = keys.signingKey) => {
    const now = Math.floor(Date.now() / 1000);
    return provider.sign(provider.events[0]!.make(id, now * 1000), { signingKey, now, url });
  };
  return { url, signed };
}

/** A post from the address that all share; its status. */
async function post(url: string, body: string | Uint8Array, headers = new Headers()): Promise<number> {
  const from = new Headers(headers);
  from.set("cf-connecting-ip", ADDRESS);
  const response = await fetch(url, { method: "POST", headers: from, body: body as Uint8Array<ArrayBuffer> });
  await response.arrayBuffer();
  return response.status;
}

/** So many of something, eight at a time, or fewer if the last of them was told to stay away. */
async function flood(most: number, one: (n: number) => Promise<number>): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < most && statuses.at(-1) !== 429) {
    const batch = Array.from({ length: 8 }, (_, i) => one(statuses.length + i));
    statuses.push(...(await Promise.all(batch)));
  }
  return statuses;
}

const stripe = samples.find(({ provider }) => provider === "stripe")!;

it("posts as much as may be, signed by none of the source's keys: refused everywhere, and nothing comes of it", async () => {
  const fillings = ["a=&", "%41", "[", '{"a":1},'];
  const refused = samples.filter(({ covers }) => covers !== "nothing");
  for (const provider of refused) {
    const { url, signed } = await newSource(provider);
    const { signingKey } = await provider.newKeys();
    const { headers, body } = await signed("forged", signingKey);
    const filling = fillings[refused.indexOf(provider) % fillings.length]!;
    const much = filling.repeat(Math.floor((MEBIBYTE - body.length - 1) / filling.length));
    const statuses = [
      await post(url, body, headers),
      await post(url, `${new TextDecoder().decode(body)}&${much}`, headers),
    ];
    expect([provider.provider, statuses.every((status) => status >= 400 && status < 500)]).toEqual([
      provider.provider,
      true,
    ]);
  }
  const { json } = await story.merchant.call<{ data: unknown[] }>("GET", "/v1/quarantine");
  expect(json.data).toEqual([]);
});

it("floods a source with bad signatures: it is told to stay away, and the provider at the same address is heard", async () => {
  const { url, signed } = await newSource(stripe);
  const { headers, body } = await signed("forged", "whsec_none_of_theirs");
  const statuses = await flood(FLOOD, () => post(url, body, headers));
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect(await post(url, "x".repeat(MEBIBYTE))).toBe(429);
  const genuine = await signed("genuine");
  expect(await post(url, genuine.body, genuine.headers)).toBe(200);
});

it("floods made-up sources and keys: a source and a key that nobody has used yet work from there all the same", async () => {
  const { url, signed } = await newSource(stripe);
  const made = await story.merchant.call<{ apiKey: string }>("POST", "/v1/api-keys", { scopes: ["log:read"] });
  const { origin } = new URL(url);
  const ids = await flood(FLOOD, (n) => post(`${origin}/ingest/${n % 2 ? randomId("src") : "x".repeat(8_000)}`, "{}"));
  expect(new Set(ids)).toEqual(new Set([404, 429]));
  const list = async (key: string) => {
    const headers = { authorization: `Bearer ${key}`, "cf-connecting-ip": ADDRESS };
    return (await fetch(`${origin}/v1/events`, { headers })).status;
  };
  expect(new Set(await flood(8, () => list(`pbk_${base32(crypto.getRandomValues(new Uint8Array(32)))}`)))).toEqual(
    new Set([429]),
  );
  const genuine = await signed("other");
  expect(await post(url, genuine.body, genuine.headers)).toBe(200);
  expect(await list(made.json.apiKey)).toBe(200);
});
