import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { flutterwaveV4Samples as samples } from "../../scripts/samples/flutterwave-v4.ts";
import { flutterwaveV4 } from "../../src/providers/flutterwave-v4.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const secret = "trip-secret-hash";
const TOKEN = { signature: "token" };
const macOf = (body: Uint8Array, key = secret) => createHmac("sha256", key).update(body).digest("base64");

function requestOf(body: Uint8Array | string, signature?: string) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { body: bytes, headers: new Headers({ "flutterwave-signature": signature ?? macOf(bytes) }), url: "" };
}
const verify = (request: ReturnType<typeof requestOf>, secrets = [secret], config = {}) =>
  flutterwaveV4.verify(request, secrets, { now: 0, config });
const normalize = async (event: unknown, config?: Record<string, unknown>) =>
  (await flutterwaveV4.normalize(requestOf(JSON.stringify(event)), [secret], config))[0]!;
const sampleOf = (index: number) => samples.events[index]!.make("x1", AT);

describe("Flutterwave's v4 signature", () => {
  it("is the HMAC over exactly these bytes, and no others", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, async (body, other) => {
        expect(await verify(requestOf(body))).toEqual({ ok: true, secretIndex: 0 });
        const isSame = Buffer.compare(body, other) === 0;
        expect((await verify(requestOf(body, macOf(other)))).ok).toBe(isSame);
        expect((await verify(requestOf(body, macOf(body, "other")))).ok).toBe(false);
      }),
    );
  });

  it.each([
    ["in hex", createHmac("sha256", secret).update("{}").digest("hex")],
    ["without padding", macOf(Buffer.from("{}")).replace("=", "")],
    ["with something behind it", `${macOf(Buffer.from("{}"))}zz`],
    ["which is the secret", secret],
  ])("is refused %s", async (_, signature) => {
    expect(await verify(requestOf("{}", signature))).toEqual({ ok: false, reason: "header_malformed" });
  });

  it("may be the secret itself only where the source says so; then nothing is signed", async () => {
    expect(await verify(requestOf("{}", secret), [secret], TOKEN)).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify(requestOf("{}"), [secret], TOKEN)).toMatchObject({ ok: false });
    expect(await normalize(sampleOf(0), TOKEN)).toMatchObject({ eventId: null, authenticity: "token" });
  });
});

describe("Flutterwave's v4 events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))(
    "$index: $type is $is",
    async ({ index, is, type }) => {
      const request = await samples.sign(sampleOf(index), { signingKey: secret, now: AT / 1000, url: "" });
      expect(await flutterwaveV4.verify(request, [secret], { now: 0 })).toEqual({ ok: true, secretIndex: 0 });
      expect((await flutterwaveV4.normalize(request, [secret]))[0]).toMatchObject({ type: is, providerType: type });
    },
  );

  it("have an id that is signed, under either of its names, and say when and for whom", async () => {
    const event = {
      eventId: "wbk_x1",
      occurredAt: AT,
      customer: "cus_wanjiku",
      livemode: true,
      authenticity: "signed",
    };
    expect(await normalize(sampleOf(0))).toMatchObject(event);
    const { webhook_id: id, ...rest } = sampleOf(0) as Record<string, unknown>;
    expect(await normalize({ ...rest, id })).toMatchObject(event);
    expect(await normalize(rest)).toMatchObject({ eventId: null });
  });

  it("say which payment, how much of what and why it failed", async () => {
    expect((await normalize(sampleOf(2))).data).toEqual({
      payment: {
        id: "chg_x1",
        amount: { value: "189999", currency: "KES" },
        reference: "trip-x1",
        method: "card",
        failure: { code: "51", message: "insufficient_funds" },
      },
    });
  });

  it("say which refund and which dispute of which payment", async () => {
    expect((await normalize(sampleOf(7))).data).toEqual({
      payment: { id: "chg_x1" },
      refund: { id: "rfd_x1", amount: { value: "45050", currency: "KES" }, reason: "duplicate" },
    });
    expect((await normalize(sampleOf(9))).data).toEqual({
      payment: { id: "chg_x1" },
      dispute: { id: "chb_x1", amount: { value: "189999", currency: "KES" } },
    });
  });

  it.each([
    ["charge.completed", "voided", "payment.canceled"],
    ["transfer.disburse", "PENDING", "payout.in_transit"],
    ["transfer.disburse", "CANCELLED", "payout.canceled"],
    ["refund.completed", "new", "refund.created"],
    ["refund.completed", "pending", "refund.pending"],
    ["chargeback.updated", "declined", "dispute.under_review"],
    ["chargeback.updated", "accepted", "dispute.accepted"],
    ["chargeback.updated", "won", "dispute.won"],
    ["chargeback.updated", "reversed", "dispute.reversed"],
  ])("of the type %s with the status %s are %s", async (type, status, is) => {
    expect((await normalize({ type, data: { id: "x", charge_id: "chg_1", status } })).type).toBe(is);
  });

  it("leave out the amount of a transfer that is exchanged", async () => {
    const transfer = { id: "trf_1", amount: 10, source_currency: "NGN", destination_currency: "EUR", status: "NEW" };
    const { type, data } = await normalize({ type: "transfer.disburse", data: transfer });
    expect({ type, data }).toEqual({ type: "payout.created", data: { payout: { id: "trf_1" } } });
  });

  it("do not refund a whole payment for want of an amount", async () => {
    const refund = { id: "rfd_1", charge_id: "chg_1", amount_refunded: 5, status: "succeeded" };
    expect(await normalize({ type: "refund.completed", data: refund })).toMatchObject({
      type: "refund.succeeded",
      data: { payment: { id: "chg_1" }, refund: { id: "rfd_1" } },
    });
  });

  it.each([
    { type: "virtual_account.funded", data: { id: "van_1", status: "succeeded" } },
    { type: "charge.completed", data: { status: "succeeded" } },
    { type: "refund.completed", data: { id: "rfd_1", status: "failed" } },
    { type: "charge.completed", data: { id: "chg_1", status: "__proto__" } },
    { type: ["charge.completed"], data: [] },
    {},
  ])("claim nothing where they are %j", async (event) => {
    expect(await normalize(event)).toMatchObject({ type: "unknown" });
  });

  it("are unparseable where they are no JSON object", async () => {
    await expect(normalize([])).rejects.toBeInstanceOf(UnparseableError);
  });
});
