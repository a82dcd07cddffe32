import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { shopifySamples as samples } from "../../scripts/samples/shopify.ts";
import { shopify } from "../../src/providers/shopify.ts";
import { eur } from "../event/payment-events.ts";

const AT = Date.parse("2026-11-24T09:30:00Z");
const SECRET = "shpss_of-our-own";
const how = { signingKey: SECRET, now: AT / 1000, url: "" };

const request = async (event: unknown, headers: Record<string, string> = {}) => {
  const made = await samples.sign(event, how);
  for (const [name, value] of Object.entries(headers)) made.headers.set(name, value);
  return made;
};
const read = async (event: unknown, headers?: Record<string, string>, config?: Record<string, unknown>) =>
  (await shopify.normalize(await request(event, headers), [SECRET], config))[0]!;
const sampleOf = (type: string) => samples.events.find((each) => each.type === type)!.make("x1", AT) as object;

describe("Shopify's signature", () => {
  const body = new TextEncoder().encode('{"id":1}');
  const mac = (secret: string) => createHmac("sha256", secret).update(body).digest("base64");
  const verify = (headers: Record<string, string>, secrets = [SECRET]) =>
    shopify.verify({ body, headers: new Headers(headers), url: "" }, secrets, { now: 0 });

  it.each(["x-shopify-hmac-sha256", "shopify-hmac-sha256"])("is in %s", async (name) => {
    expect(await verify({ [name]: mac(SECRET) })).toEqual({ ok: true, secretIndex: 0 });
  });

  it("is that of the newer header where both come", async () => {
    const both = (newer: string, older: string) =>
      verify({ "shopify-hmac-sha256": mac(newer), "x-shopify-hmac-sha256": mac(older) });
    expect(await both(SECRET, "other")).toMatchObject({ ok: true });
    expect(await both("other", SECRET)).toEqual({ ok: false, reason: "signature_mismatch" });
  });

  it("may be by the old client secret while the new one takes over", async () => {
    expect(await verify({ "x-shopify-hmac-sha256": mac(SECRET) }, ["new", SECRET])).toEqual({
      ok: true,
      secretIndex: 1,
    });
  });

  it("counts only as it is written: in padded base64 of 32 bytes", async () => {
    const hex = createHmac("sha256", SECRET).update(body).digest("hex");
    for (const header of [hex, mac(SECRET).slice(0, -1), `${mac(SECRET)}=`, mac(SECRET).replace(/.=$/, "A=")]) {
      expect(await verify({ "x-shopify-hmac-sha256": header })).toMatchObject({ ok: false });
    }
  });
});

