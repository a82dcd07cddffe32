import { BraintreeGateway, Environment } from "braintree";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import type { SignedRequest } from "../../src/providers/provider.ts";
import { answersOf } from "../providers/acknowledgements.ts";
import { startStory, type Story } from "./story.ts";

let story: Story;

beforeAll(async () => {
  story = await startStory();
});

afterAll(() => story.end());

/** Posts as a provider does; the answer but for what HTTP and the runtime add to every one. */
async function post({ body, headers, url }: SignedRequest) {
  const response = await fetch(url, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> });
  const names = ["content-type", "retry-after"].filter((name) => response.headers.has(name));
  const said = Object.fromEntries(names.map((name) => [name, response.headers.get(name)]));
  return { status: response.status, body: await response.text(), headers: said };
}

describe.each(samples)("$provider", (provider) => {
  it("takes a signed event to the endpoint, once, and refuses one that another key signed", async () => {
    const [sample] = provider.events;
    const [keys, others] = await Promise.all([provider.newKeys(), provider.newKeys()]);
    const fields = { provider: provider.provider, secrets: [keys.secret], config: provider.config };
    const made = await story.merchant.call<{ id: string; ingestUrl: string }>("POST", "/v1/sources", fields);
    expect(made).toMatchObject({ status: 201, json: { status: "active" } });
    const { id: source, ingestUrl: url } = made.json;
    const now = Math.floor(Date.now() / 1000);
    const event = sample!.make(source.slice(-12), now * 1000);
    const request = await provider.sign(event, { signingKey: keys.signingKey, now, url });
    const forged = await provider.sign(event, { signingKey: others.signingKey, now, url });
    const answers = answersOf(provider.provider);

    expect(await post(forged)).toEqual(answers["bad-signature"]);
    expect(await post(request)).toEqual(answers.accepted);
    expect(await post(request)).toEqual(answers.duplicate);

    // What the receiver has it has verified by the official package. An event behind it shows that none came twice.
    const isOfSource = ({ body }: { body: { data: Record<string, unknown> } }) =>
      (body.data["provider"] as { source?: string } | undefined)?.source === source;
    const last = await provider.sign(sample!.make(`${source.slice(-12)}2`, now * 1000), {
      signingKey: keys.signingKey,
      now,
      url,
    });
    expect(await post(last)).toEqual(answers.accepted);
    await story.receiver.until((received) => received.filter(isOfSource).length >= 2, `webhooks of ${source}`);
    // The log comes behind what is delivered.
    const listed = async () => {
      const { json } = await story.merchant.call<{ data: { source: string; type: string }[] }>(
        "GET",
        "/v1/events?limit=100",
      );
      return json.data.filter((one) => one.source === source).map(({ type }) => type);
    };
    await expect.poll(listed, { timeout: 10_000 }).toEqual([sample!.is, sample!.is]);
    const received = story.receiver.received.filter(isOfSource);
    expect(received.map(({ body, status }) => [body.type, status])).toEqual([
      [sample!.is, 204],
      [sample!.is, 204],
    ]);
    expect(received[0]?.body.data["provider"]).toMatchObject({ name: provider.provider, type: sample!.type });
  });
});

it("answers Braintree's challenge as Braintree's own package does, and has none for others", async () => {
  const keys = { publicKey: "nordwind-public", privateKey: "nordwind-private" };
  const urlOf = async (fields: object) =>
    (await story.merchant.call<{ ingestUrl: string }>("POST", "/v1/sources", fields)).json.ingestUrl;
  const url = await urlOf({ provider: "braintree", secrets: [JSON.stringify(keys)] });
  const challenge = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
  const gateway = new BraintreeGateway({ environment: Environment.Sandbox, merchantId: "nordwind", ...keys });

  const answer = await fetch(`${url}?bt_challenge=${challenge}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await answer.text()).toBe(gateway.webhookNotification.verify(challenge));
  expect((await fetch(`${url}?bt_challenge=none`)).status).toBe(400);

  const other = await fetch(
    `${await urlOf({ provider: "paystack", secrets: ["sk_live_of_the_tests"] })}?bt_challenge=${challenge}`,
  );
  expect([other.status, other.headers.get("allow")]).toEqual([405, "POST"]);
});
