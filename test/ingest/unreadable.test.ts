import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import type { ProviderSamples } from "../../scripts/samples/sample.ts";
import { providerOf } from "../../src/providers/index.ts";
import { answersOf } from "../providers/acknowledgements.ts";
import { mapLeaves } from "../providers/contract.ts";
import { unique } from "../support/builders.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { exports } from "cloudflare:workers";

let key: string;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

/** A source of a provider; posts an event to it, signed, and tells the answer. */
async function newSource(provider: ProviderSamples) {
  const { secret, signingKey } = await provider.newKeys();
  const body = { provider: provider.provider, secrets: [secret], config: provider.config };
  const { json } = await call("POST", "/v1/sources", { key, body });
  const url = `https://paybell.test/ingest/${String(json["id"])}`;
  return async (event: unknown) => {
    const request = await provider.sign(event, { signingKey, now: Math.floor(Date.now() / 1000), url });
    const { headers } = request;
    return exports.default.fetch(
      new Request(url, { method: "POST", headers, body: request.body as Uint8Array<ArrayBuffer> }),
    );
  };
}

const eventOf = (provider: ProviderSamples, id = unique("e")) => provider.events[0]!.make(id, Date.now());
const listed = async (what: "events" | "quarantine") => (await call("GET", `/v1/${what}?limit=100`, { key })).json.data;

describe.each(samples)("a signed post of $provider", (provider) => {
  it("that we fail to read is kept, acknowledged, and taken in once it can be read", async () => {
    const post = await newSource(provider);
    vi.spyOn(providerOf(provider.provider)!, "normalize").mockRejectedValueOnce(new TypeError("a fault of ours"));
    const answer = await post(eventOf(provider));
    expect(answer.status).toBe(answersOf(provider.provider).unparseable.status);
    const [kept] = await listed("quarantine");
    expect(kept).toMatchObject({ reason: "unreadable", replayedAt: null });
    const replayed = await call("POST", `/v1/quarantine/${String(kept!["id"])}/replay`, { key });
    expect(replayed).toMatchObject({ status: 200, json: { data: [{ status: "accepted" }] } });
  });

  it("is an event or in quarantine, whatever words stand in it", async () => {
    const post = await newSource(provider);
    const words = ["constructor", "__proto__", "hasOwnProperty.x"];
    for (const word of words) {
      const id = unique("e");
      const isName = (key: string, leaf: unknown) =>
        typeof leaf === "string" && !/amount|currency|date|time|charset|sign/i.test(key);
      const odd = mapLeaves(eventOf(provider, id), (leaf, name) => (isName(name, leaf) ? word : leaf));
      expect([word, (await post(odd)).ok]).toEqual([word, true]);
    }
    const kept = async () => (await listed("events")).length + (await listed("quarantine")).length;
    await expect.poll(kept, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
  });
});

it("what fails behind the adapter is kept too: planning, the user, the identity", async () => {
  const stripe = samples.find(({ provider }) => provider === "stripe")!;
  const post = await newSource(stripe);
  const real = providerOf("stripe")!;
  const normalize = real.normalize.bind(real);
  vi.spyOn(real, "normalize").mockImplementationOnce(async (...given) => {
    const events = await normalize(...given);
    return events.map((event) => ({ ...event, occurredAt: 1n as unknown as number }));
  });
  expect((await post(eventOf(stripe))).status).toBe(200);
  expect(await listed("quarantine")).toMatchObject([{ reason: "unreadable" }]);
});