describe("Shopify's events", () => {
  it.each(samples.events)("$type is $is", async (sample) => {
    expect(await read(sample.make("x1", AT))).toMatchObject({
      type: sample.is,
      providerType: sample.type,
      occurredAt: AT,
      eventId: null,
      livemode: true,
      authenticity: "signed",
    });
  });

  it("are what their body says, whatever the headers say that nobody signs", async () => {
    const headers = {
      "x-shopify-topic": "orders/paid",
      "x-shopify-webhook-id": "another",
      "x-shopify-event-id": "another",
      "x-shopify-shop-domain": "another.myshopify.com",
      "x-shopify-triggered-at": "2020-01-01T00:00:00Z",
    };
    for (const sample of samples.events) {
      const event = sample.make("x1", AT);
      expect(await read(event, headers)).toEqual(await read(event));
    }
  });

  it("of an order are of its customer, and name its number", async () => {
    const { customer, data } = await read(sampleOf("Order.paid"));
    const { id } = sampleOf("Order.paid") as { id: number };
    expect(customer).toBe("6117450231");
    expect(data).toEqual({ payment: { id: String(id), amount: eur(4250), reference: "#1081" } });
  });

  it("keep every digit of an id that a double cannot hold", async () => {
    const text = '{"id":820982911946154509,"admin_graphql_api_id":"gid://shopify/Order/820982911946154509"}';
    const body = new TextEncoder().encode(text);
    const [event] = await shopify.normalize({ body, headers: new Headers(), url: "" }, [SECRET]);
    expect(event?.data.payment?.id).toBe("820982911946154509");
  });

  it("of an order claim nothing where it is refunded: the refund's own event does", async () => {
    for (const financial_status of ["refunded", "partially_refunded", null, "constructor"]) {
      expect(await read({ ...sampleOf("Order.paid"), financial_status })).toMatchObject({ type: "unknown" });
    }
  });

  it("of an order that is canceled before it is paid cancel the payment; what was paid stays paid", async () => {
    const canceled = { cancelled_at: "2026-11-24T09:30:00Z" };
    expect(await read({ ...sampleOf("Order.pending"), ...canceled })).toMatchObject({ type: "payment.canceled" });
    expect(await read({ ...sampleOf("Order.paid"), ...canceled })).toMatchObject({ type: "payment.succeeded" });
  });

  it("of a transaction say why it failed, and leave to the order whether all is paid", async () => {
    const failed = sampleOf("OrderTransaction.sale.failure");
    expect((await read(failed)).data.payment).toMatchObject({
      amount: eur(4250),
      failure: { code: "card_declined", message: "The bank said no" },
    });
    for (const kind of ["sale", "capture", "refund", "change"]) {
      const { type, data } = await read({ ...failed, kind, status: "success" });
      expect([type, data]).toEqual(["unknown", { payment: { id: expect.any(String) } }]);
    }
  });

  describe("of a refund", () => {
    const of = (...transactions: object[]) => read({ ...sampleOf("Refund"), transactions });
    const part = (amount: string, status = "success", fields: object = {}) => {
      return { kind: "refund", status, amount, currency: "EUR", ...fields };
    };

    it("name the sum that was given back", async () => {
      expect(await of(part("10.00"), part("2.5"), part("99.00", "failure"))).toMatchObject({
        type: "refund.succeeded",
        data: { refund: { amount: eur(1250), reason: "too small" }, payment: { id: expect.any(String) } },
      });
    });

    it("name no sum of several currencies", async () => {
      const { data } = await of(part("10.00"), part("2.50", "success", { currency: "USD" }));
      expect(data.refund).toEqual({ id: expect.any(String), reason: "too small" });
    });

    it("are pending while the money is on its way", async () => {
      expect(await of(part("10.00", "pending"))).toMatchObject({ type: "refund.pending" });
    });

    it("claim nothing where only goods were given back", async () => {
      expect(await of({ kind: "void", status: "success" })).toMatchObject({ type: "unknown" });
    });

    it("are of test mode where a transaction is", async () => {
      expect(await of(part("1.00", "success", { test: true }))).toMatchObject({ livemode: false });
    });
  });

  it("of a dispute name it, its order and until when to answer", async () => {
    const { data } = await read(sampleOf("Dispute.chargeback.needs_response"));
    expect(data.dispute).toMatchObject({
      amount: eur(4250),
      reason: "product_not_received",
      evidenceDueBy: "2026-12-10T00:00:00.000Z",
    });
    expect(data.payment?.id).toMatch(/^\d+$/);
  });

  it.each([
    ["inquiry", "under_review", "dispute.warning"],
    ["inquiry", "charge_refunded", "dispute.closed"],
    ["chargeback", "under_review", "dispute.under_review"],
    ["chargeback", "accepted", "dispute.accepted"],
    ["chargeback", "lost", "dispute.lost"],
    ["chargeback", "prevented", "unknown"],
  ])("of an %s that is %s are %s", async (type, status, is) => {
    const event = { ...sampleOf("Dispute.chargeback.needs_response"), type, status };
    expect(await read(event)).toMatchObject({ type: is, providerType: `Dispute.${type}.${status}` });
  });

  it.each([
    ["paused", "subscription.updated"],
    ["expired", "subscription.canceled"],
    ["ACTIVE", "subscription.updated"],
    ["stale", "unknown"],
  ])("of a contract that is %s are %s, of its customer", async (status, is) => {
    const event = { ...sampleOf("SubscriptionContract.active"), status };
    expect(await read(event)).toMatchObject({ type: is, data: {}, customer: "6117450231" });
  });

  it("of a charge for a contract are of the order that it made, if it made one", async () => {
    const { order_id } = sampleOf("SubscriptionBillingAttempt.success") as { order_id: number };
    expect((await read(sampleOf("SubscriptionBillingAttempt.success"))).data).toEqual({
      payment: { id: String(order_id) },
    });
    expect((await read(sampleOf("SubscriptionBillingAttempt.failure"))).data).toEqual({});
    const running = { ...sampleOf("SubscriptionBillingAttempt.failure"), ready: false, error_code: null };
    expect(await read(running)).toMatchObject({ type: "unknown", providerType: "SubscriptionBillingAttempt" });
  });

  it("are of test mode where the order or the source says so", async () => {
    const order = sampleOf("Order.paid");
    expect(await read({ ...order, test: true })).toMatchObject({ livemode: false });
    expect(await read(order, {}, { livemode: false })).toMatchObject({ livemode: false });
  });

  it.each([
    [{}, "unknown"],
    [{ admin_graphql_api_id: "gid://shopify/constructor/1" }, "constructor"],
    [{ admin_graphql_api_id: 7, financial_status: "paid", id: 1 }, "unknown"],
  ])("claim nothing as %j", async (event, providerType) => {
    expect(await read(event)).toMatchObject({ type: "unknown", providerType, data: {}, occurredAt: null });
  });
});
