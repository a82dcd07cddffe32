import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { sourceKey, userKey } from "../../src/outbox/keys.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive, setFaults, untilStatus } from "../support/merchant.ts";
import {
  CREATED,
  intent,
  newStripeSource,
  postBytes,
  postSigned,
  sign,
  stripeEvent,
  succeeded,
  untilDelivered,
  untilListed,
  type StripeSource,
} from "./stripe.ts";

/** A faulty machine is given this long: what fails is tried again after 5 s. */
const HEALING = { timeout: 30_000 };

let merchant: { id: string; key: string };
let source: StripeSource;

beforeEach(async () => {
  merchant = await newMerchant();
  source = await newStripeSource(merchant.key);
});

afterEach(async () => {
  await setFaults({});
  vi.restoreAllMocks();
});

/** Lets the merchant's endpoints answer well; what they were sent. */
function receiveAll(): { bodies: string[]; sent: Request[] } {
  const bodies: string[] = [];
  const sent = receive(async (request) => {
    bodies.push(await request.text());
    return new Response(null, { status: 204 });
  });
  return { bodies, sent };
}

/** Waits until the Worker has warned of something, from now on. */
function untilWarned(message: string): () => Promise<void> {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  return async () => {
    await vi.waitUntil(() => JSON.stringify(warn.mock.calls).includes(message), { timeout: 10_000 });
  };
}

const post = async (event: unknown, to = source) => {
  const answer = await postSigned(to, event);
  return [answer.status, await answer.text()];
};

const outboxOf = async (event: unknown) =>
  env.DB.prepare("SELECT outbox FROM events WHERE merchant = ? AND id = ?").bind(merchant.id, event).first("outbox");

const ACCEPTED = [200, ""];

