import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { mollieSamples as samples } from "../../scripts/samples/mollie.ts";
import { mollie } from "../../src/providers/mollie.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const secret = "bicycle-shop-secret";
const url = "https://paybell.example/ingest/src_1";
const legacy = { webhooks: "legacy" };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const macOf = (text: string, key = secret) => createHmac("sha256", key).update(text).digest("hex");

async function normalize(text: string, config?: Record<string, unknown>) {
  return (await mollie.normalize({ body: bytesOf(text), headers: new Headers(), url }, [secret], config))[0]!;
}
const sampleOf = (type: string) => JSON.stringify(samples.events.find((each) => each.type === type)!.make("x1", AT));

describe("Mollie's signature", () => {
  const verify = (header: string, secrets = [secret]) =>
    mollie.verify({ body: bytesOf("{}"), headers: new Headers({ "x-mollie-signature": header }), url }, secrets, {
      now: 0,
    });

  it.each([
    ["alone", macOf("{}")],
    ["with its prefix", `sha256=${macOf("{}")}`],
    ["as the second of two", `sha256=${macOf("{}", "old")}, sha256=${macOf("{}")}`],
  ])("is good %s", async (_, header) => {
    expect(await verify(header)).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each([`${macOf("{}")}zz`, macOf("{}").slice(2), `sha512=${macOf("{}")}`, "sha256=", ","])(
    "is malformed as %s",
    async (header) => {
      expect(await verify(header)).toEqual({ ok: false, reason: "header_malformed" });
    },
  );
});

describe("Mollie's events", () => {
  it.each(samples.events)("$type is $is", async (sample) => {
    expect(await normalize(JSON.stringify(sample.make("x1", AT)))).toMatchObject({
      eventId: "event_x1",
      providerType: sample.type,
      type: sample.is,
      occurredAt: AT,
      livemode: true,
      authenticity: "signed",
    });
  });

  it("say what a payment is of, and whose", async () => {
    const amount = { value: "3550", currency: "EUR" };
    expect(await normalize(sampleOf("payment.paid"))).toMatchObject({ customer: "cst_x1" });
    expect((await normalize(sampleOf("payment.paid"))).data).toEqual({
      payment: { id: "tr_x1", amount, reference: "basket-x1", method: "ideal" },
    });
  });

  it("name the payment of a refund and of a chargeback", async () => {
    const amount = { value: "3550", currency: "EUR" };
    expect((await normalize(sampleOf("refund.refunded"))).data).toEqual({
      payment: { id: "tr_x1" },
      refund: { id: "re_x1", amount },
    });
    expect((await normalize(sampleOf("chargeback.received"))).data).toEqual({
      payment: { id: "tr_x1" },
      dispute: { id: "chb_x1", amount, reason: "Account is not known" },
    });
  });

  it("name the payment of a capture, whose amount may be a part of it, or nothing", async () => {
    expect((await normalize(sampleOf("capture.succeeded"))).data).toEqual({ payment: { id: "tr_x1" } });
    const simple = JSON.stringify({ id: "event_2", type: "capture.succeeded", entityId: "cpt_2" });
    expect(await normalize(simple)).toMatchObject({ type: "unknown", data: {} });
  });

  it("say what was disputed, transferred, and which profile it is about", async () => {
    const amount = { value: "3550", currency: "EUR" };
    expect((await normalize(sampleOf("dispute.created"))).data).toEqual({
      payment: { id: "tr_x1" },
      dispute: { id: "dsp_x1", amount },
    });
    expect((await normalize(sampleOf("business-account-transfer.returned"))).data).toEqual({
      payout: { id: "batr_x1", amount },
    });
    expect((await normalize(sampleOf("profile.blocked"))).data).toEqual({ account: { id: "pfl_x1" } });
  });

  it("have no more than an id where the webhook sends simple payloads", async () => {
    const simple = JSON.stringify({ id: "event_2", type: "payment.paid", entityId: "tr_2" });
    expect(await normalize(simple, { livemode: false })).toMatchObject({
      type: "payment.succeeded",
      livemode: false,
      data: { payment: { id: "tr_2" } },
    });
  });

  it("of test mode say so", async () => {
    expect((await normalize(sampleOf("payment.paid").replace('"live"', '"test"'))).livemode).toBe(false);
  });

  it.each(["capture.failed", "unmatched-credit-transfer.received", "constructor"])(
    "of another type claim nothing: %s",
    async (type) => {
      expect((await normalize(JSON.stringify({ id: "event_3", type, entityId: "pfl_1" }))).type).toBe("unknown");
    },
  );
});

describe("Mollie's older form", () => {
  const verify = (query: string, config?: Record<string, unknown>, secrets = [secret]) =>
    mollie.verify({ body: bytesOf("id=tr_1"), headers: new Headers(), url: url + query }, secrets, {
      now: 0,
      ...(config && { config }),
    });

  it("is taken only where the source says so, with its secret in the URL", async () => {
    expect(await verify(`?token=${secret}`, legacy)).toEqual({ ok: true, secretIndex: 0 });
    expect((await verify(`?token=${secret}`)).ok).toBe(false);
    expect((await verify(`?token=${secret}`, { webhooks: "signed" })).ok).toBe(false);
    for (const query of ["", "?token=", "?token=other"]) expect((await verify(query, legacy)).ok).toBe(false);
    expect((await verify("?token=", legacy, [""])).ok).toBe(false);
  });

  it("claims nothing but which payment it is", async () => {
    expect(await normalize("id=tr_1", legacy)).toEqual({
      eventId: null,
      providerType: "legacy",
      type: "unknown",
      occurredAt: null,
      livemode: true,
      customer: null,
      authenticity: "token",
      data: { payment: { id: "tr_1" } },
      raw: { id: "tr_1" },
    });
    expect((await normalize("id=ord_1", legacy)).data).toEqual({});
  });

  it.each(["", "id=", "id=a%20b", "{}"])("is unparseable as %j", async (body) => {
    await expect(normalize(body, legacy)).rejects.toBeInstanceOf(UnparseableError);
  });
});
