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
    const { json: replaced } = await put("email", { provider: "cloudflare", from: "shop@paybell.example" });
    expect(replaced).toEqual({ channel: "email", provider: "cloudflare", from: "shop@paybell.example", ...times });
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
  ])("is refused with $name", async ({ name, channel, input, path }) => {
    await expectRefused({ name, status: 422, code: "invalid", path }, () =>
      sendJson(merchant.key, "PUT", `/v1/channels/${channel}`, input),
    );
  });
});
