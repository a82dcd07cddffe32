import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startPhoneNetwork, type PhoneNetwork } from "../../scripts/demo/phone-network.ts";
import { startMailProvider, type MailProvider } from "./mail-provider.ts";
import { startStop } from "./stop.ts";
import { startStory, type Story } from "./story.ts";

const ADA = { email: "ada@customers.example", phone: "+12025550143", phoneVerified: true, locale: "en" };
/** Of a source that signs by Standard Webhooks. */
const SECRET = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;

interface Delivery {
  event: string;
  channel: string;
  endpoint: string | null;
  status: string;
  reason: string | null;
  attempts: { class: string }[];
}

let story: Story;
let mail: MailProvider;
let phones: PhoneNetwork;
let ingestUrl: string;

beforeAll(async () => {
  mail = await startMailProvider();
  phones = await startPhoneNetwork(() => {});
  story = await startStory();
  const call = async <T>(method: string, path: string, body: unknown): Promise<T> => {
    const { status, json } = await story.merchant.call<T>(method, path, body);
    expect({ path, isGood: status < 300 }).toEqual({ path, isGood: true });
    return json;
  };
  await call("PUT", "/v1/endpoints/second", { url: `${story.receiver.url}/second`, secret: story.secret });
  const resend = { provider: "resend", from: "Shop <shop@shop.example>", apiKey: mail.apiKey, baseUrl: mail.url };
  await call("PUT", "/v1/channels/email", resend);
  await call("PUT", "/v1/channels/sms", { provider: "twilio", ...phones.account, baseUrl: phones.url });
  await call("PUT", "/v1/users/ada", ADA);
  ({ ingestUrl } = await call<{ ingestUrl: string }>("POST", "/v1/sources", {
    provider: "standard",
    secrets: [SECRET],
  }));
});

afterAll(async () => {
  await story.end();
  await Promise.all([mail.close(), phones.close()]);
});

/** Posts an event of Ada's as a payment system does that signs by Standard Webhooks. */
async function post(id: string, type: string, data: object): Promise<void> {
  const body = JSON.stringify({ type, user: "ada", timestamp: new Date().toISOString(), data });
  const now = new Date();
  const url = new URL(new URL(ingestUrl).pathname, story.merchant.url);
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(SECRET).sign(id, now, body),
  };
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
}

const payment = (id: string) => ({ id, reference: `order_${id}`, amount: { value: "1999", currency: "EUR" } });
const refund = (id: string) => ({ id: `re_${id}`, amount: { value: "1999", currency: "EUR" } });

/** Every delivery of a channel, or of an endpoint, by its event's name, the oldest first. */
async function deliveries(channel: string, endpoint: string | null = null): Promise<Delivery[]> {
  const { json } = await story.merchant.call<{ data: Delivery[] }>(
    "GET",
    `/v1/deliveries?order=asc&limit=100&channel=${channel}`,
  );
  return json.data.filter((delivery) => delivery.endpoint === endpoint);
}

const ends = (all: Delivery[]) => all.map(({ status, reason }) => (reason === null ? status : `${status}: ${reason}`));

