import { describe, expect, it } from "vitest";

import { razorpaySamples as samples } from "../../scripts/samples/razorpay.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { razorpay } from "../../src/providers/razorpay.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const inr = (value: number) => ({ value: String(value), currency: "INR" });

async function normalize(event: unknown, config?: Record<string, unknown>) {
  const request = await samples.sign(event, { signingKey: "secret", now: AT / 1000, url: "" });
  return (await razorpay.normalize(request, ["secret"], config))[0]!;
}
const sampleOf = (type: string) => samples.events.find((each) => each.type === type)!.make("x1", AT);

describe("Razorpay's events", () => {
  it.each(samples.events)("$type is $is", async (sample) => {
    expect(await normalize(sample.make("x1", AT))).toMatchObject({
      type: sample.is,
      providerType: sample.type,
      occurredAt: AT,
      livemode: true,
      authenticity: "signed",
    });
  });

  it.each([
    ["payment.captured", { payment: { id: "pay_x1", amount: inr(84_900), reference: "order_x1", method: "upi" } }],
    ["order.paid", { payment: { id: "pay_x1" } }],
    ["payment_link.partially_paid", { payment: { id: "plink_x1", amount: inr(40_000), reference: "table-x1" } }],
    ["refund.processed", { payment: { id: "pay_x1" }, refund: { id: "rfnd_x1", amount: inr(20_000) } }],
    [
      "payment.dispute.created",
      {
        payment: { id: "pay_x1" },
        dispute: {
          id: "disp_x1",
          amount: inr(84_900),
          reason: "goods_not_received",
          evidenceDueBy: "2026-11-24T09:30:00.000Z",
        },
      },
    ],
    ["payout.processed", { payout: { id: "pout_x1", amount: inr(84_900) } }],
    ["settlement.processed", {}],
    ["subscription.charged", { payment: { id: "pay_x1" } }],
    ["subscription.halted", {}],
    ["invoice.paid", { payment: { id: "pay_x1" } }],
    ["invoice.expired", {}],
    ["token.confirmed", { paymentMethod: { id: "token_x1" } }],
    [
      "token.activated",
      { paymentMethod: { id: "token_x1", brand: "RuPay", last4: "1881", expMonth: 4, expYear: 2031 } },
    ],
    ["transaction.created", { account: { id: "acc_teahouse", available: [inr(1_250_000)] } }],
    ["account.suspended", { account: { id: "acc_teahouse" } }],
  ])("of type %s say what they are about", async (type, data) => {
    expect((await normalize(sampleOf(type))).data).toEqual(data);
  });

  it("say why a payment failed, and whose it was", async () => {
    const { customer, data } = await normalize(sampleOf("payment.failed"));
    expect(customer).toBe("cust_x1");
    expect(data.payment?.failure).toEqual({ code: "BAD_REQUEST_ERROR", message: "The bank said no" });
  });

  it.each(["subscription.halted", "invoice.expired", "token.cancelled"])("name whose it was: %s", async (type) => {
    expect((await normalize(sampleOf(type))).customer).toBe("cust_x1");
  });

  it("have no id, since nobody signs the header that has one", async () => {
    expect((await normalize(sampleOf("payment.captured"))).eventId).toBeNull();
  });

  it("are of test mode where the source says so", async () => {
    expect((await normalize(sampleOf("payment.captured"), { livemode: false })).livemode).toBe(false);
  });

  it.each(["payment.downtime.started", "constructor"])("claim nothing where their type is %s", async (event) => {
    expect(await normalize({ event })).toMatchObject({ type: "unknown", occurredAt: null, data: {} });
  });

  it.each([{}, { event: 7 }, []])("are unparseable as %j", async (body) => {
    await expect(normalize(body)).rejects.toBeInstanceOf(UnparseableError);
  });
});
