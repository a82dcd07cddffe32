import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { suppress } from "../../src/store/people.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { expectRefused, sendJson } from "./refusal.ts";
import { everything } from "./support.ts";

let merchant: { id: string; key: string };

const put = (user: string, body: unknown) => call("PUT", `/v1/users/${user}`, { key: merchant.key, body });
const get = (path: string) => call("GET", path, { key: merchant.key });

beforeAll(async () => {
  merchant = await newMerchant();
});

describe("a user", () => {
  it("is made, shown, replaced and deleted; what is left out is not known", async () => {
    const contact = { email: "Ada@customers.example", phone: "+1 202 555 0143", phoneVerified: true, locale: "zh-CN" };
    const { status, json } = await put("cus_1", contact);
    const shown = {
      id: "cus_1",
      email: "Ada@customers.example",
      phone: "+12025550143",
      phoneVerified: true,
      locale: "zh-CN",
      emailSuppressed: null,
      phoneSuppressed: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    };
    expect({ status, json }).toEqual({ status: 200, json: shown });
    expect((await get("/v1/users/cus_1")).json).toEqual(json);
    const { json: replaced } = await put("cus_1", { email: "ada@new.example" });
    const bare = { phone: null, phoneVerified: false, locale: null, createdAt: json["createdAt"] };
    expect(replaced).toMatchObject({ email: "ada@new.example", ...bare });
    expect((await call("DELETE", "/v1/users/cus_1", { key: merchant.key })).status).toBe(202);
    expect((await get("/v1/users/cus_1")).status).toBe(404);
  });

  it("has any id that an event may name", async () => {
    const id = "Ö/1 €%";
    expect((await put(encodeURIComponent(id), { locale: "en" })).json["id"]).toBe(id);
    expect((await get(`/v1/users/${encodeURIComponent(id)}`)).json["id"]).toBe(id);
  });

  it("without a phone is not verified, whatever is said", async () => {
    expect((await put("cus_2", { phoneVerified: true })).json["phoneVerified"]).toBe(false);
  });

  it("is found by its address, however that is written", async () => {
    await put("cus_3", { email: "Bob@Customers.example", phone: "+442079460123" });
    const ids = async (query: string) => (await get(`/v1/users?${query}`)).json.data.map(({ id }) => id);
    expect(await ids("email=bob@customers.EXAMPLE")).toEqual(["cus_3"]);
    expect(await ids(`phone=${encodeURIComponent("+44 20 7946 0123")}`)).toEqual(["cus_3"]);
    expect(await ids("email=nobody@customers.example")).toEqual([]);
  });

  it("is listed by id, page by page", async () => {
    const own = await newMerchant();
    for (const id of ["a", "b", "c"]) {
      await call("PUT", `/v1/users/${id}`, { key: own.key, body: {} });
    }
    const page = async (query: string) => {
      const { json } = await call("GET", `/v1/users?order=asc&limit=2${query}`, { key: own.key });
      return { ids: json.data.map(({ id }) => id), next: json["next"] };
    };
    expect(await page("")).toEqual({ ids: ["a", "b"], next: "b" });
    expect(await page("&after=b")).toEqual({ ids: ["c"], next: null });
  });

  it("is stored so that nobody reads its addresses in the database", async () => {
    await put("cus_4", { email: "secret-marker@customers.example", phone: "+14155552671", phoneVerified: true });
    const stored = JSON.stringify(await everything());
    expect(stored).toContain("cus_4");
    expect(stored).not.toMatch(/secret-marker|4155552671/);
  });

  it("says that its address is not used any more, until that is lifted", async () => {
    await put("cus_5", { phone: "+14155552672", phoneVerified: true });
    await suppress(env, merchant.id, "sms", "+14155552672", "address_dead");
    await suppress(env, merchant.id, "sms", "+14155552672", "opted_out");
    await suppress(env, merchant.id, "sms", "+14155552672", "address_dead");
    expect((await get("/v1/users/cus_5")).json["phoneSuppressed"]).toBe("opted_out");
    // Whoever has the number.
    expect((await put("cus_6", { phone: "+14155552672" })).json["phoneSuppressed"]).toBe("opted_out");
    const { json } = await call("DELETE", "/v1/users/cus_5/suppressions/sms", { key: merchant.key });
    expect(json["phoneSuppressed"]).toBeNull();
  });

  it("leaves a line in the audit when that is lifted, without the person", async () => {
    const own = await newMerchant();
    await sendJson(own.key, "PUT", "/v1/users/cus_5", { email: "ada@customers.example" });
    await suppress(env, own.id, "email", "ada@customers.example", "opted_out");
    for (let times = 0; times < 2; times++) {
      await call("DELETE", "/v1/users/cus_5/suppressions/email", { key: own.key });
    }
    const { data } = (await call("GET", "/v1/audit", { key: own.key })).json;
    expect(data).toMatchObject([{ action: "suppression.lifted", target: "email" }, { action: "merchant.created" }]);
    expect(JSON.stringify(data)).not.toContain("cus_5");
  });

  it.each([
    { name: "a national phone number", input: { phone: "0202 555 0143" }, path: "/phone" },
    { name: "a phone number that cannot be", input: { phone: "+1202555" }, path: "/phone" },
    { name: "what is no email address", input: { email: "ada" }, path: "/email" },
    { name: "an address that would add a header", input: { email: "a@b.example\r\nBcc: c@d.example" }, path: "/email" },
    { name: "what is no language", input: { locale: "../en" }, path: "/locale" },
    { name: "an unknown field", input: { mail: "a@b.example" }, path: "/mail" },
  ])("is refused with $name", async ({ name, input, path }) => {
    await expectRefused({ name, status: 422, code: "invalid", path }, () =>
      sendJson(merchant.key, "PUT", "/v1/users/cus_7", input),
    );
  });
});
