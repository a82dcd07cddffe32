import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { coinbaseCdpSamples as samples } from "../../scripts/samples/coinbase-cdp.ts";
import { coinbaseCdp } from "../../src/providers/coinbase-cdp.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const NOW = AT / 1000;
const secret = "subscription-secret";
const BODY = '{"eventType":"checkout.payment.success","id":"68f0"}';

type Covered = [name: string, value: string][];
const macOf = (signed: string, key = secret) => createHmac("sha256", key).update(signed).digest("hex");
const v1Of = (covered: Covered, { body = BODY, t = NOW } = {}) =>
  macOf(`${t}.${covered.map(([name]) => name).join(" ")}.${covered.map(([, value]) => value).join(".")}.${body}`);
const namesOf = (covered: Covered) => covered.map(([name]) => name).join(" ");

function requestOf(signature: string, headers: Covered = [], body = BODY) {
  const all = new Headers([...headers, ["x-hook0-signature", signature]]);
  return { body: new TextEncoder().encode(body), headers: all, url: "" };
}
const verify = (request: ReturnType<typeof requestOf>, options = {}) =>
  coinbaseCdp.verify(request, [secret], { now: NOW, ...options });
const normalize = async (event: unknown, headers: Covered = [], signature = "") =>
  (await coinbaseCdp.normalize(requestOf(signature, headers, JSON.stringify(event)), [secret]))[0]!;
const sampleOf = (index: number) => samples.events[index]!.make("x1", AT) as Record<string, unknown>;

const ID: Covered = [["x-hook0-id", "whk-1"]];
const PAIR: Covered = [...ID, ["x-trace", "abc"]];

describe("Coinbase's signature", () => {
  it("covers time, names and values of headers, and the body: whatever of it changes, it is refused", async () => {
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
    await fc.assert(
      fc.asyncProperty(value, value, fc.string(), fc.string(), async (first, second, body, other) => {
        const covered: Covered = [
          ["x-first", first],
          ["X-Second", second],
        ];
        const header = `t=${NOW},h=${namesOf(covered)},v1=${v1Of(covered, { body })}`;
        expect(await verify(requestOf(header, covered, body))).toEqual({ ok: true, secretIndex: 0 });
        expect((await verify(requestOf(header, covered, other))).ok).toBe(body === other);
        const changed: Covered = [["x-first", `${first}0`], covered[1]!];
        expect((await verify(requestOf(header, changed, body))).ok).toBe(false);
        expect((await verify(requestOf(header.replace(`t=${NOW}`, `t=${NOW - 1}`), covered, body))).ok).toBe(false);
        const swapped = header.replace("x-first X-Second", "X-Second x-first");
        expect((await verify(requestOf(swapped, covered, body))).ok).toBe(false);
      }),
    );
  });

  it("over the body alone counts only where there is no other", async () => {
    const v0 = macOf(`${NOW}.${BODY}`);
    expect(await verify(requestOf(`t=${NOW},v0=${v0}`))).toMatchObject({ ok: true });
    expect(await verify(requestOf(`t=${NOW},h=x-hook0-id,v0=${v0},v1=${"0".repeat(64)}`, ID))).toEqual({
      ok: false,
      reason: "signature_mismatch",
    });
    expect(await verify(requestOf(`t=${NOW},h=x-hook0-id,v0=${v0},v1=nonsense`, ID))).toMatchObject({ ok: false });
  });

  it("needs each header that it covers", async () => {
    const header = `t=${NOW},h=${namesOf(PAIR)},v1=${v1Of(PAIR)}`;
    expect(await verify(requestOf(header, PAIR))).toMatchObject({ ok: true });
    expect(await verify(requestOf(header, ID))).toEqual({ ok: false, reason: "covered_header_missing" });
  });

  it.each([
    [-301, false],
    [-300, true],
    [300, true],
    [301, false],
  ])("made %d seconds from now is good: %s", async (away, ok) => {
    const t = NOW + away;
    expect((await verify(requestOf(`t=${t},h=x-hook0-id,v1=${v1Of(ID, { t })}`, ID))).ok).toBe(ok);
  });

  it.each([
    ["without a time", `h=x-hook0-id,v1=${v1Of(ID)}`],
    ["without a signature", `t=${NOW},h=x-hook0-id`],
    ["without the names that v1 covers", `t=${NOW},v1=${v1Of(ID)}`],
    ["with two times", `t=${NOW},t=${NOW},h=x-hook0-id,v1=${v1Of(ID)}`],
    ["with a name that is none", `t=${NOW},h=x-hook0-id (),v1=${v1Of(ID)}`],
    ["with an empty name", `t=${NOW},h=x-hook0-id ,v1=${v1Of(ID)}`],
    ["with too many names", `t=${NOW},h=${Array.from({ length: 17 }, () => "x-hook0-id").join(" ")},v1=${v1Of(ID)}`],
    ["that is not whole", `t=${NOW},h=x-hook0-id,v1=${v1Of(ID).slice(2)}`],
    ["with something behind it", `t=${NOW},h=x-hook0-id,v1=${v1Of(ID)}zz`],
  ])("is malformed %s", async (_, header) => {
    expect(await verify(requestOf(header, ID))).toEqual({ ok: false, reason: "header_malformed" });
  });

  it("is refused, and nothing is thrown, for any header", async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[ -~]{0,80}$/), async (text) => {
        expect((await verify(requestOf(`t=${NOW},${text}`, ID))).ok).toBe(false);
      }),
    );
  });
});

