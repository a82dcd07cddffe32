import { describe, expect, it } from "vitest";

import { adyenSamples, signItem } from "../../scripts/samples/adyen.ts";
import { adyen } from "../../src/providers/adyen.ts";
import { statusOf } from "../../src/event/lifecycle.ts";
import { eur, play } from "../event/payment-events.ts";

const KEY = "0F".repeat(32);
const URL = "https://paybell.example/ingest/src_1";
const AT = Date.parse("2026-11-23T12:00:00Z");
const how = { signingKey: KEY, now: AT / 1000, url: URL };

type Item = Record<string, unknown>;
const item = (fields: Item = {}): Item => ({
  pspReference: "PSP1",
  merchantAccountCode: "Shop",
  merchantReference: "order-1",
  amount: { value: 4250, currency: "EUR" },
  eventCode: "AUTHORISATION",
  success: "true",
  ...fields,
});
const bodyOf = (...items: Item[]) => ({
  live: "true",
  notificationItems: items.map((one) => ({ NotificationRequestItem: one })),
});
const post = (body: unknown) => ({
  body: new TextEncoder().encode(JSON.stringify(body)),
  headers: new Headers(),
  url: URL,
});
const signed = (fields: Item = {}) =>
  item({
    ...fields,
    additionalData: { hmacSignature: signItem(item(fields), KEY), ...(fields["additionalData"] as object) },
  });
const verify = (body: unknown, secrets = [KEY]) => adyen.verify(post(body), secrets, { now: 0 });
const normalize = async (fields: Item, config = {}) =>
  (await adyen.normalize(await adyenSamples.sign(bodyOf(item(fields)), how), [KEY], config))[0]!;

describe("a notification of Adyen", () => {
  it("verifies with any secret, in hex of either case", async () => {
    expect(await verify(bodyOf(signed()), ["AA".repeat(32), KEY.toLowerCase()])).toEqual({ ok: true, secretIndex: 1 });
  });

  it("is refused as a whole where one item is not signed", async () => {
    expect(await verify(bodyOf(signed(), signed({ pspReference: "PSP2" })))).toMatchObject({ ok: true });
    expect(await verify(bodyOf(signed(), item()))).toEqual({ ok: false, reason: "signature_missing" });
    expect(await verify(bodyOf(signed(), { ...signed(), success: "false" }))).toEqual({
      ok: false,
      reason: "signature_mismatch",
    });
  });

  it("signs its fields as they are, colons and backslashes too", async () => {
    expect(await verify(bodyOf(signed({ merchantReference: "a:b\\c" })))).toMatchObject({ ok: true });
  });

  it("is refused where a colon would let one field pass for another", async () => {
    const shifted = {
      ...signed({ merchantReference: "x:order" }),
      merchantAccountCode: "Shop:x",
      merchantReference: "order",
    };
    expect(await verify(bodyOf(shifted))).toEqual({ ok: false, reason: "body_malformed" });
  });

  it.each([
    ["no items", bodyOf(), "body_malformed"],
    ["more items than anyone sends", bodyOf(...Array.from({ length: 101 }, () => signed())), "too_many_items"],
    ["a list of something else", { notificationItems: [1] }, "body_malformed"],
    [
      "a signature of another length",
      bodyOf(item({ additionalData: { hmacSignature: "A".repeat(44) } })),
      "signature_malformed",
    ],
  ])("is refused with %s", async (_, body, reason) => {
    expect(await verify(body)).toEqual({ ok: false, reason });
  });

  it("verifies whatever stands outside of the signature, and is marked as weak for it", async () => {
    expect(await verify(bodyOf({ ...signed(), reason: "forged" }))).toMatchObject({ ok: true });
    expect(await normalize({})).toMatchObject({ authenticity: "signed-weak" });
  });

  it("is known again by signed fields alone", async () => {
    expect(await normalize({ eventDate: "2026-01-01T00:00:00Z" })).toMatchObject({
      eventId: "Shop:PSP1:AUTHORISATION:true",
    });
    expect(await normalize({ success: "false" })).toMatchObject({ eventId: "Shop:PSP1:AUTHORISATION:false" });
  });

  it("hears [accepted]", async () => {
    expect(await adyen.acknowledge("accepted").text()).toBe("[accepted]");
    expect(adyen.acknowledge("bad-signature").status).toBe(401);
    expect(adyen.acknowledge("unavailable").status).toBe(503);
  });
});

