import { expect, it } from "vitest";

import { lemonsqueezySamples as samples } from "../../scripts/samples/lemonsqueezy.ts";
import { applyEvent } from "../../src/event/lifecycle.ts";
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

it("tells what a subscription paid from an order of the same id, where it is refunded", async () => {
  const event = samples.events.find(({ type }) => type === "subscription_payment_refunded")!.make("7", NOW * 1000);
  expect((await normalize(event)).data.payment).toMatchObject({
    id: "subscription-invoice-7",
    refunded: { value: "1000", currency: "USD" },
  });
});

const of = (event_name: string, attributes: object, meta = {}) => ({
  meta: { event_name, ...meta },
  data: { id: "7", attributes },
});

it("takes no refund for all of the payment whose sum is missing, unless the order says that it is refunded", async () => {
  const price = { currency: "USD", total: 2856 };
  const factsOf = async (attributes: object) => {
    const { occurredAt: _, ...refund } = await normalize(of("order_refunded", { ...price, ...attributes }));
    return applyEvent(null, { ...refund, occurredAt: NOW, user: null, origin: null }, "1")!;
  };
  expect((await factsOf({ status: "partial_refund" })).truth.status).toBe("partially_refunded");
  expect((await factsOf({})).truth.status).toBe("partially_refunded");
  expect((await factsOf({ status: "refunded" })).truth.status).toBe("refunded");
});

it.each([
  [{ test_mode: true }, {}],
  [{}, { test_mode: true }],
  [{ test_mode: false }, { test_mode: true }],
])("is of test mode where the event is, as %j, or what it is about, as %j", async (meta, attributes) => {
  expect(await normalize(of("order_created", attributes, meta))).toMatchObject({ livemode: false });
  expect(await normalize(of("subscription_updated", attributes, meta))).toMatchObject({ livemode: false });
});

it("claims no payment for what has no status of one", async () => {
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
