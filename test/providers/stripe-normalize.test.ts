import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { statusOf } from "../../src/event/lifecycle.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { eur, ordersOf } from "../event/payment-events.ts";
import {
  charge,
  CREATED,
  dispute,
  eventOf,
  factsOf,
  intent,
  type Json,
  normalize,
  paymentMethod,
  payout,
  refund,
} from "./stripe-objects.ts";

describe("charge.refunded", () => {
  const event = (fields: Json) => eventOf("charge.refunded", { ...charge, payment_intent: "pi_1", ...fields });

  it("says the sum of all refunds, and refunds the payment by it", async () => {
    const { type, data } = await normalize(event({ amount_refunded: 1999 }));
    expect(type).toBe("refund.succeeded");
    expect(data).toEqual({ payment: { id: "pi_1", amount: eur(1999), refunded: eur(1999) } });
    expect(statusOf(await factsOf([event({ amount_refunded: 1999 })]))).toBe("refunded");
    expect(statusOf(await factsOf([event({ amount_refunded: 500 })]))).toBe("partially_refunded");
  });

  it("is measured against what was captured", async () => {
    const facts = await factsOf([event({ amount_captured: 500, amount_refunded: 500 })]);
    expect(statusOf(facts)).toBe("refunded");
  });

  it("names the newest refund and its state where the API version still lists them", async () => {
    const refunds = {
      data: [
        { ...refund, status: "pending" },
        { ...refund, id: "re_0" },
      ],
    };
    const { type, data } = await normalize(event({ amount_refunded: 1000, refunds }));
    expect(type).toBe("refund.pending");
    expect(data.refund?.id).toBe("re_1");
  });

  it("claims nothing where an authorization was released that was never captured", async () => {
    const released = event({ captured: false, amount_captured: 0, amount_refunded: 1999 });
    const canceled = eventOf("payment_intent.canceled", intent);
    expect((await normalize(released)).type).toBe("unknown");
    expect(statusOf(await factsOf([canceled, released]))).toBe("canceled");
  });
});

describe("the customer", () => {
  it.each([
    ["by id", eventOf("payment_intent.succeeded", intent), "cus_1"],
    ["expanded", eventOf("payment_intent.succeeded", { ...intent, customer: { id: "cus_2" } }), "cus_2"],
    ["not known", eventOf("payment_intent.created", { ...intent, customer: null }), null],
    ["not named", eventOf("refund.created", refund), null],
    ["the object itself", eventOf("customer.updated", { id: "cus_3", object: "customer" }), "cus_3"],
    ["absurd", eventOf("payment_intent.succeeded", { ...intent, customer: 7 }), null],
    [
      "whom a payment method belonged to",
      eventOf("payment_method.detached", null, {
        data: { object: { ...paymentMethod, customer: null }, previous_attributes: { customer: "cus_4" } },
      }),
      "cus_4",
    ],
  ])("is %s", async (_, event, customer) => {
    expect((await normalize(event)).customer).toBe(customer);
  });
});

describe("the payment", () => {
  it.each([
    ["the intent of a refund", eventOf("refund.created", refund), "pi_1"],
    ["its charge where it has no intent", eventOf("refund.created", { ...refund, payment_intent: null }), "ch_1"],
    [
      "the intent of an expanded dispute",
      eventOf("charge.dispute.created", { ...dispute, payment_intent: intent }),
      "pi_1",
    ],
    ["an expanded charge", eventOf("refund.created", { ...refund, payment_intent: null, charge }), "ch_1"],
    ["not known", eventOf("refund.created", { ...refund, payment_intent: null, charge: null }), undefined],
  ])("is %s", async (_, event, id) => {
    expect((await normalize(event)).data.payment?.id).toBe(id);
  });
});

