import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { eventOf, MessageMap, type Message } from "../../bridge/map.ts";
import { readCanonical } from "../../src/providers/canonical.ts";
import { parseObject } from "../../src/providers/json.ts";

const SIMPLE = {
  status: "/status",
  types: { success: "payment.succeeded", failed: "payment.failed", refunded: "refund.succeeded" },
  user: "/user_id",
  amount: "/amount",
  currency: { value: "USD" },
};

const bytesOf = (text: string) => new TextEncoder().encode(text);
const messageOf = (body: unknown, more: Partial<Message> = {}): Message => ({
  body: bytesOf(typeof body === "string" ? body : JSON.stringify(body)),
  routingKey: "payments",
  messageId: "m-1",
  ...more,
});
const mapOf = (more: Record<string, unknown> = {}) => MessageMap.parse({ ...SIMPLE, ...more });
const PAID = { user_id: 1, amount: 100, status: "success" };

/** What becomes of a message: the event, or the reason why it is none. */
function become(message: Message, map = mapOf(), options: Parameters<typeof eventOf>[2] = {}) {
  const mapped = eventOf(map, message, options);
  return mapped.ok ? { ...mapped, body: JSON.parse(mapped.body) as Record<string, unknown> } : mapped.reason;
}
const paymentOf = (message: Message, map = mapOf()) => {
  const mapped = become(message, map);
  return typeof mapped === "string" ? mapped : (mapped.body["data"] as { payment: unknown }).payment;
};

