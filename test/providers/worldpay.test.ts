import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { worldpaySamples as samples } from "../../scripts/samples/worldpay.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { worldpay } from "../../src/providers/worldpay.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const KEYS: Record<string, string> = { 1: "garden-old", 2: "garden-new" };
const secret = JSON.stringify(KEYS);
const BODY = '{"eventId":"e"}';
const entryOf = (keyId: string, key: string, body: string | Uint8Array = BODY) =>
  `${keyId}/SHA256/${createHmac("sha256", key).update(body).digest("hex")}`;

function requestOf(signature: string, body: string | Uint8Array = BODY) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { body: bytes, headers: new Headers({ "event-signature": signature }), url: "" };
}
const verify = (request: ReturnType<typeof requestOf>, secrets = [secret]) =>
  worldpay.verify(request, secrets, { now: 0 });
const normalize = async (event: unknown, config?: Record<string, unknown>) =>
  (await worldpay.normalize(requestOf("", JSON.stringify(event)), [secret], config))[0]!;
const sampleOfType = (name: string) => sampleOf(samples.events.findIndex(({ type }) => type === name));
const sampleOf = (index: number) => samples.events[index]!.make("x1", AT);

describe("Worldpay's signature", () => {
  it("is good if one of the entries was made with the key that it names, in any order, and never else", async () => {
    const names = ["1", "2", "3"];
    const entry = fc.record({ named: fc.constantFrom(...names), made: fc.constantFrom("1", "2") });
    const list = fc.array(entry, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), list, async (body, entries) => {
        const header = entries.map(({ named, made }) => entryOf(named, KEYS[made]!, body)).join(",");
        const isGood = entries.some(({ named, made }) => named === made);
        expect((await verify(requestOf(header, body))).ok).toBe(isGood);
        expect((await verify(requestOf(header, new Uint8Array([...body, 32])))).ok).toBe(false);
      }),
    );
  });

  it("may have spaces between its entries and digits in capitals", async () => {
    const good = entryOf("2", "garden-new").replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase());
    expect(await verify(requestOf(`${entryOf("1", "other")}, ${good}`))).toEqual({ ok: true, secretIndex: 0 });
  });

  it("may be of any of the secrets", async () => {
    expect(await verify(requestOf(entryOf("3", "third")), [secret, '{"3":"third"}'])).toEqual({
      ok: true,
      secretIndex: 1,
    });
  });

  it.each(["{}", "[]", "null", "", "garden-old", '{"1":""}', '{"1":" "}', '{"1":["garden-old"]}', '"1"'])(
    "fits no secret that is %j",
    async (secret) => {
      expect(await verify(requestOf(entryOf("1", "garden-old")), [secret])).toEqual({ ok: false, reason: "no_secret" });
    },
  );

  it.each(["__proto__", "toString", "constructor"])("fits no key that nobody has set, such as %s", async (keyId) => {
    expect(await verify(requestOf(entryOf(keyId, "garden-old")))).toEqual({ ok: false, reason: "no_secret" });
  });

  it.each([
    ["of another hash", entryOf("1", "garden-old").replace("SHA256", "SHA1")],
    ["without its key's id", entryOf("", "garden-old")],
    ["cut off", entryOf("1", "garden-old").slice(0, -2)],
    ["with something behind it", `${entryOf("1", "garden-old")}zz`],
    ["with an empty entry", `${entryOf("1", "garden-old")},`],
    ["of too many entries", Array.from({ length: 17 }, () => entryOf("1", "garden-old")).join(",")],
  ])("is malformed %s", async (_, header) => {
    expect(await verify(requestOf(header))).toEqual({ ok: false, reason: "header_malformed" });
  });

  it("that is bad is answered by 400", () => {
    expect(worldpay.acknowledge("bad-signature").status).toBe(400);
    expect(worldpay.acknowledge("accepted").status).toBe(200);
    expect(worldpay.acknowledge("unavailable").status).toBe(503);
  });
});