describe("an event that is accepted", () => {
  it("is delivered in our envelope, signed by Standard Webhooks", async () => {
    const endpoint = await newEndpoint(merchant.key);
    const { bodies, sent } = receiveAll();
    const payment = unique("pi");
    await post(stripeEvent("payment_intent.created", intent(payment, { customer: "cus_123" })));
    const event = succeeded("cus_123", payment, { created: CREATED + 1 });
    expect(await post(event)).toEqual(ACCEPTED);
    await untilDelivered(merchant.key, 2);

    const headers = Object.fromEntries(sent[1]!.headers);
    const body = new Webhook(endpoint.secret).verify(bodies[1]!, headers);
    expect(body).toEqual({
      id: headers["webhook-id"],
      apiVersion: "2026-12-01",
      type: "payment.succeeded",
      timestamp: "2026-11-23T12:00:01.000Z",
      livemode: true,
      user: "cus_123",
      sequence: 2,
      previous: 1,
      stale: false,
      data: {
        payment: {
          id: payment,
          reference: "order_77",
          status: "succeeded",
          reported: "succeeded",
          version: 2,
          amount: { value: "1999", decimal: "19.99", currency: "EUR" },
          method: "card",
        },
        provider: {
          name: "stripe",
          source: source.id,
          eventId: event["id"],
          type: "payment_intent.succeeded",
          authenticity: "signed",
        },
      },
    });
    expect(headers).toMatchObject({
      "webhook-id": expect.stringMatching(/^evt_[0-9a-z]{26}$/),
      "paybell-attempt": "1",
      "user-agent": expect.stringMatching(/^Paybell\/\d/),
    });
    expect(() => new Webhook(endpoint.secret).verify(`${bodies[1]} `, headers)).toThrow(/signature/i);
  });

  it("is accepted again when it comes again, and delivered once", async () => {
    await newEndpoint(merchant.key);
    const { bodies } = receiveAll();
    const event = succeeded("cus_1");
    expect(await post(event)).toEqual(ACCEPTED);
    expect(await post(event)).toEqual(ACCEPTED);
    await untilDelivered(merchant.key, 1);
    expect(await post(event)).toEqual(ACCEPTED);
    // The lane is in order: once this one is delivered, nothing else can have been sent before it.
    expect(await post(succeeded("cus_1"))).toEqual(ACCEPTED);
    await untilDelivered(merchant.key, 2);
    expect(bodies.map((body) => JSON.parse(body).sequence)).toEqual([1, 2]);
    expect(await untilListed(merchant.key, 2)).toMatchObject([{ alteredAt: null }, { alteredAt: null }]);
  });

  it("comes again with other content: it is known, and the first is marked as altered", async () => {
    const event = succeeded("cus_1");
    await post(event);
    const [first] = await untilListed(merchant.key, 1);
    const show = async () => (await call("GET", `/v1/events/${String(first!["id"])}`, { key: merchant.key })).json;
    const before = await show();
    const { id, payment } = { id: event["id"], payment: String(first!["payment"]) };
    const altered = stripeEvent("payment_intent.succeeded", intent(payment, { amount_received: 1 }), { id });
    expect(await post(altered)).toEqual(ACCEPTED);
    const after = await vi.waitUntil(
      async () => {
        const shown = await show();
        return shown["alteredAt"] !== null && shown;
      },
      { timeout: 10_000 },
    );
    expect({ ...after, alteredAt: null }).toEqual(before);
    expect(await untilListed(merchant.key, 1)).toHaveLength(1);
  });

  it("has the user that userFrom names, with the source's prefix", async () => {
    const fields = { userFrom: "/data/object/metadata/user_id", userPrefix: "stripe:" };
    const own = await newStripeSource(merchant.key, fields);
    const object = intent(unique("pi"), { customer: "cus_1", metadata: { user_id: "u/7" } });
    expect(await post(stripeEvent("payment_intent.succeeded", object), own)).toEqual(ACCEPTED);
    const [event] = await untilListed(merchant.key, 1);
    expect(event).toMatchObject({ user: "stripe:u/7", sequence: 1 });
    expect(await outboxOf(event!["id"])).toBe(await userKey(merchant.id, "stripe:u/7"));
  });

  it("keeps the customers of two providers' accounts apart by their prefixes", async () => {
    const [a, b] = [
      await newStripeSource(merchant.key, { userPrefix: "a:" }),
      await newStripeSource(merchant.key, { userPrefix: "b:" }),
    ];
    await post(succeeded("cus_1"), a);
    await post(succeeded("cus_1"), b);
    const events = await untilListed(merchant.key, 2);
    expect(new Map(events.map(({ user, sequence }) => [user, sequence]))).toEqual(
      new Map([
        ["a:cus_1", 1],
        ["b:cus_1", 1],
      ]),
    );
  });

  it.each([
    ["is longer than an id may be", "u".repeat(129)],
    ["holds a control character", "u_\u0007"],
    ["holds half a character", "u_\ud83d"],
  ])("has no user where what is named %s, and the log does not tell it", async (_, customer) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const payment = unique("pi");
    expect(await post(succeeded(customer, payment))).toEqual(ACCEPTED);
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ user: null, payment }]);
    const lines = JSON.stringify(warn.mock.calls);
    expect(lines).toContain("ingest.user_unusable");
    expect(lines).not.toContain(customer.slice(0, 3));
  });

  it("keeps users apart that differ in the 128th character, though not in the 127 before, whatever their length in units", async () => {
    const users = ["a", "b"].map((last) => "\u{1f600}".repeat(127) + last);
    await post(succeeded(users[0]!));
    await post(succeeded(users[1]!));
    const events = await untilListed(merchant.key, 2);
    expect(new Set(events.map(({ user }) => user))).toEqual(new Set(users));
  });

  it("keeps users apart by every digit of a number that names them", async () => {
    const own = await newStripeSource(merchant.key, { userFrom: "/data/object/metadata/user_id" });
    for (const id of ["9007199254740992", "9007199254740993"]) {
      const body = JSON.stringify(
        stripeEvent("payment_intent.succeeded", intent(unique("pi"), { metadata: { user_id: "ID" } })),
      );
      const exact = body.replace('"ID"', id);
      expect((await postBytes(own.id, exact, await sign(exact, own.secret))).status).toBe(200);
    }
    const events = await untilListed(merchant.key, 2);
    expect(new Set(events.map(({ user }) => user))).toEqual(new Set(["9007199254740992", "9007199254740993"]));
  });

  it("is ordered under its source where it names neither user nor payment", async () => {
    const payout = { id: "po_1", object: "payout", amount: 50_000, currency: "eur", status: "paid" };
    await post(stripeEvent("payout.paid", payout));
    await post(stripeEvent("payout.paid", { ...payout, id: "po_2" }));
    const events = await untilListed(merchant.key, 2);
    expect(events).toMatchObject([
      { type: "payout.paid", user: null, payment: null, sequence: 1 },
      { type: "payout.paid", user: null, payment: null, sequence: 2 },
    ]);
    const key = await sourceKey(merchant.id, source.id);
    expect(await Promise.all(events.map(({ id }) => outboxOf(id)))).toEqual([key, key]);
  });

  it("is kept as unknown where its type has no mapping, and is visible and delivered", async () => {
    await newEndpoint(merchant.key);
    const { bodies } = receiveAll();
    expect(await post(stripeEvent("tax.settings.updated", { object: "tax.settings" }))).toEqual(ACCEPTED);
    await untilDelivered(merchant.key, 1);
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "unknown", provider: "stripe", stale: false }]);
    expect(JSON.parse(bodies[0]!)).toMatchObject({
      type: "unknown",
      data: { provider: { type: "tax.settings.updated" } },
    });
  });

  it("goes to the endpoints that want its type and its mode", async () => {
    const url = (name: string) => ({ url: `https://shop.example/${name}` });
    await newEndpoint(merchant.key, url("all"));
    await newEndpoint(merchant.key, { ...url("live"), livemode: true });
    await newEndpoint(merchant.key, { ...url("test"), livemode: false });
    await newEndpoint(merchant.key, { ...url("paid"), eventTypes: ["payment.succeeded", "refund.succeeded"] });
    await newEndpoint(merchant.key, { ...url("paid-live"), eventTypes: ["payment.succeeded"], livemode: true });
    await newEndpoint(merchant.key, { ...url("payouts"), eventTypes: ["payout.paid"] });
    const { bodies, sent } = receiveAll();
    await post(succeeded("cus_1", "pi_live"));
    await post(succeeded("cus_1", "pi_test", { livemode: false }));
    await post(stripeEvent("payment_intent.created", intent("pi_new", { customer: "cus_1" })));
    await untilDelivered(merchant.key, 9);
    const got = (payment: string) =>
      sent
        .filter((_, i) => JSON.parse(bodies[i]!).data.payment.id === payment)
        .map((request) => new URL(request.url).pathname.slice(1))
        .sort();
    expect([got("pi_live"), got("pi_test"), got("pi_new")]).toEqual([
      ["all", "live", "paid", "paid-live"],
      ["all", "paid", "test"],
      ["all", "live"],
    ]);
  });
});