describe("a dispute at Adyen", () => {
  const steps = (...codes: string[]) =>
    Promise.all(
      codes.map(async (eventCode, i) => {
        const eventDate = new Date(AT + i * 86_400_000).toISOString();
        const read = await normalize({ eventCode, eventDate, pspReference: "DSP1", originalReference: "PSP1" });
        return { ...read, occurredAt: read.occurredAt!, user: null, origin: null };
      }),
    );

  it.each([
    [["CHARGEBACK", "CHARGEBACK_REVERSED"], "disputed"],
    [["CHARGEBACK", "CHARGEBACK_REVERSED", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"], "created"],
    [["CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK"], "dispute_lost"],
    [["CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK", "PREARBITRATION_WON"], "created"],
    [["CHARGEBACK", "PREARBITRATION_LOST", "SCHEME_ARBITRATION_WON"], "created"],
    [["CHARGEBACK", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "PREARBITRATION_OPEN"], "disputed"],
    [["CHARGEBACK", "CHARGEBACK_REVERSED", "PREARBITRATION_OPEN", "PREARBITRATION_DECLINED"], "disputed"],
    [["CHARGEBACK", "CHARGEBACK_REVERSED", "PREARBITRATION_OPEN", "PREARBITRATION_ACCEPTED"], "dispute_lost"],
    [["CHARGEBACK", "PREARBITRATION_OPEN", "PREARBITRATION_ISSUER_WITHDRAWN"], "created"],
  ])("of the steps %j leaves the payment %s, and tells each", async (codes, status) => {
    const { facts, applied } = play(await steps(...codes));
    expect(statusOf(facts)).toBe(status);
    expect(applied.map(({ stale }) => stale)).not.toContain(true);
  });
});

describe("an item of Adyen becomes", () => {
  it.each(adyenSamples.events)("$is: $type", async (sample) => {
    const [event] = await adyen.normalize(await adyenSamples.sign(sample.make("X1", AT), how), [KEY]);
    expect(event).toMatchObject({ type: sample.is, occurredAt: AT, livemode: true, customer: "shopper-81" });
  });

  it("a payment, with its amount in the currency's own decimals", async () => {
    const { data } = await normalize({ reason: "auth:1111", paymentMethod: "visa" });
    expect(data).toEqual({ payment: { id: "PSP1", amount: eur(4250), reference: "order-1", method: "visa" } });
    const money = async (value: number, currency: string) =>
      (await normalize({ amount: { value, currency } })).data.payment?.amount?.value;
    expect(await money(1000, "CLP")).toBe("10");
    expect(await money(1000, "ISK")).toBe("10");
    expect(await money(10, "CVE")).toBe("1000");
    expect(await money(1001, "CLP")).toBeUndefined();
  });

  it("a refund of the payment that it names", async () => {
    const { data } = await normalize({ eventCode: "REFUND", pspReference: "REF1", originalReference: "PSP1" });
    expect(data).toEqual({ payment: { id: "PSP1" }, refund: { id: "REF1", amount: eur(4250) } });
  });

  it.each([
    ["a payment where the account captures by itself", {}, { autoCapture: true }, "payment.succeeded"],
    ["nothing where a capture failed", { eventCode: "CAPTURE", success: "false" }, {}, "unknown"],
    [
      "a refund",
      { eventCode: "CANCEL_OR_REFUND", additionalData: { "modification.action": "refund" } },
      {},
      "refund.succeeded",
    ],
    [
      "a cancellation",
      { eventCode: "CANCEL_OR_REFUND", additionalData: { "modification.action": "cancel" } },
      {},
      "payment.canceled",
    ],
    ["either, not saying which", { eventCode: "CANCEL_OR_REFUND" }, {}, "unknown"],
    [
      "an accepted dispute",
      { eventCode: "CHARGEBACK", additionalData: { disputeStatus: "Accepted" } },
      {},
      "dispute.accepted",
    ],
    [
      "a dispute that is defended already",
      { eventCode: "CHARGEBACK", additionalData: { disputeStatus: "Pending" } },
      {},
      "dispute.under_review",
    ],
    [
      "an accepted dispute, once its time is over",
      { eventCode: "DISPUTE_DEFENSE_PERIOD_ENDED", additionalData: { disputeStatus: "Accepted" } },
      {},
      "dispute.accepted",
    ],
    [
      "a warning, where a request for information is answered",
      { eventCode: "INFORMATION_SUPPLIED", additionalData: { rfiReasonCode: "30", disputeStatus: "Responded" } },
      {},
      "dispute.warning",
    ],
    [
      "a warning, where a request for information is not answered",
      { eventCode: "DISPUTE_DEFENSE_PERIOD_ENDED", additionalData: { rfiReasonCode: "30" } },
      {},
      "dispute.warning",
    ],
    ["a refund that failed", { eventCode: "REFUND_WITH_DATA", success: "false" }, {}, "refund.failed"],
    ["a lost dispute", { eventCode: "CHARGEBACK", additionalData: { disputeStatus: "Lost" } }, {}, "dispute.lost"],
    [
      "a settlement",
      { eventCode: "REPORT_AVAILABLE", pspReference: "settlement_detail_report_batch_7.csv" },
      {},
      "settlement.completed",
    ],
    [
      "another report",
      { eventCode: "REPORT_AVAILABLE", pspReference: "payments_accounting_report.csv" },
      {},
      "unknown",
    ],
    ["what nobody knows", { eventCode: "NOVELTY" }, {}, "unknown"],
  ])("%s", async (_, fields, config, type) => {
    expect(await normalize(fields, config)).toMatchObject({ type });
  });
});
