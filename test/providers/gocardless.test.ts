import { expect, it } from "vitest";

import { gocardlessSamples as samples } from "../../scripts/samples/gocardless.ts";
import type { PaymentEvent, ProviderEvent } from "../../src/event/event.ts";
import { applyEvent } from "../../src/event/lifecycle.ts";
import { gocardless } from "../../src/providers/gocardless.ts";
import { type Acknowledgement, UnparseableError } from "../../src/providers/provider.ts";

const NOW = 1_764_000_000;
const SECRET = "rowing-club";
const signed = (event: unknown) => samples.sign(event, { signingKey: SECRET, now: NOW, url: "" });
const normalize = async (event: unknown, config?: Record<string, unknown>) =>
  gocardless.normalize(await signed(event), [SECRET], config);
const made = (type: string, at = NOW * 1000) => samples.events.find((sample) => sample.type === type)!.make("7", at);

it.each([
  ["digits of no hex behind it", (good: string) => `${good}zz`],
  ["half of it", (good: string) => good.slice(0, 32)],
  ["an algorithm before it", (good: string) => `sha256=${good}`],
])("is malformed with %s", async (_, change) => {
  const { body, headers, url } = await signed({ events: [] });
  const changed = new Headers({ "webhook-signature": change(headers.get("webhook-signature")!) });
  const verification = await gocardless.verify({ body, headers: changed, url }, [SECRET], { now: NOW });
  expect(verification).toEqual({ ok: false, reason: "header_malformed" });
});

it.each(samples.events)("$type is $is", async ({ type, is, ...sample }) => {
  expect(await normalize(sample.make("7", NOW * 1000), { livemode: false })).toEqual([
    expect.objectContaining({ eventId: "EV7", providerType: type, type: is, occurredAt: NOW * 1000, livemode: false }),
  ]);
});

it("reads every event of a request, also beside one that is none", async () => {
  const [first] = (made("payments.confirmed") as { events: unknown[] }).events;
  const [last] = (made("payouts.paid") as { events: unknown[] }).events;
  const events = await normalize({ events: [first, null, last] });
  expect(events.map(({ type, eventId, data }) => [type, eventId, data])).toEqual([
    ["payment.succeeded", "EV7", { payment: { id: "PA7", reference: "rowing-7" } }],
    ["unknown", null, {}],
    ["payout.paid", "EV7", { payout: { id: "PA7" } }],
  ]);
});

it("says why and by which scheme a payment failed", async () => {
  const [event] = await normalize(made("payments.failed"));
  expect(event!.data.payment).toEqual({
    id: "PA7",
    reference: "rowing-7",
    method: "bacs",
    failure: { code: "insufficient_funds", message: "The payment is now: failed." },
  });
});

it("makes reversed of a payment that fails after it was confirmed, in whatever order the two come", async () => {
  const [confirmed] = await normalize(made("payments.confirmed"));
  const [failed] = await normalize(made("payments.failed", NOW * 1000 + 1000));
  const asEvent = (event: ProviderEvent) => ({ ...event, user: null, origin: null }) as unknown as PaymentEvent;
  for (const [one, other] of [
    [confirmed!, failed!],
    [failed!, confirmed!],
  ] as const) {
    const { facts } = applyEvent(null, asEvent(one), "1")!;
    expect(applyEvent(facts, asEvent(other), "2")!.truth.status).toBe("reversed");
  }
});

it("knows a chargeback and its end by the payment", async () => {
  for (const type of ["payments.charged_back", "payments.chargeback_cancelled"]) {
    const [event] = await normalize(made(type));
    expect(event!.data).toMatchObject({ payment: { id: "PA7" }, dispute: { id: "PA7" } });
  }
});

it("names what was paid out, which mandate and which creditor it is about", async () => {
  for (const [type, data] of [
    ["outbound_payments.executed", { payout: { id: "OU7" } }],
    ["mandates.suspended_by_payer", { paymentMethod: { id: "MA7" } }],
    ["creditors.bounced_payout", { account: { id: "CR7" } }],
  ] as const) {
    expect((await normalize(made(type)))[0]!.data).toEqual(data);
  }
});

it("is unparseable without a list of events", async () => {
  await expect(normalize({ events: {} })).rejects.toThrow(UnparseableError);
});

it.each([
  ["accepted", 204],
  ["duplicate", 204],
  ["unparseable", 204],
  ["bad-signature", 498],
  ["unavailable", 503],
] as [Acknowledgement, number][])("hears of %s by %d", (outcome, status) => {
  expect(gocardless.acknowledge(outcome).status).toBe(status);
});