describe("Worldpay's events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))(
    "$index: $type is $is",
    async ({ index, is, type }) => {
      const request = await samples.sign(sampleOf(index), { signingKey: "2:garden-new", now: AT / 1000, url: "" });
      expect(await verify(request)).toEqual({ ok: true, secretIndex: 0 });
      expect((await worldpay.normalize(request, [secret]))[0]).toMatchObject({
        eventId: "event-x1",
        type: is,
        providerType: type,
        occurredAt: AT,
        livemode: true,
        authenticity: "signed",
      });
    },
  );

  it("say which payment and how much of what", async () => {
    expect((await normalize(sampleOf(2))).data).toEqual({
      payment: { id: "garden-x1", reference: "garden-x1", amount: { value: "7425", currency: "GBP" } },
    });
  });

  it.each([
    ["chargedBack", "dispute.opened"],
    ["chargebackReversed", "dispute.won"],
  ])("of chargebacks: %s is %s", async (type, is) => {
    const eventDetails = { classification: "chargeback", type, transactionReference: "t" };
    expect((await normalize({ eventId: "e", eventDetails })).type).toBe(is);
  });

  it("say which refund, by its reference, else by the event that tells of it", async () => {
    const amount = { value: "500", currency: "GBP" };
    expect((await normalize(sampleOf(9))).data.refund).toEqual({ id: "refund-7", amount });
    expect((await normalize(sampleOf(10))).data).toEqual({
      payment: { id: "garden-x1", reference: "garden-x1" },
      refund: { id: "event-x1", amount },
    });
  });

  it("say which dispute: a payment has one", async () => {
    const dispute = { id: "garden-x1", amount: { value: "7425", currency: "GBP" } };
    expect((await normalize(sampleOfType("informationRequested"))).data.dispute).toEqual(dispute);
    expect((await normalize(sampleOfType("chargedBack"))).data.dispute).toEqual(dispute);
  });

  it("say which token of which card, whose payment it came with", async () => {
    expect((await normalize(sampleOfType("tokenCreated"))).data).toEqual({
      payment: { id: "garden-x1" },
      paymentMethod: { id: "8812207311", brand: "MASTERCARD", last4: "4444", expMonth: 7, expYear: 2031 },
    });
    const eventDetails = {
      transactionReference: "t",
      tokenId: "991",
      tokenPaymentInstrument: {},
      paymentInstrument: { method: "sepa", cardNumber: "x", cardExpiryDate: { month: "soon" } },
    };
    expect(await normalize({ eventId: "e", eventDetails, eventType: "tokenCreated" })).toMatchObject({
      providerType: "tokenCreated",
      data: { paymentMethod: { id: "991", brand: "sepa" } },
    });
  });

  it("say which payout, and of how much", async () => {
    expect((await normalize(sampleOfType("disbursed"))).data).toEqual({
      payout: { id: "garden-x1", amount: { value: "7425", currency: "GBP" } },
    });
  });

  it("are of test mode where the source says so", async () => {
    expect(await normalize(sampleOf(1), { livemode: false })).toMatchObject({ livemode: false });
  });

  it.each([
    { type: "tokenCreated", transactionReference: "t" },
    { type: "authorized" },
    { type: "novelty", classification: "payout", transactionReference: "t" },
    { type: "constructor", transactionReference: "t" },
  ])("claim nothing where they are %j", async (eventDetails) => {
    expect(await normalize({ eventId: "e", eventDetails })).toMatchObject({ type: "unknown", occurredAt: null });
  });

  it("that have no mapping name their payment; a payout is none", async () => {
    const eventDetails = { type: "novelty", classification: "payment", transactionReference: "t" };
    expect((await normalize({ eventId: "e", eventDetails })).data).toEqual({ payment: { id: "t", reference: "t" } });
    const payout = { ...eventDetails, classification: "payout" };
    expect((await normalize({ eventId: "e", eventDetails: payout })).data).toEqual({});
  });

  it.each([
    [{ value: 19.99, currencyCode: "GBP" }],
    [{ value: -1, currencyCode: "GBP" }],
    [{ value: 100, currencyCode: "ZZZ" }],
    [{ value: 100 }],
    [null],
  ])("leave out the amount %j", async (amount) => {
    const eventDetails = { type: "authorized", transactionReference: "t", amount };
    expect((await normalize({ eventId: "e", eventDetails })).data).toEqual({ payment: { id: "t", reference: "t" } });
  });

  it.each([{}, [], { eventId: "e" }, { eventDetails: { type: "authorized" } }])(
    "are unparseable as %j",
    async (event) => {
      await expect(normalize(event)).rejects.toBeInstanceOf(UnparseableError);
    },
  );
});
