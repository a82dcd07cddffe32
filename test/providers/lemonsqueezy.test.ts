import { expect, it } from "vitest";

import { lemonsqueezySamples as samples } from "../../scripts/samples/lemonsqueezy.ts";
import { lemonsqueezy } from "../../src/providers/lemonsqueezy.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const NOW = 1_764_000_000;
const SECRET = "lamp-shop";

async function normalize(event: unknown, header?: string) {
  const request = await samples.sign(event, { signingKey: SECRET, now: NOW, url: "" });
  if (header) request.headers.set("x-event-name", header);
  return (await lemonsqueezy.normalize(request, [SECRET]))[0]!;
}

it.each(samples.events)("$type is $is", async ({ type, is, ...sample }) => {
  expect(await normalize(sample.make("7", NOW * 1000))).toMatchObject({
    eventId: null,
    providerType: type,
    type: is,
    occurredAt: NOW * 1000,
    livemode: true,
    customer: "5150",
  });
});

it("says what an order cost, and the sum of its refunds", async () => {
  const event = samples.events.find(({ type }) => type === "order_refunded")!.make("7", NOW * 1000);
  const amount = { value: "2856", currency: "USD" };
  const refunded = { value: "1000", currency: "USD" };
  expect((await normalize(event)).data).toEqual({ payment: { id: "7", reference: "lamp-7", amount, refunded } });
});

it("claims no refund whose sum is missing, and no payment for what has no status of one", async () => {
  const of = (event_name: string, attributes: object) => ({ meta: { event_name }, data: { id: "7", attributes } });
  expect(await normalize(of("order_refunded", { currency: "USD" }))).toMatchObject({ type: "unknown" });
  expect(await normalize(of("order_created", { status: "new" }))).toMatchObject({ type: "unknown", occurredAt: null });
});

it("takes its type from the body, whatever the unsigned header says, and its mode too", async () => {
  const event = { meta: { event_name: "order_created", test_mode: true }, data: { attributes: {} } };
  expect(await normalize(event, "order_refunded")).toMatchObject({ providerType: "order_created", livemode: false });
});

it("is unparseable without a name or attributes", async () => {
  await expect(normalize({ meta: { event_name: "order_created" } })).rejects.toThrow(UnparseableError);
  await expect(normalize({ data: { attributes: {} } })).rejects.toThrow(UnparseableError);
});
