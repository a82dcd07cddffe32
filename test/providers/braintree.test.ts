import { createHash, createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { braintreeSamples as samples, xmlOf } from "../../scripts/samples/braintree.ts";
import { braintree } from "../../src/providers/braintree.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { eur } from "../event/payment-events.ts";

const AT = Date.parse("2026-11-24T09:30:00Z");
const KEYS = { publicKey: "public-of-our-own", privateKey: "private-of-our-own" };
const SECRET = JSON.stringify(KEYS);
const URL = "https://paybell.example/ingest/src_1";

/** HMAC-SHA1 in hex; its key is the SHA-1 of the private key. */
const macOf = (text: string, privateKey = KEYS.privateKey) =>
  createHmac("sha1", createHash("sha1").update(privateKey).digest()).update(text).digest("hex");
const base64 = (xml: string) => Buffer.from(xml).toString("base64");
const formOf = (fields: Record<string, string>) => ({
  body: new TextEncoder().encode(new URLSearchParams(fields).toString()),
  headers: new Headers(),
  url: URL,
});
const verify = (fields: Record<string, string>, secrets = [SECRET]) =>
  braintree.verify(formOf(fields), secrets, { now: 0 });

describe("Braintree's signature", () => {
  const payload = `${base64(xmlOf({ notification: { kind: "check", subject: { "check boolean": "true" } } }))}\n`;
  const signature = `${KEYS.publicKey}|${macOf(payload)}`;

  it("is over the payload with its line breaks, also where the last was lost on the way", async () => {
    expect(await verify({ bt_signature: signature, bt_payload: payload })).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify({ bt_signature: signature, bt_payload: payload.trimEnd() })).toMatchObject({ ok: true });
    expect(await verify({ bt_signature: signature, bt_payload: `${payload}\n` })).toMatchObject({ ok: false });
  });

  it("is the one of our public key, among those of others", async () => {
    const list = `other|${macOf(payload, "other")}&${signature}`;
    expect(await verify({ bt_signature: list, bt_payload: payload })).toMatchObject({ ok: true });
    expect(await verify({ bt_signature: `other|${macOf(payload)}`, bt_payload: payload })).toMatchObject({ ok: false });
  });

  it("is of one pair of keys: those of two secrets do not mix", async () => {
    const secrets = [
      JSON.stringify({ publicKey: KEYS.publicKey, privateKey: "other" }),
      JSON.stringify({ publicKey: "other", privateKey: KEYS.privateKey }),
    ];
    expect(await verify({ bt_signature: signature, bt_payload: payload }, secrets)).toMatchObject({ ok: false });
    expect(await verify({ bt_signature: signature, bt_payload: payload }, [...secrets, SECRET])).toEqual({
      ok: true,
      secretIndex: 2,
    });
  });

  it.each<[string, { publicKey?: string; privateKey?: string }]>([
    ["a private key alone", { privateKey: KEYS.privateKey }],
    ["a public key alone", { publicKey: KEYS.publicKey }],
    ["a blank private key", { publicKey: KEYS.publicKey, privateKey: " " }],
    ["an empty one", { publicKey: KEYS.publicKey, privateKey: "" }],
  ])("is not made with %s", async (_, keys) => {
    const forged = { bt_signature: `${KEYS.publicKey}|${macOf(payload, keys.privateKey ?? "")}`, bt_payload: payload };
    expect(await verify(forged, [JSON.stringify(keys)])).toEqual({ ok: false, reason: "no_secret" });
  });

  it.each([
    ["a field comes twice", `bt_payload=x&${new URLSearchParams({ bt_signature: signature, bt_payload: payload })}`],
    ["there is no signature", String(new URLSearchParams({ bt_payload: payload }))],
    ["there is no payload", String(new URLSearchParams({ bt_signature: signature }))],
  ])("does not count where %s", async (_, body) => {
    const request = { body: new TextEncoder().encode(body), headers: new Headers(), url: URL };
    expect(await braintree.verify(request, [SECRET], { now: 0 })).toEqual({ ok: false, reason: "field_missing" });
  });

  it("counts among sixteen of the same key, and not among more", async () => {
    const of = (count: number) => [...Array.from({ length: count }, () => `${KEYS.publicKey}|00`), signature].join("&");
    expect(await verify({ bt_signature: of(15), bt_payload: payload })).toMatchObject({ ok: true });
    expect(await verify({ bt_signature: of(16), bt_payload: payload })).toMatchObject({ ok: false });
  });
});

