import { describe, expect, it } from "vitest";

import { paddleSamples as samples } from "../../scripts/samples/paddle.ts";
import { paddle } from "../../src/providers/paddle.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const NOW = 1_764_000_000;
const SECRET = "pdl_ntfset_harbour";
const WRONG = "0".repeat(64);

const signed = (event: unknown = { event_id: "evt_1" }) =>
  samples.sign(event, { signingKey: SECRET, now: NOW, url: "" });

async function verify(header: (good: string) => string, now = NOW) {
  const { body, headers, url } = await signed();
  const signature = headers.get("paddle-signature")!;
  return paddle.verify({ body, headers: new Headers({ "paddle-signature": header(signature) }), url }, [SECRET], {
    now,
  });
}

const normalize = async (event: unknown, config?: Record<string, unknown>) =>
  (await paddle.normalize(await signed(event), [SECRET], config))[0]!;

const made = (type: string, is: string) =>
  samples.events.find((sample) => sample.type === type && sample.is === is)!.make("7", NOW * 1000);

describe("a signature of Paddle's", () => {
  it("may be any of several, first or last, beside versions that are unknown", async () => {
    expect(await verify((good) => `${good};h1=${WRONG}`)).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify((good) => `${good.replace(";", `;h1=${WRONG};`)};h2=new`)).toEqual({
      ok: true,
      secretIndex: 0,
    });
  });

  it.each([
    ["two times", (good: string) => `${good};ts=${NOW}`],
    ["a time that is none", (good: string) => good.replace(String(NOW), `${NOW}s`)],
    ["no signature of the version", (good: string) => good.replace("h1", "h2")],
    ["digits behind the signature", (good: string) => `${good}00`],
    ["capital digits", (good: string) => good.replace(/h1=.*/, (item) => `h1=${item.slice(3).toUpperCase()}`)],
  ])("is malformed with %s", async (_, change) => {
    expect(await verify(change)).toEqual({ ok: false, reason: "header_malformed" });
  });

  it("holds for 300 s before and after its time", async () => {
    for (const [offset, ok] of [
      [-301, false],
      [-300, true],
      [300, true],
      [301, false],
    ] as const) {
      expect((await verify((good) => good, NOW + offset)).ok).toBe(ok);
    }
  });
});

describe("an event of Paddle's", () => {
  it.each(samples.events)("$type is $is", async ({ type, is, ...sample }) => {
    expect(await normalize(sample.make("7", NOW * 1000))).toMatchObject({
      eventId: "evt_7",
      providerType: type,
      type: is,
      occurredAt: NOW * 1000,
      livemode: true,
      authenticity: "signed",
    });
  });

  it("says what was paid, for which order, how, and by whom", async () => {
    expect(await normalize(made("transaction.completed", "payment.succeeded"))).toMatchObject({
      customer: "ctm_harbour",
      data: {
        payment: { id: "txn_7", amount: { value: "4165", currency: "EUR" }, reference: "boat-7", method: "card" },
      },
    });
  });

  it("says why a payment failed", async () => {
    const { data } = await normalize(made("transaction.payment_failed", "payment.failed"));
    expect(data.payment?.failure).toEqual({ code: "declined" });
  });

  it("knows a refund by its adjustment, and a chargeback by its transaction, so that a reversal meets it", async () => {
    const amount = { value: "1190", currency: "EUR" };
    const payment = { id: "txn_7" };
    const reason = "oar was broken";
    const { data: refunded } = await normalize(made("adjustment.created", "refund.succeeded"));
    expect(refunded).toEqual({ payment, refund: { id: "adj_7", amount, reason } });
    for (const is of ["dispute.lost", "dispute.won"]) {
      const { data } = await normalize(made("adjustment.created", is));
      expect(data).toEqual({ payment, dispute: { id: "txn_7", amount, reason } });
    }
  });

  it.each([
    ["refund", "rejected", "refund.failed"],
    ["chargeback", "reversed", "dispute.won"],
    ["chargeback_warning", "approved", "dispute.warning"],
    ["chargeback_warning_reverse", "approved", "dispute.closed"],
    ["credit", "approved", "unknown"],
  ])("adjustment of %s that is %s is %s", async (action, status, type) => {
    const data = { id: "adj_1", action, status, transaction_id: "txn_1" };
    const event = { event_id: "evt_1", event_type: "adjustment.updated", data };
    expect(await normalize(event)).toMatchObject({ type, data: { payment: { id: "txn_1" } }, occurredAt: null });
  });

  it("counts as the sandbox's where the source says so", async () => {
    const event = made("payout.paid", "payout.paid");
    expect(await normalize(event, { livemode: false })).toMatchObject({
      livemode: false,
      data: { payout: { id: "pay_7", amount: { value: "250000", currency: "USD" } } },
    });
  });

  it("counts as a test where Paddle simulates it, whatever the source says", async () => {
    const event = { ...(made("payout.paid", "payout.paid") as object), event_id: "ntfsimevt_7" };
    expect(await normalize(event)).toMatchObject({ eventId: "ntfsimevt_7", livemode: false });
    expect(await normalize(event, { livemode: true })).toMatchObject({ livemode: false });
  });

  it("names the transaction of an invoice", async () => {
    expect((await normalize(made("invoice.paid", "invoice.paid"))).data).toEqual({ payment: { id: "txn_7" } });
  });

  it("is unparseable without an id or a type", async () => {
    await expect(normalize({ event_id: "evt_1" })).rejects.toThrow(UnparseableError);
    await expect(normalize({ event_type: "transaction.paid" })).rejects.toThrow(UnparseableError);
  });
});
