import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";

import { adyenSamples } from "../../scripts/samples/adyen.ts";
import { unique } from "../support/builders.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { untilListed, type Json } from "./stripe.ts";

/** An Adyen source; `post` signs an item and posts it, with fields beside the signature as they are given. */
async function newSource() {
  const { key } = await newMerchant();
  const { secret, signingKey } = await adyenSamples.newKeys();
  const { json } = await call("POST", "/v1/sources", { key, body: { provider: "adyen", secrets: [secret] } });
  const url = `https://paybell.test/ingest/${String(json["id"])}`;
  const post = async (fields: Json, ...more: Json[]) => {
    const items = [fields, ...more].map((one) => ({
      NotificationRequestItem: {
        merchantAccountCode: "Shop",
        merchantReference: "order-1",
        amount: { value: 4250, currency: "EUR" },
        eventCode: "AUTHORISATION",
        success: "true",
        ...one,
      },
    }));
    const event = { live: "true", notificationItems: items };
    const { body, headers } = await adyenSamples.sign(event, { signingKey, url, now: 0 });
    return exports.default.fetch(new Request(url, { method: "POST", headers, body }));
  };
  return { key, post };
}

const named = (user: string) => ({ additionalData: { shopperReference: user } });

it("gives a payment to the shopper whom its first notification names, though nobody signed that", async () => {
  const { key, post } = await newSource();
  const pspReference = unique("PSP");
  expect((await post({ pspReference, ...named("u_1") })).status).toBe(200);
  await post({ eventCode: "CAPTURE", pspReference: unique("PSP"), originalReference: pspReference });
  const events = await untilListed(key, 2);
  expect(events.map(({ user }) => user)).toEqual(["u_1", "u_1"]);
});

it("lets no unsigned shopper take a payment from the one whom it is bound to", async () => {
  const { key, post } = await newSource();
  const pspReference = unique("PSP");
  await post({ pspReference, ...named("u_1") });
  await post({ eventCode: "CAPTURE", pspReference: "C1", originalReference: pspReference, ...named("u_2") });
  expect((await untilListed(key, 2)).map(({ user }) => user)).toEqual(["u_1", "u_1"]);
});

it("lets no unsigned shopper take a payment that stands alone", async () => {
  const { key, post } = await newSource();
  const pspReference = unique("PSP");
  await post({ pspReference });
  await post({ pspReference, ...named("u_2") });
  await post({ eventCode: "CAPTURE", pspReference: "C1", originalReference: pspReference, ...named("u_2") });
  const events = await untilListed(key, 2);
  expect(events.map(({ type, user }) => [type, user])).toEqual([
    ["payment.authorized", null],
    ["payment.succeeded", null],
  ]);
});

it("knows an item again beside others, wherever it stands among them", async () => {
  const { key, post } = await newSource();
  const [first, second, third] = [unique("PSP"), unique("PSP"), unique("PSP")];
  await post({ pspReference: first, ...named("u_1") });
  await post({ pspReference: second, ...named("u_1") }, { pspReference: first, ...named("u_1") });
  await post({ pspReference: third, ...named("u_1") });
  const events = await untilListed(key, 3);
  expect(events.map(({ payment }) => payment)).toEqual([first, second, third]);
});
