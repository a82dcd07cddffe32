import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { paystackSamples as samples } from "../../scripts/samples/paystack.ts";
import { applyEvent, type Facts, statusOf } from "../../src/event/lifecycle.ts";
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
    const isOfCards = sample.type === "subscription.expiring_cards";
    expect(await normalize(sample.make("x1", AT))).toMatchObject({
      eventId: null,
      type: sample.is,
      providerType: sample.type,
      occurredAt: isOfCards ? null : AT,
      livemode: !isOfCards,
      customer: "CUS_x1",
    });
  });

  it.each([
    ["charge.success", { payment: { id: "tailor-x1", reference: "tailor-x1", amount, method: "card" } }],
    ["refund.processed", { payment: { id: "tailor-x1" }, refund: { id: "rf-x1", amount } }],
    [
      "preauthorization.capture.success",
      {
        payment: {
          id: "tailor-x1",
          reference: "tailor-x1",
          amount: { value: "500000", currency: "NGN" },
          method: "card",
        },
      },
    ],
    ["invoice.update", { payment: { id: "tailor-x1" } }],
    [
      "direct_debit.authorization.active",
      { paymentMethod: { id: "AUTH_x1", brand: "Wema Bank", last4: "4406", expMonth: 3, expYear: 2034 } },
    ],
    [
      "subscription.expiring_cards",
      { paymentMethod: { id: "SUB_x1", brand: "visa", last4: "0902", expMonth: 1, expYear: 2027 } },
    ],
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

  it("are of test mode where the account's key is, if they do not say it", async () => {
    const cards = sampleOf("subscription.expiring_cards");
    const of = async (secrets: string[]) => {
      const request = await samples.sign(cards, { signingKey: secrets[0]!, now: AT / 1000, url: "" });
      return (await paystack.normalize(request, secrets))[0]!.livemode;
    };
    expect([await of(["sk_test_1"]), await of(["sk_live_1"]), await of(["sk_test_1", "sk_live_1"])]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("of cards that expire are one each", async () => {
    const card = (code: string) => ({ subscription: { subscription_code: code }, customer: { customer_code: code } });
    const event = { event: "subscription.expiring_cards", data: [card("A"), card("B")] };
    const request = await samples.sign(event, { signingKey: "k", now: AT / 1000, url: "" });
    expect((await paystack.normalize(request, ["k"])).map(({ customer }) => customer)).toEqual(["A", "B"]);
    expect(await normalize({ event: "subscription.expiring_cards", data: [] })).toMatchObject({ data: {} });
  });

  describe("of refunds", () => {
    const refund = (amount: number, fields: object = {}) => ({
      event: "refund.processed",
      data: { domain: "live", transaction_reference: "tailor-x1", amount, currency: "NGN", ...fields },
    });
    const idOf = async (event: unknown) => (await normalize(event)).data.refund?.id;

    it("name the refund by its id, else its reference, else the event itself", async () => {
      expect(await idOf(refund(50, { id: 7, refund_reference: "TRF_1" }))).toBe("7");
      expect(await idOf(refund(50, { refund_reference: "TRF_1" }))).toBe("TRF_1");
      const own = await idOf(refund(50, { refund_reference: null }));
      expect(own).toMatch(/^body-[0-9a-f]{32}$/);
      expect(await idOf(refund(50, { refund_reference: null }))).toBe(own);
      expect(await idOf(refund(51, { refund_reference: null }))).not.toBe(own);
    });

    it("without an id add up, and leave a payment refunded in part that was", async () => {
      const events = [sampleOf("charge.success"), refund(5_000), refund(7_000)];
      let facts: Facts | null = null;
      for (const event of events) {
        const read = { ...(await normalize(event)), occurredAt: AT, user: null, origin: null };
        facts = applyEvent(facts, read, JSON.stringify(event))!.facts;
      }
      expect(statusOf(facts!)).toBe("partially_refunded");
      const values = facts!.refunds.map(({ amount }) => amount!.value);
      expect(new Set(values)).toEqual(new Set(["5000", "7000"]));
    });
  });

  it.each(["customeridentification.success", "constructor"])("claim nothing where their type is %s", async (event) => {
    expect(await normalize({ event, data: { domain: "test" } })).toMatchObject({ type: "unknown", livemode: false });
  });

  it.each([{}, { event: 7 }, []])("are unparseable as %j", async (body) => {
    await expect(normalize(body)).rejects.toBeInstanceOf(UnparseableError);
  });
});