describe("a message", () => {
  it("becomes the event that the map says", () => {
    expect(become(messageOf(PAID))).toEqual({
      ok: true,
      id: "m-1",
      lane: "user 1",
      body: {
        type: "payment.succeeded",
        user: "1",
        data: { payment: { id: "m-1", amount: { value: "100", currency: "USD" } } },
      },
    });
  });

  it("becomes all that the map can say", () => {
    const map = mapOf({
      payment: "/payment/id",
      reference: "/order",
      currency: "/currency",
      occurredAt: "/at",
      livemode: "/live",
    });
    const body = { ...PAID, payment: { id: 77 }, order: "o-7", currency: "eur", at: 1_795_521_600, live: false };
    expect(become(messageOf(body), map)).toMatchObject({
      body: {
        type: "payment.succeeded",
        user: "1",
        livemode: false,
        timestamp: "2026-11-24T12:00:00.000Z",
        data: { payment: { id: "77", reference: "o-7", amount: { value: "100", currency: "EUR" } } },
      },
    });
  });

  it("of a refund has the amount of the refund, and names the payment", () => {
    const body = { ...PAID, status: "refunded", payment: "p-1" };
    expect(become(messageOf(body), mapOf({ payment: "/payment" }))).toMatchObject({
      body: {
        type: "refund.succeeded",
        data: { payment: { id: "p-1" }, refund: { id: "m-1", amount: { value: "100", currency: "USD" } } },
      },
    });
    expect(become(messageOf(body))).toBe("event_invalid data.payment.id");
  });

  it.each([
    ["100", "100"],
    ["100.0", "100"],
    ['"100"', "100"],
    ["0", "0"],
    ["900719925474099312", "900719925474099312"],
    ["0.5", "amount_unusable"],
    ["-1", "amount_unusable"],
    ["true", "amount_unusable"],
    ["null", "amount_missing"],
  ])("with the amount %s in minor units has %s", (written, value) => {
    const payment = paymentOf(messageOf(`{"user_id":1,"status":"success","amount":${written}}`));
    expect(payment).toEqual(value.startsWith("amount") ? value : { id: "m-1", amount: { value, currency: "USD" } });
  });

  it.each([
    ["19.99", "1999"],
    ["19.9", "1990"],
    ['"19.990"', "1999"],
    ["1.005", "amount_unusable"],
    ["0.30000000000000004", "amount_unusable"],
    ["0.1000000000000000055", "amount_unusable"],
    ["1e30", "amount_unusable"],
  ])("with the amount %s in major units has %s", (written, value) => {
    const payment = paymentOf(
      messageOf(`{"user_id":1,"status":"success","amount":${written}}`),
      mapOf({ unit: "major" }),
    );
    expect(payment).toEqual(value.startsWith("amount") ? value : { id: "m-1", amount: { value, currency: "USD" } });
  });

  it("counts a currency without decimals, and one with three, as ISO 4217 does", () => {
    const inMajor = (currency: string) => mapOf({ unit: "major", currency: { value: currency } });
    expect(paymentOf(messageOf({ ...PAID, amount: 500 }), inMajor("JPY"))).toMatchObject({ amount: { value: "500" } });
    expect(paymentOf(messageOf({ ...PAID, amount: 1.234 }), inMajor("KWD"))).toMatchObject({
      amount: { value: "1234" },
    });
  });

  it("keeps every digit of a long id", () => {
    expect(become(messageOf('{"user_id":12345678901234567890,"amount":1,"status":"success"}'))).toMatchObject({
      body: { user: "12345678901234567890" },
    });
  });

  it.each([
    { what: "no JSON", body: '{"user_id":', reason: "not_a_json_object" },
    { what: "no UTF-8", body: new Uint8Array([0x7b, 0xff, 0x7d]), reason: "not_a_json_object" },
    { what: "an array", body: "[1]", reason: "not_a_json_object" },
    { what: "a status that the map does not know", body: { ...PAID, status: "odd" }, reason: "status_unusable" },
    { what: "a status of the prototype", body: { ...PAID, status: "constructor" }, reason: "status_unusable" },
    { what: "a status that is an object", body: { ...PAID, status: { toString: 1 } }, reason: "status_unusable" },
    { what: "nobody", body: { amount: 1, status: "success" }, reason: "user_missing" },
    { what: "a user who is an object", body: { ...PAID, user_id: {} }, reason: "user_unusable" },
    { what: "several faults", body: { status: "odd" }, reason: "status_unusable user_missing amount_missing" },
    { what: "a user too long", body: { ...PAID, user_id: "u".repeat(129) }, reason: "event_invalid user" },
  ])("becomes no event where it holds $what, and the reason quotes nothing", ({ body, reason }) => {
    const message = body instanceof Uint8Array ? { ...messageOf(""), body } : messageOf(body);
    expect(become(message)).toBe(reason);
  });

  it("may do without what the map calls optional, and without nothing else", () => {
    const map = mapOf({ user: { pointer: "/user_id", optional: true } });
    expect(become(messageOf({ amount: 1, status: "success" }), map)).toMatchObject({ lane: "key payments" });
    expect(become(messageOf({ user_id: [], amount: 1, status: "success" }), map)).toBe("user_unusable");
  });

  it("happened when it says, else when RabbitMQ says, else Paybell notes when it came", () => {
    const timestamp = 1_795_521_600;
    const map = mapOf({ occurredAt: "/at" });
    const at = (message: Message, map = mapOf()) => become(message, map) as { body: unknown };
    expect(at(messageOf({ ...PAID, at: "2026-11-24T13:00:00" }, { timestamp }), map).body).toMatchObject({
      timestamp: "2026-11-24T13:00:00.000Z",
    });
    expect(at(messageOf({ ...PAID, at: 1_795_525_200_000 }), map).body).toMatchObject({
      timestamp: "2026-11-24T13:00:00.000Z",
    });
    expect(at(messageOf(PAID, { timestamp })).body).toMatchObject({ timestamp: "2026-11-24T12:00:00.000Z" });
    expect(at(messageOf(PAID)).body).not.toHaveProperty("timestamp");
    expect(become(messageOf({ ...PAID, at: "yesterday" }), map)).toBe("occurredAt_unusable");
  });
});

