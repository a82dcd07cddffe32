import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { flutterwaveSamples as samples } from "../../scripts/samples/flutterwave.ts";
import { flutterwave } from "../../src/providers/flutterwave.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const secret = "kiosk-secret-hash";
const bytes = (text: string) => new TextEncoder().encode(text);
const requestOf = (text: string, token = secret) => ({
  body: bytes(text),
  headers: new Headers({ "verif-hash": token }),
  url: "",
});
const sampleOf = (index: number) => samples.events[index]!.make("x1", AT);
const verify = (token: string, secrets = [secret]) => flutterwave.verify(requestOf("{}", token), secrets, { now: 0 });
const normalize = async (text: string, config?: Record<string, unknown>) =>
  (await flutterwave.normalize(requestOf(text), [secret], config))[0]!;

describe("Flutterwave's verif-hash", () => {
  it("is the secret itself, one of them", async () => {
    expect(await verify(secret)).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify(secret, ["another", secret])).toEqual({ ok: true, secretIndex: 1 });
  });

  it("is refused without a secret, however empty it is itself", async () => {
    expect(await verify("", [""])).toEqual({ ok: false, reason: "header_missing" });
    expect(await verify("x", ["", " "])).toEqual({ ok: false, reason: "no_secret" });
  });

  it("fits for no other text, whatever it shares with the secret", async () => {
    const printable = fc.stringMatching(/^[!-~]{1,64}$/);
    await fc.assert(
      fc.asyncProperty(printable, printable, async (token, other) => {
        expect((await verify(token, [other])).ok).toBe(token === other);
        expect((await verify(token + other, [token])).ok).toBe(false);
        expect((await verify(token, [token])).ok).toBe(true);
      }),
    );
  });

  it("says nothing about the body: no id counts, and the event is believed as a token only", async () => {
    expect(await flutterwave.verify(requestOf("anything"), [secret], { now: 0 })).toMatchObject({ ok: true });
    expect(await normalize('{"event":"charge.completed","id":"wbk_1","data":{"id":7}}')).toMatchObject({
      eventId: null,
      authenticity: "token",
    });
  });
});

describe("Flutterwave's events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))(
    "$index: $type is $is",
    async ({ index, is, type }) => {
      const { body, headers, url } = await samples.sign(sampleOf(index), {
        signingKey: secret,
        now: AT / 1000,
        url: "",
      });
      expect(await flutterwave.verify({ body, headers, url }, [secret], { now: 0 })).toMatchObject({ ok: true });
      expect((await flutterwave.normalize({ body, headers, url }, [secret]))[0]).toMatchObject({
        type: is,
        providerType: type,
      });
    },
  );

  it("say which payment, how much of what, for whom and when", async () => {
    const event = await normalize(JSON.stringify(sampleOf(4)));
    expect(event).toMatchObject({ occurredAt: AT, livemode: true, customer: "771204" });
    expect(event.data).toEqual({
      payment: {
        id: "30769",
        amount: { value: "1525050", currency: "NGN" },
        reference: "basket-x1",
        method: "card",
        failure: { message: "Insufficient funds" },
      },
    });
  });

  it("say what was transferred", async () => {
    const { data } = await normalize(JSON.stringify(sampleOf(6)));
    expect(data).toEqual({ payout: { id: "30769", amount: { value: "83000", currency: "GHS" } } });
  });

  it("are of test mode where the source says so", async () => {
    expect(await normalize('{"event":"charge.completed","data":{}}', { livemode: false })).toMatchObject({
      livemode: false,
    });
  });

  it.each([
    ["of another type", '{"event":"singlebillpayment.status","data":{"id":1,"status":"success"}}'],
    ["without an id", '{"event":"charge.completed","data":{"status":"successful"}}'],
    ["of another status", '{"event":"charge.completed","data":{"id":1,"status":"constructor"}}'],
    ["without data", '{"event":"charge.completed"}'],
    ["of a shape of its own, as virtual cards have", '{"Type":"Debit","Amount":10}'],
  ])("claim nothing %s", async (_, text) => {
    expect(await normalize(text)).toMatchObject({ type: "unknown", eventId: null });
  });

  it.each(["", "[]", "null", "Not json"])("are unparseable as %j", async (text) => {
    await expect(normalize(text)).rejects.toBeInstanceOf(UnparseableError);
  });
});

describe("Flutterwave's amounts", () => {
  const amountOf = async (digits: string, currency: string) =>
    (await normalize(`{"event":"charge.completed","data":{"id":1,"amount":${digits},"currency":"${currency}"}}`)).data
      .payment?.amount;

  it("keep each digit that was written, however many", async () => {
    const units = fc.bigInt({ min: 0n, max: 10n ** 22n });
    await fc.assert(
      fc.asyncProperty(units, fc.constantFrom("NGN", "KES", "USD"), async (value, currency) => {
        const digits = String(value).padStart(3, "0");
        const text = `${digits.slice(0, -2)}.${digits.slice(-2)}`;
        expect(await amountOf(text, currency)).toEqual({ value: String(value), currency });
      }),
    );
  });

  it.each([
    ["100", "NGN", "10000"],
    ["0.07", "NGN", "7"],
    ["1.1e2", "NGN", "11000"],
    ["42000", "UGX", "42000"],
    ["42000.0", "UGX", "42000"],
    ["19.999", "NGN", undefined],
    ["-5", "NGN", undefined],
    ["1e400", "NGN", undefined],
    ["100", "USDC", undefined],
    ["null", "NGN", undefined],
  ])("read %s %s as %s minor units", async (digits, currency, value) => {
    expect((await amountOf(digits, currency))?.value).toBe(value);
  });
});