describe("a challenge", () => {
  const answer = async (query: string, secrets = [SECRET]) => {
    const response = await braintree.handshake!(new Request(`${URL}${query}`), secrets);
    return [response.status, await response.text(), response.headers.get("content-type")];
  };
  const challenge = "0f1e2d3c4b5a69788796a5b4";
  const right = `${KEYS.publicKey}|${macOf(challenge)}`;

  it("is answered with the public key and the challenge's signature", async () => {
    expect(await answer(`?bt_challenge=${challenge}`)).toEqual([200, right, "text/plain;charset=UTF-8"]);
  });

  it("is answered by the first secret that has both keys", async () => {
    const secrets = ["", "{}", SECRET, JSON.stringify({ publicKey: "b", privateKey: "b" })];
    expect((await answer(`?bt_challenge=${challenge}`, secrets))[1]).toBe(right);
  });

  it("is not answered where there is none", async () => {
    for (const secrets of [[], ["{}"], ["null"], [JSON.stringify({ ...KEYS, privateKey: " " })]]) {
      expect((await answer(`?bt_challenge=${challenge}`, secrets))[0]).toBe(401);
    }
  });

  it.each([
    "",
    "?bt_challenge=",
    "?bt_challenge=0f",
    `?bt_challenge=${challenge}${challenge}`,
    `?bt_challenge=${challenge.toUpperCase()}`,
    `?bt_challenge=${challenge}%0a`,
    `?bt_challenge=${base64("<notification>")}`,
  ])("is none: %j", async (query) => {
    expect((await answer(query))[0]).toBe(400);
  });

  it("makes no signature that a post could carry", async () => {
    for (const length of [20, 31, 32]) {
      const text = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".slice(0, length);
      const [, bt_signature = ""] = (await answer(`?bt_challenge=${text}`)) as string[];
      expect(await verify({ bt_signature, bt_payload: text })).toEqual({ ok: false, reason: "field_malformed" });
    }
  });
});

