import { beforeAll, describe, expect, it } from "vitest";

import { certificateOf } from "../../scripts/samples/paypal.ts";
import { signedAsItStands, wechatpaySamples as samples } from "../../scripts/samples/wechatpay.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { wechatpay } from "../../src/providers/wechatpay.ts";

const AT = Date.UTC(2026, 10, 24, 23, 30);
const NOW = AT / 1000;
const paid = samples.events[0]!.make("x1", AT);
const cny = (value: number) => ({ value: String(value), currency: "CNY" });

let keys: { secret: string; signingKey: string };
const how = () => ({ signingKey: keys.signingKey, now: NOW, url: "" });
const sign = (event: unknown = paid) => samples.sign(event, how());
/** The secret with some of its parts replaced. */
const secretWith = (parts: object) => JSON.stringify({ ...JSON.parse(keys.secret), ...parts });
const parts = () => JSON.parse(keys.signingKey) as { serial: string; privateKey: string; apiV3Key: string };
const verify = async (headers: Record<string, string> = {}, secrets = [keys.secret]) => {
  const request = await sign();
  for (const [name, value] of Object.entries(headers)) request.headers.set(`wechatpay-${name}`, value);
  return wechatpay.verify(request, secrets, { now: NOW });
};
const normalize = async (event: unknown) => wechatpay.normalize(await sign(event), [keys.secret]);
/** A notification whose encrypted resource is changed before it is signed. */
const signedWith = async (change: (resource: Record<string, string>) => object | undefined) => {
  const notification = JSON.parse(new TextDecoder().decode((await sign()).body)) as {
    resource: Record<string, string>;
  };
  return signedAsItStands({ ...notification, resource: change(notification.resource) }, how());
};

beforeAll(async () => {
  keys = await samples.newKeys();
});

