import { describe, expect, it } from "vitest";

import { checkoutSamples } from "../../scripts/samples/checkout.ts";
import { checkout } from "../../src/providers/checkout.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { eur } from "../event/payment-events.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");
const how = { signingKey: "key", now: AT / 1000, url: "" };
const read = async (event: unknown) => (await checkout.normalize(await checkoutSamples.sign(event, how), []))[0]!;
const sampleOf = (type: string) => checkoutSamples.events.find((sample) => sample.type === type)!.make("X1", AT);

it("verifies hex of either case, over the very bytes; what is no JSON is no event", async () => {
  const request = await checkoutSamples.sign(sampleOf("payment_captured"), how);
  request.headers.set("cko-signature", request.headers.get("cko-signature")!.toUpperCase());
  expect(await checkout.verify(request, ["key"], { now: 0 })).toEqual({ ok: true, secretIndex: 0 });
  const broken = { ...request, body: new TextEncoder().encode("{,}") };
  expect(await checkout.verify(broken, ["key"], { now: 0 })).toEqual({ ok: false, reason: "signature_mismatch" });
  await expect(checkout.normalize(broken, [])).rejects.toThrow(UnparseableError);
});

describe("an event of Checkout.com becomes", () => {
  it.each(checkoutSamples.events)("$is: $type", async (sample) => {
    const expected = { type: sample.is, occurredAt: AT, eventId: "evt_X1", customer: "cus_81" };
    expect(await read(sample.make("X1", AT))).toMatchObject(expected);
  });

  it.each([
    ["payment_captured", { payment: { id: "X1", amount: eur(4250), reference: "order-81" } }],
    ["payment_refunded", { payment: { id: "X1" }, refund: { id: "act_X1", amount: eur(4250) } }],
    [
      "dispute_evidence_required",
      {
        payment: { id: "pay_81" },
        dispute: { id: "X1", amount: eur(4250), reason: "10.4", evidenceDueBy: "2026-12-09T22:00:00.000Z" },
      },
    ],
    ["payment_chargeback", { payment: { id: "X1" }, dispute: { id: "act_X1", amount: eur(4250), reason: "10.4" } }],
    ["payment_retrieval", { payment: { id: "X1" }, dispute: { id: "act_X1", amount: eur(4250), reason: "10.4" } }],
    ["dispute_won", { payment: { id: "pay_81" }, dispute: { id: "X1", amount: eur(4250), reason: "10.4" } }],
  ])("%s with what it is about", async (type, data) => {
    expect((await read(sampleOf(type))).data).toEqual(data);
  });

  it("of a test where it names itself in the sandbox, else of what the source says", async () => {
    const linked = (href: string) => ({ ...(sampleOf("payment_captured") as object), _links: { self: { href } } });
    for (const [href, livemode] of [
      ["https://api.sandbox.checkout.com/workflows/events/evt_X1", false],
      ["https://7f3a.api.sandbox.checkout.com/workflows/events/evt_X1", false],
      ["https://api.checkout.com/workflows/events/evt_X1", true],
      ["https://api.checkout.com/?next=https://api.sandbox.checkout.com/", true],
    ] as const) {
      expect((await read(linked(href))).livemode).toBe(livemode);
    }
  });

  it("without an id of its own, and no refund or dispute of a made-up one", async () => {
    for (const type of ["payment_refunded", "payment_chargeback"]) {
      const event = sampleOf(type) as { data: object };
      const { data } = await read({ ...event, data: { ...event.data, action_id: undefined } });
      expect(data).toEqual({ payment: { id: "X1" } });
    }
  });
});