describe("Braintree's events", () => {
  const request = async (event: unknown) => samples.sign(event, { signingKey: SECRET, now: AT / 1000, url: URL });
  const read = async (event: unknown, config?: Record<string, unknown>) =>
    (await braintree.normalize(await request(event), [SECRET], config))[0]!;
  const of = async (kind: string, subject: object) => read({ notification: { kind, subject } });
  const sampleOf = (is: string) => samples.events.find((each) => each.is === is)!.make("x1", AT);

  it.each(samples.events)("$type is $is", async (sample) => {
    expect(await read(sample.make("x1", AT))).toMatchObject({
      type: sample.is,
      providerType: sample.type,
      occurredAt: AT,
      livemode: true,
      authenticity: "signed",
    });
  });

  it("are known by what is signed, however the form around it is written", async () => {
    const { body } = await request(sampleOf("payment.succeeded"));
    const form = new URLSearchParams(new TextDecoder().decode(body));
    const payload = form.get("bt_payload")!;
    const ids = [];
    for (const fields of [
      { bt_payload: payload, bt_signature: form.get("bt_signature")! },
      { bt_signature: `${form.get("bt_signature")}&other|00`, bt_payload: payload.trimEnd(), more: "1" },
    ]) {
      expect(await verify(fields)).toMatchObject({ ok: true });
      ids.push((await braintree.normalize(formOf(fields), [SECRET]))[0]!.eventId);
    }
    const xml = Buffer.from(payload, "base64");
    expect(ids).toEqual([createHash("sha256").update(xml).digest("hex"), ids[0]]);
  });

  it("of a transaction name its amount, order and customer", async () => {
    const { customer, data, raw } = await read(sampleOf("payment.succeeded"));
    expect(customer).toBe("buyer-x1");
    expect(data).toEqual({ payment: { id: "x1", amount: eur(4250), reference: "order-x1", method: "sepa_debit" } });
    expect(raw).toMatchObject({ subject: { transaction: { customer: { "first-name": "Ada & Co" } } } });
  });

  it("of a transaction say why it failed", async () => {
    const { data } = await read(sampleOf("payment.failed"));
    expect(data.payment?.failure).toEqual({ message: "The account is closed" });
  });

  it.each([
    ["authorized", "payment.authorized"],
    ["authorizing", "payment.pending"],
    ["settled", "payment.succeeded"],
    ["voided", "payment.canceled"],
    ["processor_declined", "payment.failed"],
    ["constructor", "unknown"],
  ])("of one that was tried again and is %s are %s", async (status, is) => {
    expect(await of("transaction_retried", { transaction: { id: "t1", status } })).toMatchObject({ type: is });
  });

  it("of a refund are of the payment that it gives back", async () => {
    for (const is of ["refund.succeeded", "refund.failed"]) {
      const { data } = await read(sampleOf(is));
      expect(data).toEqual({ payment: { id: "x1" }, refund: { id: "rx1", amount: eur(4250) } });
    }
    const declined = { transaction: { id: "r1", type: "credit", status: "settlement_declined" } };
    expect(await of("transaction_settlement_declined", declined)).toMatchObject({ type: "refund.failed" });
  });

  it("of a dispute name it, its payment, and the day that evidence is due by", async () => {
    expect((await read(sampleOf("dispute.opened"))).data).toEqual({
      payment: { id: "x1" },
      dispute: { id: "dx1", amount: eur(4250), reason: "not_as_described", evidenceDueBy: "2026-12-09T00:00:00.000Z" },
    });
  });

  it.each([
    ["dispute_opened", { dispute: { id: "d1", kind: "retrieval" } }, "dispute.warning"],
    ["dispute_under_review", { dispute: { id: "d1" } }, "dispute.under_review"],
    ["dispute_auto_accepted", { dispute: { id: "d1" } }, "dispute.accepted"],
    ["dispute_expired", { dispute: { id: "d1" } }, "dispute.lost"],
    ["disbursement", { disbursement: { id: "p1", success: "false" } }, "payout.failed"],
    ["disbursement", { disbursement: { id: "p1", "disbursement-type": "debit" } }, "unknown"],
    ["subscription_went_past_due", { subscription: { id: "s1" } }, "subscription.past_due"],
    ["transaction_disbursed", { transaction: { id: "t1" } }, "unknown"],
    ["account_updater_daily_report", { "account-updater-daily-report": null }, "unknown"],
  ])("of %s about %j are %s", async (kind, subject, is) => {
    expect(await of(kind, subject)).toMatchObject({ type: is, providerType: kind });
  });

  it("of a payout name what goes to the merchant's account", async () => {
    const amount = { value: "104250", currency: "EUR" };
    expect((await read(sampleOf("payout.paid"))).data).toEqual({
      payout: { id: "x1", amount, arrivalDate: "2026-11-25" },
    });
  });

  it("of a local payment are of its transaction, or of itself until there is one", async () => {
    const transaction = { id: "t1", status: "settled", amount: "10.00", "currency-iso-code": "EUR" };
    expect(
      await of("local_payment_funded", { "local-payment-funded": { "payment-id": "l1", transaction } }),
    ).toMatchObject({
      type: "payment.succeeded",
      data: { payment: { id: "t1", amount: eur(1000) } },
    });
    expect(await of("local_payment_completed", { "local-payment": { "payment-id": "l1" } })).toMatchObject({
      type: "payment.requires_action",
      data: { payment: { id: "l1" } },
    });
    expect(await of("local_payment_expired", { "local-payment-expired": { "payment-id": "l1" } })).toMatchObject({
      type: "payment.expired",
      data: { payment: { id: "l1" } },
    });
  });

  it("of a payment method name its token and its customer, whatever its kind", async () => {
    const account = { token: "m1", "customer-id": "c1" };
    expect(await of("payment_method_revoked_by_customer", { "paypal-account": account })).toMatchObject({
      type: "payment_method.detached",
      customer: "c1",
      data: { paymentMethod: { id: "m1" } },
    });
    const inner = {
      "payment-method-customer-data-updated-metadata": { "payment-method": { "venmo-account": account } },
    };
    expect(await of("payment_method_customer_data_updated", inner)).toMatchObject({
      type: "payment_method.updated",
      customer: "c1",
      data: { paymentMethod: { id: "m1" } },
    });
  });

  it("of a sub-merchant name its account", async () => {
    expect(await of("sub_merchant_account_declined", { "merchant-account": { id: "a1" } })).toMatchObject({
      type: "account.updated",
      data: { account: { id: "a1" } },
    });
  });

  it("of a subscription are of the payment that it was charged for", async () => {
    expect((await read(sampleOf("invoice.paid"))).data).toEqual({ payment: { id: "tx1" } });
  });

  it("are of the sandbox where the source says so", async () => {
    expect((await read(sampleOf("payment.succeeded"), { livemode: false })).livemode).toBe(false);
  });

  it.each([
    ["no base64", "!"],
    ["base64 of nothing", ""],
    ["what is no UTF-8", Buffer.from([0x3c, 0x61, 0xff]).toString("base64")],
    ["what is no XML", base64("{}")],
    ["a root of another name", base64(xmlOf({ other: { kind: "check" } }))],
    ["no kind", base64(xmlOf({ notification: { subject: null } }))],
    ["an entity of one's own", base64('<!DOCTYPE a [<!ENTITY x "y">]><notification><kind>&x;</kind></notification>')],
  ])("are unparseable with %s", async (_, bt_payload) => {
    await expect(braintree.normalize(formOf({ bt_payload }), [SECRET])).rejects.toBeInstanceOf(UnparseableError);
  });
});
