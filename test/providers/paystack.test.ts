import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { paystackSamples as samples } from "../../scripts/samples/paystack.ts";
import { paystack } from "../../src/providers/paystack.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const amount = { value: "750000", currency: "NGN" };

async function normalize(event: unknown) {
  const request = await samples.sign(event, { signingKey: "sk_test_1", now: AT / 1000, url: "" });
  return (await paystack.normalize(request, ["sk_test_1"]))[0]!;
}
const sampleOf = (type: string) => samples.events.find((each) => each.type === type)!.make("x1", AT);

describe("Paystack's signature", () => {
  it.each([
    ["sha512", true],
    ["sha256", false],
  ])("with %s is good: %s", async (hash, isGood) => {
    const mac = createHmac(hash, "sk_test_1").update("{}").digest("hex");
    const request = {
      body: new TextEncoder().encode("{}"),
      headers: new Headers({ "x-paystack-signature": mac }),
      url: "",
    };
    expect((await paystack.verify(request, ["sk_test_1"], { now: 0 })).ok).toBe(isGood);
  });
});

describe("Paystack's events", () => {
  it.each(samples.events)("$type is $is", async (sample) => {
    expect(await normalize(sample.make("x1", AT))).toMatchObject({
      eventId: null,
      type: sample.is,
      providerType: sample.type,
      occurredAt: AT,
      livemode: true,
      customer: "CUS_x1",
    });
  });

  it.each([
    ["charge.success", { payment: { id: "tailor-x1", reference: "tailor-x1", amount, method: "card" } }],
    ["refund.processed", { payment: { id: "tailor-x1" }, refund: { id: "rf-x1", amount } }],
    ["transfer.success", { payout: { id: "TRF_x1", amount } }],
    [
      "charge.dispute.create",
      {
        payment: { id: "tailor-x1" },
        dispute: { id: "dp-x1", amount, reason: "chargeback", evidenceDueBy: "2026-11-24T09:30:00.000Z" },
      },
    ],
  ])("of type %s say what they are about", async (type, data) => {
    expect((await normalize(sampleOf(type))).data).toEqual(data);
  });

  it.each(["paymentrequest.success", "constructor"])("claim nothing where their type is %s", async (event) => {
    expect(await normalize({ event, data: { domain: "test" } })).toMatchObject({ type: "unknown", livemode: false });
  });

  it.each([{}, { event: 7 }, []])("are unparseable as %j", async (body) => {
    await expect(normalize(body)).rejects.toBeInstanceOf(UnparseableError);
  });
});