describe("a customer's payments, and providers that are out of order in between", () => {
  it("tell each party each thing once, in order, and nobody what is no longer so", async () => {
    await post("e1", "payment.pending", { payment: payment("p1") });
    await post("e2", "payment.succeeded", { payment: payment("p1") });
    await expect.poll(() => [mail.emails.length, phones.messages.length], { timeout: 30_000 }).toEqual([1, 1]);

    mail.isOut = true;
    phones.isOut = true;
    await post("e3", "refund.succeeded", { payment: { id: "p1", reference: "order_p1" }, refund: refund("p1") });
    await post("e4", "payment.succeeded", { payment: payment("p2") });
    await post("e5", "refund.succeeded", { payment: { id: "p2", reference: "order_p2" }, refund: refund("p2") });
    const isRetried = async () => {
      const all = [...(await deliveries("email")), ...(await deliveries("sms"))];
      return all.filter(({ status }) => status === "retrying").length;
    };
    await expect.poll(isRetried, { timeout: 30_000 }).toBe(2);
    mail.isOut = false;
    phones.isOut = false;
    await expect.poll(() => [mail.emails.length, phones.messages.length], { timeout: 60_000 }).toEqual([3, 3]);

    const told = ["order_p1", "order_p1", "order_p2"];
    expect(mail.emails.map(({ to }) => to)).toEqual([ADA.email, ADA.email, ADA.email]);
    expect(mail.emails.map(({ text }) => /order_p\d/.exec(text)?.[0])).toEqual(told);
    expect(mail.emails.map(({ subject }) => /refund/i.test(subject))).toEqual([false, true, true]);
    expect(phones.messages.map(({ to }) => to)).toEqual([ADA.phone, ADA.phone, ADA.phone]);
    expect(phones.messages.map(({ text }) => /order_p\d/.exec(text)?.[0])).toEqual(told);
    expect(phones.messages.map(({ text }) => /refund/i.test(text))).toEqual([false, true, true]);

    for (const channel of ["email", "sms"]) {
      const expected = ["sent", "sent", "skipped: superseded", "sent"];
      await expect.poll(async () => ends(await deliveries(channel)), { timeout: 10_000 }).toEqual(expected);
      const attempts = (await deliveries(channel)).map(({ attempts }) => attempts.map((attempt) => attempt.class));
      expect(attempts).toEqual([["sent"], ["transient", "sent"], [], ["sent"]]);
    }
    for (const path of ["/hook", "/second"]) {
      const received = story.receiver.received.filter((one) => one.path === path);
      expect(received.map(({ body, status }) => [body.type, status])).toEqual(
        ["payment.pending", "payment.succeeded", "refund.succeeded", "payment.succeeded", "refund.succeeded"].map(
          (type) => [type, 204],
        ),
      );
    }
  });
});

describe("killing everything right after a message was taken", () => {
  /** Posts an event; kills the Worker when a message was sent and nothing of that was written down; starts it again. */
  async function kill(id: string, isAsked: () => boolean): Promise<void> {
    const stop = await startStop();
    await story.faults({ stop: "before-log", reached: stop.url });
    await post(id, "payment.succeeded", { payment: payment(id) });
    await stop.reached;
    expect(isAsked()).toBe(true);
    await story.kill();
    stop.close();
    await story.restart();
  }

  it("a text is not sent again: the log says that nobody knows", async () => {
    await story.merchant.call("DELETE", "/v1/channels/email");
    await story.merchant.call("DELETE", "/v1/endpoints/second");
    story.receiver.answer = () => new Promise(() => undefined);
    const before = phones.messages.length;
    await kill("k1", () => phones.messages.length === before + 1);
    story.receiver.answer = () => 204;
    await expect
      .poll(async () => ends(await deliveries("sms")).at(-1), { timeout: 60_000 })
      .toBe("exhausted: ambiguous");
    expect(phones.messages.length).toBe(before + 1);
    await post("k2", "payment.succeeded", { payment: payment("k2") });
    await expect.poll(() => phones.messages.at(-1)?.text, { timeout: 30_000 }).toContain("order_k2");
    expect(phones.messages.length).toBe(before + 2);
  });

  it("an email is sent again under its key, and so arrives once", async () => {
    await story.merchant.call("DELETE", "/v1/channels/sms");
    const resend = { provider: "resend", from: "shop@shop.example", apiKey: mail.apiKey, baseUrl: mail.url };
    await story.merchant.call("PUT", "/v1/channels/email", resend);
    story.receiver.answer = () => new Promise(() => undefined);
    const before = {
      emails: mail.emails.length,
      keys: mail.keys.length,
      deliveries: (await deliveries("email")).length,
    };
    await kill("k3", () => mail.emails.length === before.emails + 1);
    story.receiver.answer = () => 204;
    await expect
      .poll(async () => ends((await deliveries("email")).slice(before.deliveries)), { timeout: 60_000 })
      .toEqual(["sent"]);
    expect(mail.emails.length).toBe(before.emails + 1);
    expect(new Set(mail.keys.slice(before.keys)).size).toBe(1);
    expect(mail.keys.length).toBe(before.keys + 2);
  });
});