describe("the id", () => {
  const idOf = (message: Message, map = mapOf(), options = {}) => {
    const mapped = become(message, map, options);
    return typeof mapped === "string" ? mapped : mapped.id;
  };

  it("is the message's, else the mapped field, else the content's hash where that is wanted", () => {
    const nameless = messageOf({ ...PAID, event: "e-7" }, { messageId: "" });
    expect(idOf(messageOf({ ...PAID, event: "e-7" }), mapOf({ id: "/event" }))).toBe("m-1");
    expect(idOf(nameless, mapOf({ id: "/event" }), { dedupe: "content" })).toBe("e-7");
    expect(idOf(nameless, mapOf(), { dedupe: "content" })).toMatch(/^sha256-[0-9a-f]{64}$/);
    expect(idOf(nameless, mapOf({ id: "/none" }), { dedupe: "content" })).toMatch(/^sha256-/);
    expect(idOf(nameless)).toBe("id_missing");
    expect(idOf(nameless, mapOf({ id: "/none" }))).toBe("id_missing");
  });

  it("is one that a header can hold", () => {
    expect(idOf(messageOf(PAID, { messageId: "m 1" }))).toBe("id_unusable");
    expect(idOf(messageOf(PAID, { messageId: "é" }))).toBe("id_unusable");
  });

  it("tells equal messages apart, unless only their content is asked", () => {
    const [one, other] = [messageOf(PAID, { messageId: "m-1" }), messageOf(PAID, { messageId: "m-2" })];
    expect(idOf(one)).not.toBe(idOf(other));
    const hash = (body: unknown) => idOf(messageOf(body, { messageId: "" }), mapOf(), { dedupe: "content" });
    expect(hash(PAID)).toBe(hash(PAID));
    expect(hash(PAID)).not.toBe(hash({ ...PAID, amount: 101 }));
  });
});

describe("the lane", () => {
  const laneOf = (more: Record<string, unknown>, body: unknown = { ...PAID, account: 7 }) =>
    (become(messageOf(body), mapOf(more)) as { lane: string }).lane;

  it("is the user's, else the routing key's; or what the map says", () => {
    expect(laneOf({})).toBe("user 1");
    expect(laneOf({ user: undefined })).toBe("key payments");
    expect(laneOf({ orderBy: "routingKey" })).toBe("key payments");
    expect(laneOf({ orderBy: "/account" })).toBe("field 7");
    expect(laneOf({ orderBy: "/none" })).toBe("field ");
  });
});

describe("the map", () => {
  it.each([
    { what: "an amount without a currency", map: { ...SIMPLE, currency: undefined } },
    { what: "a type that Paybell does not know", map: { ...SIMPLE, types: { success: "payment.succeded" } } },
    { what: "a type that needs more than a message says", map: { ...SIMPLE, types: { success: "dispute.opened" } } },
    { what: "a pointer that is none", map: { ...SIMPLE, user: "user_id" } },
    { what: "a field that it does not have", map: { ...SIMPLE, curency: { value: "USD" } } },
    { what: "no types", map: { ...SIMPLE, types: undefined } },
  ])("is refused with $what", ({ map }) => {
    expect(MessageMap.safeParse(map).success).toBe(false);
  });
});

describe("whatever a message holds", () => {
  const wild = fc.record({
    user_id: fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
    amount: fc.oneof(fc.nat(), fc.double(), fc.string(), fc.jsonValue()),
    status: fc.oneof(fc.constantFrom("success", "failed", "refunded"), fc.jsonValue()),
    at: fc.oneof(fc.date().map(String), fc.double(), fc.jsonValue()),
  });
  const map = mapOf({ occurredAt: { pointer: "/at", optional: true }, payment: "/user_id" });

  it("makes it what Paybell takes as it was meant, or a reason; the same each time", () => {
    fc.assert(
      fc.property(wild, fc.constantFrom("minor", "major"), (body, unit) => {
        const message = messageOf(body);
        const mapped = eventOf({ ...map, unit }, message);
        expect(eventOf({ ...map, unit }, message)).toEqual(mapped);
        if (!mapped.ok) {
          expect(mapped.reason).toMatch(/^[\w. ]+$/);
          return;
        }
        const taken = readCanonical(parseObject(bytesOf(mapped.body)), mapped.id);
        expect(taken.type).toBe(SIMPLE.types[body.status as "success"]);
        expect(taken.customer).toBe(`${body.user_id as string | number}`);
      }),
    );
  });

  it("no bytes break it", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        expect(eventOf(map, { ...messageOf(""), body }).ok).toBe(false);
      }),
    );
  });

  it("an amount in cents is the same in both units", () => {
    fc.assert(
      fc.property(fc.nat({ max: 99_999_999 }), (cents) => {
        const decimal = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
        const written = (amount: string) => messageOf(`{"user_id":1,"status":"success","amount":${amount}}`);
        expect(paymentOf(written(decimal), mapOf({ unit: "major" }))).toEqual(paymentOf(written(String(cents))));
      }),
    );
  });
});