describe("the id of a Coinbase event", () => {
  it("is the one in the body", async () => {
    expect(await normalize({ eventId: "evt_1" }, ID, `t=1,h=x-hook0-id,v1=${"0".repeat(64)}`)).toMatchObject({
      eventId: "evt_1",
    });
  });

  it("is else that of a header which the signature covers, and none that it does not", async () => {
    const v1 = "0".repeat(64);
    expect(await normalize({}, ID, `t=1,h=X-Hook0-Id,v1=${v1}`)).toMatchObject({ eventId: "whk-1" });
    expect(await normalize({}, ID, `t=1,h=x-trace,v1=${v1}`)).toMatchObject({ eventId: null });
    expect(await normalize({}, ID, `t=1,h=x-hook0-id,v0=${v1}`)).toMatchObject({ eventId: null });
  });
});

describe("Coinbase's events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))(
    "$index: $type is $is",
    async ({ index, is, type }) => {
      const request = await samples.sign(sampleOf(index), { signingKey: secret, now: NOW, url: "" });
      expect(await coinbaseCdp.verify(request, [secret], { now: NOW })).toEqual({ ok: true, secretIndex: 0 });
      const [event] = await coinbaseCdp.normalize(request, [secret]);
      expect(event).toMatchObject({ type: is, providerType: type, occurredAt: AT, authenticity: "signed" });
      expect(event?.eventId).toBeTruthy();
    },
  );

  it("leave out amounts in crypto assets, which are no ISO currencies", async () => {
    expect((await normalize(sampleOf(0))).data).toEqual({ payment: { id: "x1", reference: "tickets-x1" } });
    expect((await normalize(sampleOf(8))).data.payment).toEqual({
      id: "paymentSession_x1",
      reference: "tickets-x1",
    });
  });

  it("are never live where their network is one for tests", async () => {
    const session = { paymentSessionId: "ps_1", target: { network: "base-sepolia" } };
    const created = { eventType: "acceptance.payment_session.created", data: { paymentSession: session } };
    for (const event of [{ ...sampleOf(0), network: "base-sepolia" }, created]) {
      expect((await normalize(event)).livemode).toBe(false);
    }
    expect((await normalize(sampleOf(0))).livemode).toBe(true);
  });

  it("say amounts of money exactly", async () => {
    expect((await normalize(sampleOf(1))).data.payment?.amount).toEqual({ value: "6450", currency: "EUR" });
  });

  it("say why a payment failed", async () => {
    expect((await normalize(sampleOf(7))).data.payment?.failure).toEqual({
      code: "insufficient_funds",
      message: "Not enough in there.",
    });
  });

  it("say what was captured, and void a payment only of which nothing was", async () => {
    const eventOf = (action: string, balances: object, rest = {}) => ({
      eventType: `acceptance.payment_session.${action}`,
      data: { paymentSession: { paymentSessionId: "p", amount: "64.50", asset: "usd", balances }, ...rest },
    });
    const capture = await normalize(eventOf("capture_succeeded", { captured: "20.00", capturable: "44.50" }));
    expect(capture.type).toBe("payment.partially_captured");
    expect(capture.data).toEqual({ payment: { id: "p", amount: { value: "2000", currency: "USD" } } });
    const rest = { void: { voidId: "v" } };
    expect((await normalize(eventOf("void_succeeded", { captured: "0" }, rest))).type).toBe("payment.canceled");
    expect((await normalize(eventOf("void_succeeded", { captured: "20.00" }, rest))).type).toBe("unknown");
  });

  it("say which refund of a session", async () => {
    const { type, data } = await normalize(sampleOf(10));
    expect(type).toBe("refund.succeeded");
    expect(data).toEqual({
      payment: { id: "paymentSession_x1", reference: "tickets-x1" },
      refund: { id: "refund_1", whole: true, reason: "The show is off" },
    });
  });

  it.each([
    ["acceptance.payment_session.authorization_pending", "payment.processing"],
    ["acceptance.payment_session.created", "payment.created"],
    ["acceptance.payment_session.capture_pending", "unknown"],
    ["acceptance.payment_session.void_failed", "unknown"],
    ["acceptance.disbursement.pending", "payout.in_transit"],
    ["acceptance.disbursement.failed", "payout.failed"],
    ["acceptance.mandate.approval_succeeded", "mandate.active"],
    ["acceptance.mandate.approval_failed", "mandate.failed"],
    ["acceptance.mandate.canceled", "mandate.canceled"],
    ["acceptance.mandate.revocation_succeeded", "mandate.canceled"],
  ])("of the type %s are %s", async (eventType, is) => {
    const data = { paymentSession: { paymentSessionId: "p" }, disbursementId: "d", mandate: { mandateId: "m" } };
    expect((await normalize({ eventType, data })).type).toBe(is);
  });

  it("name the refund that was made last", async () => {
    const refunds = [
      { id: "rf_2", status: "COMPLETED", currency: "USD", amount: "2.00", createdAt: "2026-11-23T12:00:00Z" },
      { id: "rf_1", status: "COMPLETED", currency: "USD", amount: "1.00", createdAt: "2026-11-22T12:00:00Z" },
      { id: "rf_3", status: "FAILED", currency: "USD", amount: "3.00", createdAt: "2026-11-24T12:00:00Z" },
    ];
    const { type, data } = await normalize({ ...sampleOf(4), status: "PARTIALLY_REFUNDED", refunds });
    expect(type).toBe("refund.succeeded");
    expect(data.refund).toEqual({ id: "rf_2", amount: { value: "200", currency: "USD" } });
  });

  it("do not refund a whole payment for want of an amount", async () => {
    const partly = await normalize({ ...sampleOf(4), status: "PARTIALLY_REFUNDED" });
    expect(partly).toMatchObject({ type: "refund.succeeded", data: { payment: { id: "x1" } } });
    expect(partly.data.refund).not.toHaveProperty("whole");
    const { data, ...session } = sampleOf(10) as { data: { paymentSession: object } };
    const balances = { captured: "64.50", refunded: "10.00", refundable: "54.50" };
    const half = { ...session, data: { ...data, paymentSession: { ...data.paymentSession, balances } } };
    expect((await normalize(half)).data.refund).toEqual({ id: "refund_1", reason: "The show is off" });
  });

  it.each([
    { eventType: "payments.transfers.completed", eventId: "evt_1", data: { transferId: "transfer_1" } },
    { eventType: "acceptance.payment_session.capture_failed", data: { paymentSession: { paymentSessionId: "p" } } },
    { eventType: "acceptance.payment_session.created", data: {} },
    { eventType: "checkout.payment.success" },
    { eventType: "checkout.payment.constructor", id: "x" },
    {},
  ])("claim nothing where they are %j", async (event) => {
    expect(await normalize(event)).toMatchObject({ type: "unknown", data: {} });
  });

  it("are unparseable where they are no JSON object", async () => {
    await expect(normalize("text")).rejects.toBeInstanceOf(UnparseableError);
  });
});
