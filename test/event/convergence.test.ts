import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../src/event/event-types.ts";
import { applyEvent, type Facts, mergeFacts, statusOf } from "../../src/event/lifecycle.ts";
import { eur, keyOf, ordersOf, paymentEvent, play } from "./payment-events.ts";

const paid = (value: number) => ({ payment: { amount: eur(value) } });

const at = fc.integer({ min: 1, max: 4 });
const amount = fc.option(fc.constantFrom(100, 500, 1000), { nil: undefined });
const money = amount.map((value) => (value === undefined ? {} : { amount: eur(value) }));
const claims = EVENT_TYPES.filter((type) => /^(payment|refund|dispute|fraud)\.|^unknown$/.test(type));
const event = fc
  .record({
    type: fc.constantFrom(...claims),
    at,
    money,
    part: money,
    id: fc.constantFrom("1", "2"),
    isNamed: fc.boolean(),
    whole: fc.constantFrom({}, { whole: true as const }),
    sum: fc.option(fc.constantFrom(100, 700), { nil: undefined }),
    method: fc.constantFrom("card", "us_bank_account"),
  })
  .map(({ type, at, money, part, id, isNamed, whole, sum, method }) => {
    const refunded = sum === undefined || !type.startsWith("refund.") ? {} : { refunded: eur(sum) };
    const about =
      type.startsWith("refund.") && sum === undefined && isNamed ? { refund: { id, ...part, ...whole } } : {};
    const dispute = type.startsWith("dispute.") ? { dispute: { id } } : {};
    return paymentEvent(type, at, { payment: { ...money, ...refunded, method }, ...about, ...dispute });
  });
const script = fc.array(event, { minLength: 1, maxLength: 8 });
const withoutVersion = (facts: Facts) => ({ ...facts, version: null });

describe("whatever the order", () => {
  it("a script that is shuffled and doubled ends in the same facts and the same status", () => {
    const shuffled = script.chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2, maxLength: events.length * 2 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([events, mixed]) => {
        const [straight, crooked] = [play(events), play(mixed)];
        expect(withoutVersion(crooked.facts)).toEqual(withoutVersion(straight.facts));
        expect(statusOf(crooked.facts)).toBe(statusOf(straight.facts));
      }),
      { numRuns: 1000 },
    );
  });

  it("an event that is applied again is stale, if it claims anything, and changes nothing", () => {
    fc.assert(
      fc.property(script, fc.nat(), (events, pick) => {
        const { facts, applied } = play(events);
        const again = events.at(pick % events.length)!;
        const second = applyEvent(facts, again, keyOf(again))!;
        expect(second.facts).toEqual(facts);
        expect(second.stale).toBe(/^(payment|refund|dispute)\./.test(again.type) && !again.type.endsWith("_expiring"));
        expect(applied.at(-1)!.truth.version).toBe(facts.version);
      }),
    );
  });

  it("the version rises by one exactly where an event is neither stale nor without a claim", () => {
    fc.assert(
      fc.property(script, (events) => {
        let version = 0;
        for (const { stale, truth } of play(events).applied) {
          expect(truth.version - version === 0 || (truth.version - version === 1 && !stale)).toBe(true);
          version = truth.version;
        }
      }),
    );
  });

  it("a payment is refunded wholly only by a sum that reaches it or by a refund that says so", () => {
    fc.assert(
      fc.property(script, (events) => {
        const { facts } = play(events);
        const succeeded = events.filter(({ type }) => type === "refund.succeeded");
        const hasSaid = succeeded.some(({ data }) => data.refund?.whole);
        const hasSum = events.some(({ data }) => data.payment?.refunded ?? data.refund?.amount);
        expect(statusOf(facts) === "refunded" && !hasSaid && !(hasSum && facts.amount)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it("facts stay the same through JSON", () => {
    fc.assert(
      fc.property(script, (events) => {
        const { facts } = play(events);
        expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
      }),
    );
  });

  it("the first life of a payment at Stripe ends in one status: 24 orders, each event once and twice", () => {
    const life = [
      paymentEvent("payment.created", 1, paid(1999)),
      paymentEvent("payment.succeeded", 2, paid(1999)),
      paymentEvent("refund.succeeded", 3, { refund: { id: "re_1", amount: eur(1999) } }),
      paymentEvent("dispute.opened", 4, { dispute: { id: "dp_1", amount: eur(1999) } }),
    ];
    const orders = ordersOf(life);
    const ends = [...orders, ...orders.map((order) => [...order, ...order])].map((order) => play(order).facts);
    expect(orders).toHaveLength(24);
    expect(new Set(ends.map(statusOf))).toEqual(new Set(["disputed"]));
    expect(new Set(ends.map((facts) => JSON.stringify(withoutVersion(facts)))).size).toBe(1);
  });
});

describe("mergeFacts", () => {
  const facts = script.map((events) => play(events).facts);

  it("does not care which side is named first", () => {
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        expect(mergeFacts(a, b)).toEqual(mergeFacts(b, a));
      }),
    );
  });

  it("does not care which pair is merged first", () => {
    fc.assert(
      fc.property(facts, facts, facts, (a, b, c) => {
        const [left, right] = [mergeFacts(mergeFacts(a, b), c), mergeFacts(a, mergeFacts(b, c))];
        expect(withoutVersion(left)).toEqual(withoutVersion(right));
        expect(statusOf(left)).toBe(statusOf(right));
      }),
    );
  });

  it("of facts with themselves changes nothing", () => {
    fc.assert(
      fc.property(facts, (a) => {
        expect(mergeFacts(a, a)).toEqual(a);
      }),
    );
  });

  it("ends where the events of both sides end", () => {
    fc.assert(
      fc.property(script, script, (a, b) => {
        const merged = mergeFacts(play(a).facts, play(b).facts);
        expect(withoutVersion(merged)).toEqual(withoutVersion(play([...a, ...b]).facts));
      }),
    );
  });

  it("raises the version by one where the side of the higher version learns something", () => {
    const known = play([paymentEvent("payment.pending", 1), paymentEvent("payment.succeeded", 2)]).facts;
    const late = play([paymentEvent("payment.pending", 1)]).facts;
    const news = play([paymentEvent("dispute.opened", 3, { dispute: { id: "dp_1" } })]).facts;
    expect([known.version, late.version, news.version]).toEqual([2, 1, 1]);
    expect(mergeFacts(known, late).version).toBe(2);
    expect(mergeFacts(known, news).version).toBe(3);
    expect(statusOf(mergeFacts(known, news))).toBe("disputed");
  });
});
