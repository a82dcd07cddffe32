import { describe, expect, it } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import { providers } from "../../src/providers/index.ts";
import { textFault } from "../../src/providers/secret-faults.ts";

const faultOf = async (name: string, secret: string, config: unknown = {}) =>
  ((providers as Record<string, { secretFault?: typeof textFault }>)[name]?.secretFault ?? textFault)(secret, config);

const HEX = "0123456789abcdef".repeat(4);
const BASE64 = btoa("0123456789abcdef01234567");

describe.each(Object.keys(providers))("a secret of %s", (name) => {
  it.each(["garbage", "", " ".repeat(20), "fifteen charact", "{}", "[]", "null", '{"a":', "constructor"])(
    "is not %j, and that is said in plain words",
    async (secret) => {
      expect(await faultOf(name, secret)).toMatch(/^[A-Za-z][^\n]{10,160}$/);
    },
  );

  it("is what the samples are signed with", async () => {
    const its = samples.find(({ provider }) => provider === name)!;
    expect(await faultOf(name, (await its.newKeys()).secret, its.config)).toBeNull();
  });
});

describe("a secret", () => {
  it.each([
    ["stripe", "whsec_0123456789"],
    ["stripe", `whsec_${HEX}`],
    ["paystack", "sk_test_0123456789"],
    ["adyen", HEX.toUpperCase()],
    ["adyen-platform", `${HEX}\n`],
    ["standard", `whsec_${BASE64}`],
    ["standard", BASE64],
    ["standard", `whpk_${btoa("k".repeat(32))}`],
    ["paypal", '{"webhookId":"7G126957BE5280547"}'],
    ["worldpay", '{"1":"0123456789abcdef","key-2":"0123456789abcdef"}'],
    ["braintree", '{"publicKey":"p","privateKey":"0123456789abcdef"}'],
    ["lemonsqueezy", "sixteen letters!"],
    ["hmac", "sixteen letters!"],
  ])("of %s may be %s", async (name, secret) => {
    expect(await faultOf(name, secret)).toBeNull();
  });

  it.each([
    ["stripe", "sk_live_0123456789abcdef", "whsec_"],
    ["stripe", "whsec_ 0123456789abc", "whsec_"],
    ["paystack", "pk_live_0123456789abcdef", "sk_live_"],
    ["adyen", HEX.slice(1), "hex"],
    ["adyen", HEX.slice(0, 16), "hex"],
    ["standard", "whsec_not base64 at all!", "base64"],
    ["standard", `whsec_${btoa("short")}`, "base64"],
    ["standard", `whpk_${BASE64}`, "32 bytes"],
    ["alipay", BASE64, "public key"],
    ["alipay", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate"],
    ["paypal", "7G126957BE5280547", "webhookId"],
    ["paypal", '{"webhookId":"a|b"}', "webhookId"],
    ["paypal", '{"webhookId":"7G126957BE5280547","certPem":"x"}', "certPem"],
    ["wechatpay", JSON.stringify({ keys: {}, apiV3Key: "k".repeat(32) }), "keys"],
    ["wechatpay", JSON.stringify({ keys: { 1: "x" }, apiV3Key: "k".repeat(32) }), "keys.1"],
    ["worldpay", '{"1":"short"}', "Key 1"],
    ["worldpay", '{"a b":"0123456789abcdef"}', "id"],
    ["worldpay", '{"1":7}', "text"],
    ["braintree", '{"publicKey":"p"}', "privateKey"],
    ["braintree", '{"publicKey":"p","privateKey":"short"}', "privateKey"],
  ])("of %s is not %s", async (name, secret, says) => {
    expect(await faultOf(name, secret)).toContain(says);
  });

  it("of WeChat Pay is its keys and one of 32 characters", async () => {
    const its = samples.find(({ provider }) => provider === "wechatpay")!;
    const secret = JSON.parse((await its.newKeys()).secret) as Record<string, unknown>;
    expect(await faultOf("wechatpay", JSON.stringify({ ...secret, apiV3Key: "k".repeat(31) }))).toContain("apiV3Key");
  });

  it("of hmac is written as its config says", async () => {
    expect(await faultOf("hmac", "sixteen letters!", { secretEncoding: "hex" })).toContain("hex");
    expect(await faultOf("hmac", HEX, { secretEncoding: "hex" })).toBeNull();
    expect(await faultOf("hmac", "sixteen letters!", { secretEncoding: "base64" })).toContain("base64");
    expect(await faultOf("hmac", BASE64, { secretEncoding: "base64" })).toBeNull();
  });
});
