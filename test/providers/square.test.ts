import { describe, expect, it } from "vitest";

import { squareSamples } from "../../scripts/samples/square.ts";
import { square } from "../../src/providers/square.ts";
import { eur } from "../event/payment-events.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");
const URL = "https://paybell.example/ingest/src_1";
const how = { signingKey: "key", now: AT / 1000, url: URL };

it("is signed together with the URL that is registered at Square", async () => {
  const request = await squareSamples.sign(squareSamples.events[0]!.make("X1", AT), how);
  expect(await square.verify(request, ["other", "key"], { now: 0 })).toEqual({ ok: true, secretIndex: 1 });
  const elsewhere = { ...request, url: `${URL}/` };
  expect(await square.verify(elsewhere, ["key"], { now: 0 })).toEqual({ ok: false, reason: "signature_mismatch" });
});

describe("an event of Square becomes", () => {
  const read = async (event: unknown, config = {}) =>
    (await square.normalize(await squareSamples.sign(event, how), [], config))[0]!;

  it.each(squareSamples.events)("$is: $type", async (sample) => {
    expect(await read(sample.make("X1", AT))).toMatchObject({ type: sample.is, occurredAt: AT, eventId: "E-X1" });
  });

  it("a payment of its customer, in test mode where the source says so", async () => {
    expect(await read(squareSamples.events[2]!.make("X1", AT), { livemode: false })).toMatchObject({
      livemode: false,
      customer: "C-81",
      data: { payment: { id: "X1", amount: eur(4250), reference: "order-81", method: "card" } },
    });
  });

  it("a payout with its amount and the day of its arrival", async () => {
    const sample = squareSamples.events.find(({ type }) => type === "payout.paid")!;
    expect((await read(sample.make("PO1", AT))).data).toEqual({
      payout: { id: "PO1", amount: eur(4250), arrivalDate: "2026-11-25" },
    });
  });

  it("of its customer, where it is of a subscription or of an invoice", async () => {
    const concerned = squareSamples.events.filter(({ type }) => /^(subscription|invoice)\.(?!deleted)/.test(type));
    for (const sample of concerned) expect(await read(sample.make("X1", AT))).toMatchObject({ customer: "C-81" });
  });

  it.each([
    ["subscription.updated", { status: "DEACTIVATED" }, "subscription.canceled"],
    ["subscription.updated", { status: "novelty" }, "subscription.updated"],
    ["invoice.payment_made", {}, "invoice.paid"],
    ["invoice.novelty", { status: "PAID" }, "unknown"],
  ])("of %s with %j: %s", async (type, fields, is) => {
    const [family = ""] = type.split(".");
    expect(await read({ event_id: "E", type, data: { object: { [family]: { id: "X", ...fields } } } })).toMatchObject({
      type: is,
      data: {},
    });
  });

  it("a refund of its payment", async () => {
    const { data } = await read(squareSamples.events[6]!.make("R1", AT));
    expect(data).toEqual({ payment: { id: "P-81" }, refund: { id: "R1", amount: eur(4250) } });
  });
});