describe("money at Stripe", () => {
  it.each([
    [1999, "usd", "1999", "USD"],
    [500, "jpy", "500", "JPY"],
    [1230, "kwd", "1230", "KWD"],
    [50_000, "isk", "500", "ISK"],
    [500_00, "ugx", "500", "UGX"],
    [500, "mga", "50000", "MGA"],
    [200_00, "huf", "20000", "HUF"],
  ])("%d %s is %s %s", async (amount, currency, value, code) => {
    const event = await normalize(eventOf("payment_intent.created", { ...intent, amount, currency }));
    expect(event.data.payment?.amount).toEqual({ value, currency: code });
  });

  it.each([
    [19.99, "eur"],
    [-1999, "eur"],
    [1e30, "eur"],
    ["1999", "eur"],
    [null, "eur"],
    [{}, "eur"],
    [1999, "zzz"],
    [1999, null],
    [50_001, "isk"],
  ])("%j %s is left out", async (amount, currency) => {
    const event = await normalize(
      eventOf("payment_intent.succeeded", { ...intent, amount, amount_received: amount, currency }),
    );
    expect(event.data.payment).toEqual({ id: "pi_1", reference: "order_77", method: "card" });
  });

  it("drawn back from the merchant's bank is a negative payout", async () => {
    const event = await normalize(eventOf("payout.created", { ...payout, amount: -300 }));
    expect(event.data.payout?.amount).toEqual(eur(-300));
  });
});

describe("a body that was signed", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("may begin with a byte order mark", async () => {
    const event = eventOf("payment_intent.succeeded", intent);
    expect((await normalize(bytes(`\uFEFF${JSON.stringify(event)}`))).eventId).toBe("evt_1");
  });

  it.each([
    ["empty", bytes("")],
    ["no JSON", bytes("id=evt_1")],
    ["no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["no object", bytes("[]")],
    ["null", bytes("null")],
    ["another object", bytes('{"id":"pi_1","object":"payment_intent","type":"x"}')],
    ["without an id", bytes('{"object":"event","type":"x"}')],
    ["without a type", bytes('{"object":"event","id":"evt_1"}')],
  ])("is unparseable when it is %s", async (_, body) => {
    await expect(normalize(body)).rejects.toBeInstanceOf(UnparseableError);
  });

  it("without a time of its own has the time that was signed", async () => {
    const headers = { "stripe-signature": `t=${CREATED},v1=${"0".repeat(64)}` };
    for (const created of [undefined, null, "soon", -1, 1.5, 1e300]) {
      expect((await normalize(eventOf("x.y", {}, { created }), headers)).occurredAt).toBe(CREATED * 1000);
    }
  });

  it("never makes normalize throw once it is an event, whatever its object holds", async () => {
    const types = ["payment_intent.payment_failed", "charge.refunded", "refund.created", "charge.dispute.closed"];
    const type = fc.constantFrom(...types, "payout.paid", "balance.available", "payment_method.attached", "x.y");
    const keys = [...Object.keys({ ...intent, ...charge, ...dispute, ...payout }), "card", "refunds", "available"];
    const object = fc.oneof(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(type, object, fc.jsonValue(), async (type, object, created) => {
        const event = await normalize(eventOf(type, object, { created }));
        expect(new Date(event.occurredAt!).toISOString()).toMatch(/Z$/);
      }),
      { numRuns: 1000 },
    );
  });
});

it("a payment's first life at Stripe ends as disputed in all of its 24 orders, each event once and twice", async () => {
  const life = [
    eventOf("payment_intent.created", { ...intent, customer: null }, { id: "evt_1", created: CREATED }),
    eventOf("payment_intent.succeeded", { ...intent, amount_received: 1999 }, { id: "evt_2", created: CREATED + 1 }),
    eventOf("refund.created", refund, { id: "evt_3", created: CREATED + 1 }),
    eventOf("charge.dispute.created", dispute, { id: "evt_4", created: CREATED + 2 }),
  ];
  const ends = new Set<string>();
  for (const order of ordersOf(life)) {
    for (const events of [order, [...order, ...order], order.flatMap((event) => [event, event])]) {
      const facts = await factsOf(events);
      ends.add(JSON.stringify({ ...facts, version: null }));
      expect(statusOf(facts)).toBe("disputed");
    }
  }
  expect(ends.size).toBe(1);
});
