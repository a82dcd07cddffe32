import { createSign } from "node:crypto";

import { describe, expect, it } from "vitest";

import { alipaySamples as samples } from "../../scripts/samples/alipay.ts";
import { certificateOf } from "../../scripts/samples/paypal.ts";
import { alipay } from "../../src/providers/alipay.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 23, 30);
const { secret, signingKey } = await samples.newKeys();
const requestOf = (body: string) => ({ body: new TextEncoder().encode(body), headers: new Headers(), url: "" });
const signed = (event: unknown) => samples.sign(event, { signingKey, now: 0, url: "" });
const paid = samples.events[1]!.make("x1", AT) as Record<string, string>;
const verify = (body: string, secrets = [secret]) => alipay.verify(requestOf(body), secrets, { now: 0 });
const normalize = async (event: unknown) => (await alipay.normalize(await signed(event), [secret]))[0]!;
const textOf = async (event: unknown) => new TextDecoder().decode((await signed(event)).body);

describe("Alipay's signature", () => {
  it("is good over the sorted fields, by a key with or without its frame, or in a certificate", async () => {
    const bare = secret.replace(/-----.*-----|\s/g, "");
    for (const key of [secret, bare, certificateOf(signingKey)])
      expect(await verify(await textOf(paid), [key])).toEqual({ ok: true, secretIndex: 0 });
  });

  it("may cover sign_type too", async () => {
    const sign = createSign("RSA-SHA256").update("a=1&sign_type=RSA2").sign(signingKey, "base64");
    expect((await verify(new URLSearchParams({ a: "1", sign_type: "RSA2", sign }).toString())).ok).toBe(true);
    expect((await verify(new URLSearchParams({ a: "1", sign }).toString())).ok).toBe(true);
  });

  it("is refused with SHA-1, another charset, a field twice, no key", async () => {
    const body = await textOf(paid);
    expect(await verify(body.replace("RSA2", "RSA"))).toEqual({ ok: false, reason: "algorithm_unknown" });
    expect(await verify(body.replace("charset=utf-8", "charset=GBK"))).toEqual({ ok: false, reason: "form_malformed" });
    expect(await verify(`${body}&total_amount=0.01`)).toEqual({ ok: false, reason: "form_malformed" });
    expect(await verify(body.replace("88.80", "99.90"))).toEqual({ ok: false, reason: "signature_mismatch" });
    for (const key of ["", "x", "AAAA"]) expect(await verify(body, [key])).toEqual({ ok: false, reason: "no_secret" });
  });
});

describe("Alipay's events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))("$index: $type is $is", async (sample) => {
    expect(await normalize(sample.make("x1", AT))).toMatchObject({
      eventId: "notice-x1",
      type: sample.is,
      providerType: sample.type,
      occurredAt: AT,
      customer: "buyer-x1",
    });
  });

  it("say the sum of a trade's refunds", async () => {
    const payment = { id: "trade-x1", reference: "tea-x1", amount: { value: "8880", currency: "CNY" } };
    expect((await normalize(paid)).data).toEqual({ payment });
    expect((await normalize(samples.events[2]!.make("x1", AT))).data).toEqual({
      payment: { ...payment, refunded: { value: "880", currency: "CNY" } },
    });
  });

  it("refund all of a trade that was paid and is closed, also without a sum; of another, how much is not known", async () => {
    const of = async (trade_status: string) => {
      const notice = { ...(paid as object), trade_status, gmt_refund: "2026-11-24 17:30:00" };
      return (await normalize(notice)).data.payment?.refunded;
    };
    expect(await of("TRADE_CLOSED")).toEqual({ value: "8880", currency: "CNY" });
    expect(await of("TRADE_SUCCESS")).toBeUndefined();
  });

  it("take a field that is empty as one that is not there", async () => {
    const empty = { ...paid, notify_id: "", buyer_id: "", gmt_refund: "", out_trade_no: "" };
    expect(await normalize(empty)).toMatchObject({
      eventId: null,
      customer: null,
      type: "payment.succeeded",
      data: { payment: { id: "trade-x1", amount: { value: "8880", currency: "CNY" } } },
      raw: { notify_id: "" },
    });
  });

  it("name the agreement that was made or ended", async () => {
    for (const sample of samples.events.filter(({ is }) => is.startsWith("mandate."))) {
      expect((await normalize(sample.make("x1", AT))).data).toEqual({ paymentMethod: { id: "agreement-x1" } });
    }
  });

  it("of another kind claim nothing", async () => {
    expect((await normalize({ ...paid, notify_type: "servicemarket_order_notify" })).type).toBe("unknown");
    await expect(alipay.normalize(requestOf("{}"), [secret])).rejects.toBeInstanceOf(UnparseableError);
  });

  it.each([
    ["accepted", 200, "success"],
    ["unparseable", 200, "success"],
    ["bad-signature", 401, "fail"],
    ["unavailable", 503, "fail"],
  ] as const)("that are %s hear %d %s", async (outcome, status, body) => {
    const response = alipay.acknowledge(outcome);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });
});