describe("what is broken behind the door", () => {
  it("a suspended merchant: the provider is told to come again, and then it is accepted", async () => {
    const change = (action: string) => call("POST", `/v1/merchants/${merchant.id}/${action}`, { key: env.ADMIN_TOKEN });
    await change("suspend");
    const event = succeeded("cus_1");
    const refused = await postSigned(source, event);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
    await change("resume");
    expect(await post(event)).toEqual(ACCEPTED);
    expect(await untilListed(merchant.key, 1)).toHaveLength(1);
  });

  it("D1 fails: known configuration serves, the webhook goes out, and the log follows", HEALING, async () => {
    await newEndpoint(merchant.key);
    const { sent } = receiveAll();
    await post(succeeded("cus_1"));
    await untilDelivered(merchant.key, 1);
    const isLogLate = untilWarned("log.failed");
    await setFaults({ d1Fails: 1 });
    expect(await post(succeeded("cus_1"))).toEqual(ACCEPTED);
    await isLogLate();
    expect(sent).toHaveLength(2);
    await setFaults({});
    await untilDelivered(merchant.key, 2);
    expect(await untilListed(merchant.key, 2)).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect(sent).toHaveLength(2);
  });

  it("D1 fails and nothing is known of the source: the provider is told to come again", async () => {
    await setFaults({ d1Fails: 1 });
    const answer = await postSigned(source, succeeded("cus_1"));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "unavailable" });
  });

  it("the outbox does not answer: the event is kept without a sequence, and gets one later", HEALING, async () => {
    await newEndpoint(merchant.key);
    const { bodies } = receiveAll();
    const isTriedAgain = untilWarned("backup.failed");
    await setFaults({ acceptFails: 1 });
    expect(await post(succeeded("cus_1"))).toEqual(ACCEPTED);
    const [spilled] = await untilListed(merchant.key, 1);
    await isTriedAgain();
    expect(spilled).toMatchObject({ sequence: null, user: "cus_1", type: "payment.succeeded" });
    await setFaults({});
    const shown = await untilStatus(merchant.key, String(spilled!["id"]), "delivered");
    expect(shown).toMatchObject({ id: spilled!["id"], sequence: 1 });
    expect(bodies.map((body) => JSON.parse(body))).toMatchObject([{ id: spilled!["id"], sequence: 1 }]);
  });

  it("neither outbox nor backup queue answer: the provider is told to come again", async () => {
    await setFaults({ acceptFails: 1, backupFails: 1 });
    expect((await postSigned(source, succeeded("cus_1"))).status).toBe(503);
    await setFaults({});
    expect((await call("GET", "/v1/events", { key: merchant.key })).json.data).toEqual([]);
  });

  it("the outbox does not answer, and the event is too large for the backup queue: it has to come again", async () => {
    await setFaults({ acceptFails: 1 });
    const custom = { text: "x".repeat(130_000) };
    const body = { id: unique("e"), type: "custom.note", user: "u_1", data: { custom } };
    expect(await call("POST", "/v1/events", { key: merchant.key, body })).toMatchObject({
      status: 503,
      json: { code: "unavailable" },
    });
    await newEndpoint(merchant.key, { payload: "raw" });
    const event = succeeded("cus_1", unique("pi"), { data: { object: intent(unique("pi"), { metadata: custom }) } });
    expect((await postSigned(source, event)).status).toBe(503);
    await setFaults({});
    receiveAll();
    expect(await post(event)).toEqual(ACCEPTED);
    expect((await call("POST", "/v1/events", { key: merchant.key, body })).json["status"]).toBe("accepted");
  });
});
