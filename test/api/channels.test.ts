import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { call, newMerchant } from "../support/merchant.ts";
import { expectRefused, sendJson } from "./refusal.ts";
import { everything } from "./support.ts";

let merchant: { id: string; key: string };

const TWILIO = {
  provider: "twilio",
  accountSid: `AC${"0".repeat(32)}`,
  authToken: "token-marker",
  from: "+15005550006",
};
const RESEND = { provider: "resend", from: "Shop <shop@shop.example>", apiKey: "re_key-marker" };

const put = (channel: string, body: unknown) => call("PUT", `/v1/channels/${channel}`, { key: merchant.key, body });

/** The merchant's own address at the operator's domain. */
const own = () => `${merchant.id.replace("_", "-")}@paybell.example`;

beforeAll(async () => {
  merchant = await newMerchant();
});

describe("the account of a channel", () => {
  it("is set, shown without its secrets, replaced and removed", async () => {
    const times = { createdAt: expect.any(String), updatedAt: expect.any(String) };
    const { status, json } = await put("sms", TWILIO);
    const { authToken: _, ...shown } = { channel: "sms", ...TWILIO, ...times };
    expect({ status, json }).toEqual({ status: 200, json: shown });
    await put("email", RESEND);
    const { json: list } = await call("GET", "/v1/channels", { key: merchant.key });
    expect(list.data.map(({ channel, provider }) => [channel, provider])).toEqual([
      ["email", "resend"],
      ["sms", "twilio"],
    ]);
    const { json: replaced } = await put("email", { provider: "cloudflare", from: "My shop" });
    expect(replaced).toEqual({ channel: "email", provider: "cloudflare", from: `My shop <${own()}>`, ...times });
    expect((await call("DELETE", "/v1/channels/sms", { key: merchant.key })).status).toBe(204);
    expect((await call("GET", "/v1/channels/sms", { key: merchant.key })).status).toBe(404);
  });

  it("keeps its secrets where nobody reads them", async () => {
    await put("sms", TWILIO);
    await put("email", RESEND);
    expect(JSON.stringify(await everything())).not.toContain("marker");
    const { json } = await call("GET", "/v1/channels", { key: merchant.key });
    expect(JSON.stringify(json)).not.toContain("marker");
  });

  it.each([
    { name: "no provider", channel: "sms", input: {}, path: "/provider" },
    { name: "an unknown provider", channel: "sms", input: { provider: "pigeon" }, path: "/provider" },
    { name: "another channel's provider", channel: "email", input: TWILIO, path: "/provider" },
    { name: "an unknown field", channel: "sms", input: { ...TWILIO, form: "+1" }, path: "/form" },
    { name: "no secret", channel: "email", input: { ...RESEND, apiKey: undefined }, path: "/apiKey" },
    {
      name: "an API on a private network",
      channel: "email",
      input: { ...RESEND, baseUrl: "https://169.254.169.254" },
      path: "/baseUrl",
    },
    {
      name: "a sender of somebody else's domain",
      channel: "email",
      input: { provider: "cloudflare", from: "ceo@bank.example" },
      path: "/from",
    },
    ...["alerts", "noreply", "postmaster", "shop", "mer-01"].map((local) => ({
      name: `a sender of the operator's domain that is not its own: ${local}@`,
      channel: "email",
      input: { provider: "cloudflare", from: `"Bank, Inc." <${local}@paybell.example>` },
      path: "/from",
    })),
    ...['Bank "Inc"', "noreply@bank.example", "noreply\uFF20bank.example", "Ba\u202Enk", "Bank\nBcc: x", ""].flatMap(
      (from) => [
        {
          name: `the name ${JSON.stringify(from)}`,
          channel: "email",
          input: { provider: "cloudflare", from },
          path: "/from",
        },
        {
          name: `the name ${JSON.stringify(from)} on an account of its own`,
          channel: "email",
          input: { ...RESEND, from: `"${from.replaceAll('"', '\\"')}" <shop@shop.example>` },
          path: "/from",
        },
      ],
    ),
  ])("is refused with $name", async ({ name, channel, input, path }) => {
    await expectRefused({ name, status: 422, code: "invalid", path }, () =>
      sendJson(merchant.key, "PUT", `/v1/channels/${channel}`, input),
    );
  });
});

describe("a sender at the operator's domain", () => {
  const admin = (name: object) =>
    call("POST", "/v1/merchants", { key: env.ADMIN_TOKEN, body: { name: "Ada's Shop", ...name } });
  const from = async (key: unknown, account: object) => {
    const body = { provider: "cloudflare", ...account };
    return (await call("PUT", "/v1/channels/email", { key: String(key), body })).json["from"];
  };

  it("is the merchant's own: by its id, or by the name that the operator gave it alone", async () => {
    const [{ json: plain }, { json: named }] = [await admin({}), await admin({ emailName: "ada.shop" })];
    const id = String(plain["id"]).replace("_", "-");
    expect(named["emailName"]).toBe("ada.shop");
    expect(await from(plain["apiKey"], {})).toBe(`Ada's Shop <${id}@paybell.example>`);
    expect(await from(plain["apiKey"], { from: `${id}@PAYBELL.example` })).toBe(`${id}@paybell.example`);
    expect(await from(named["apiKey"], { from: '"Doe, \\Jane"  <ada.shop@paybell.example>' })).toBe(
      '"Doe, Jane" <ada.shop@paybell.example>',
    );
    expect(await from(plain["apiKey"], { from: "ada.shop@paybell.example" })).toBeUndefined();
  });

  it.each(["ada.shop2", "support", "no-reply", "alerts-2", "mer-01", "Ada", "a", "a..b", "-a", "a@b"])(
    "is refused to the operator where it is another's, or the domain's: %s",
    async (emailName) => {
      await admin({ emailName: "ada.shop2" });
      const { status, json } = await admin({ emailName });
      expect([status, json["errors"]]).toMatchObject([422, [{ path: "/emailName" }]]);
    },
  );

  it("of an account that is older than that rule is the merchant's own all the same", async () => {
    const { id, key } = await newMerchant();
    await call("PUT", "/v1/channels/email", { key, body: { provider: "cloudflare" } });
    await env.DB.prepare("UPDATE channel_accounts SET settings = ? WHERE merchant = ?")
      .bind(JSON.stringify({ from: "noreply@bank.example <alerts@paybell.example>" }), id)
      .run();
    const { json } = await call("GET", "/v1/channels/email", { key });
    expect(json["from"]).toBe(`${id.replace("_", "-")}@paybell.example`);
  });
});