describe("WeChat Pay's signature", () => {
  it("is good by the key of its serial and no other, which may come as a certificate", async () => {
    const { serial, privateKey } = parts();
    const certificate = certificateOf(privateKey);
    const { keys: other } = JSON.parse((await samples.newKeys()).secret) as { keys: Record<string, string> };
    const [otherKey] = Object.values(other);
    const withKeys = (keys: object) => verify({}, [secretWith({ keys })]);
    expect(await withKeys({ ...other, [serial]: certificate })).toEqual({ ok: true, secretIndex: 0 });
    expect(await withKeys({ [serial]: otherKey })).toEqual({ ok: false, reason: "signature_mismatch" });
    expect(await withKeys({ [`${serial}0`]: certificate })).toEqual({ ok: false, reason: "no_secret" });
  });

  it("may come without its type", async () => {
    const request = await sign();
    request.headers.delete("wechatpay-signature-type");
    expect(await wechatpay.verify(request, [keys.secret], { now: NOW })).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each([
    ["header_missing", { nonce: "" }],
    ["header_malformed", { timestamp: `${NOW}.0` }],
    ["header_malformed", { timestamp: `+${NOW}` }],
    ["signature_malformed", { signature: "no base64!" }],
    ["signature_malformed", { signature: "A".repeat(8196) }],
    ["signature_mismatch", { signature: "AAAA" }],
    ["signature_mismatch", { nonce: "another" }],
    ["algorithm_unknown", { "signature-type": "WECHATPAY2-SM2-WITH-SM3" }],
    ["no_secret", { serial: "PUB_KEY_ID_1" }],
    ["no_secret", { serial: "constructor" }],
  ])("is refused: %s, with %j", async (reason, headers) => {
    expect(await verify(headers)).toEqual({ ok: false, reason });
  });

  it("is refused where WeChat Pay tries whether it would be", async () => {
    const reason = "signature_probe";
    expect(await verify({ signature: `WECHATPAY/SIGNTEST/${"A".repeat(325)}` })).toEqual({ ok: false, reason });
  });
});

describe("what WeChat Pay has encrypted", () => {
  it.each([
    ["one bit of it is another", (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`],
    ["one bit of its tag is another", (text: string) => flipLast(text)],
    ["its tag is cut off", (text: string) => Buffer.from(text, "base64").subarray(0, -16).toString("base64")],
    ["it is shorter than a tag", () => "AAAA"],
  ])("is refused, and no event, where %s", async (_, change) => {
    const request = await signedWith((resource) => ({ ...resource, ciphertext: change(resource["ciphertext"]!) }));
    expect(await wechatpay.verify(request, [keys.secret], { now: NOW })).toEqual({
      ok: false,
      reason: "resource_sealed",
    });
    await expect(wechatpay.normalize(request, [keys.secret])).rejects.toThrow(UnparseableError);
  });

  it.each([{ nonce: "0".repeat(12) }, { nonce: "" }, { associated_data: "" }, { associated_data: "refund" }])(
    "is bound to what stands beside it: not with %j",
    async (other) => {
      const request = await signedWith((resource) => ({ ...resource, ...other }));
      expect(await wechatpay.verify(request, [keys.secret], { now: NOW })).toMatchObject({ ok: false });
      await expect(wechatpay.normalize(request, [keys.secret])).rejects.toThrow(UnparseableError);
    },
  );

  it("is opened by the key of any secret, and the signature is not enough", async () => {
    const old = secretWith({ apiV3Key: "0".repeat(32) });
    expect(await verify({}, [old, keys.secret])).toMatchObject({ ok: true });
    expect(await wechatpay.normalize(await sign(), [old, keys.secret])).toHaveLength(1);
    for (const apiV3Key of ["0".repeat(32), "short", "", undefined, 7]) {
      expect(await verify({}, [secretWith({ apiV3Key })])).toEqual({ ok: false, reason: "resource_sealed" });
    }
  });

  it("has to be there, as we know it: what else is signed is kept, and no event", async () => {
    for (const resource of [undefined, {}, { algorithm: "AEAD_SM4_128_GCM", ciphertext: "AAAA", nonce: "AAAA" }]) {
      const request = await signedWith(() => resource);
      expect(await wechatpay.verify(request, [keys.secret], { now: NOW })).toMatchObject({ ok: true });
      await expect(wechatpay.normalize(request, [keys.secret])).rejects.toThrow(UnparseableError);
    }
  });
});

describe("an event of WeChat Pay becomes", () => {
  it.each(samples.events)("$is: $type", async (sample) => {
    expect(await normalize(sample.make("x1", AT))).toMatchObject([
      { eventId: "EV-x1", providerType: sample.type, type: sample.is, occurredAt: AT, livemode: true },
    ]);
  });

  const payment = { id: "42000x1", amount: cny(8880), reference: "tea-x1", method: "jsapi" };
  it.each([
    ["TRANSACTION.SUCCESS", { payment }, "o-x1"],
    ["REFUND.SUCCESS", { payment: { id: "42000x1" }, refund: { id: "50000x1", amount: cny(880) } }, null],
    ["PAYSCORE.USER_PAID", { payment: { id: "42000x1", amount: cny(300), reference: "umbrella-x1" } }, "o-x1"],
    ["PAYSCORE.USER_OPEN_SERVICE", {}, "o-x1"],
    ["MCHTRANSFER.BILL.FINISHED", { payout: { id: "13300x1", amount: cny(40_000) } }, "o-x1"],
    ["COMPLAINT.CREATE", { dispute: { id: "2002x1", reason: "CREATE_COMPLAINT" } }, null],
  ])("%s with what it is about", async (type, data, customer) => {
    const sample = samples.events.find((one) => one.type === type)!;
    const [event] = await normalize(sample.make("x1", AT));
    expect(event).toMatchObject({ customer, authenticity: "signed" });
    expect(event!.data).toEqual(data);
  });

  it.each([
    ["SUCCESS", "payment.succeeded"],
    ["REFUND", "payment.succeeded"],
    ["ACCEPT", "payment.processing"],
    ["USERPAYING", "payment.processing"],
    ["NOTPAY", "payment.pending"],
    ["CLOSED", "payment.canceled"],
    ["REVOKED", "payment.canceled"],
    ["PAYERROR", "payment.failed"],
    ["PAY_FAIL", "payment.failed"],
    ["constructor", "unknown"],
    [undefined, "unknown"],
  ])("what the transaction is: %s is %s", async (trade_state, type) => {
    const resource = { transaction_id: "42000x1", trade_state };
    expect(await normalize({ ...(paid as object), resource })).toMatchObject([{ type }]);
    expect(await normalize({ ...(paid as object), event_type: "TRANSACTION.FAIL", resource })).toMatchObject([
      { type },
    ]);
  });

  it("nothing that is known where a share of a profit goes by the name of a payment", async () => {
    const resource = { mchid: "1900009231", transaction_id: "42000x1", order_id: "1217", receiver: { amount: 88 } };
    expect(await normalize({ ...(paid as object), resource })).toMatchObject([{ type: "unknown" }]);
  });

  it("one of each order that was paid in one, under an id of its own", async () => {
    const order = (n: number) => ({
      transaction_id: `42000x${n}`,
      out_trade_no: `cup-${n}`,
      trade_state: "SUCCESS",
      success_time: "2026-11-25T07:30:00+08:00",
      amount: { total_amount: n, payer_amount: n, currency: "CNY" },
    });
    const resource = {
      combine_out_trade_no: "tray-1",
      sub_orders: [order(1), order(2)],
      combine_payer_info: { openid: "o-x1" },
    };
    expect(await normalize({ ...(paid as object), resource })).toMatchObject(
      [1, 2].map((n) => ({
        eventId: `EV-x1:cup-${n}`,
        type: "payment.succeeded",
        occurredAt: AT,
        customer: "o-x1",
        data: { payment: { id: `42000x${n}`, reference: `cup-${n}`, amount: cny(n) } },
      })),
    );
  });

  it("one of the user whom a merchant's provider of services knows", async () => {
    const resource = {
      ...(paid as { resource: object }).resource,
      payer: { sp_openid: "sp-x1", sub_openid: "sub-x1" },
    };
    expect(await normalize({ ...(paid as object), resource })).toMatchObject([{ customer: "sp-x1" }]);
  });

  it("one that can be read for the user: opened", async () => {
    const [event] = await normalize(paid);
    expect(event!.raw).toEqual(paid);
  });
});

/** Base64 of the bytes with the lowest bit of the last one changed. */
function flipLast(text: string): string {
  const bytes = Buffer.from(text, "base64");
  bytes[bytes.length - 1]! ^= 1;
  return bytes.toString("base64");
}
