import { describe, expect, it } from "vitest";
import type { PaymentEvent } from "../../src/event/event.ts";
import type { EventType } from "../../src/event/event-types.ts";
import { applyEvent, type Facts, statusOf } from "../../src/event/lifecycle.ts";
import { eur, keyOf, ordersOf, paymentEvent, play } from "./payment-events.ts";

const statusAfter = (...events: PaymentEvent[]) => statusOf(play(events).facts);
const versionsOf = (...events: PaymentEvent[]) => play(events).applied.map(({ truth }) => truth.version);
const staleOf = (...events: PaymentEvent[]) => play(events).applied.map(({ stale }) => stale);

const refund = (id: string, value: number) => ({ refund: { id, amount: eur(value) } });
const paid = (value: number) => ({ payment: { amount: eur(value) } });

describe("the status of a payment", () => {
  it.each([
    ["an attempt that failed and is tried again", ["payment.failed", 1], ["payment.processing", 2], "processing"],
    ["a step back in the same second", ["payment.processing", 1], ["payment.pending", 1], "processing"],
    ["a failure in the same second as the attempt", ["payment.failed", 1], ["payment.processing", 1], "failed"],
    ["created late", ["payment.pending", 1], ["payment.created", 1], "pending"],
    ["pending with a newer clock after the success", ["payment.succeeded", 1], ["payment.pending", 9], "succeeded"],
    ["a failure after the success", ["payment.succeeded", 1], ["payment.failed", 9], "succeeded"],
    ["a late authorization", ["payment.failed", 9], ["payment.authorized", 1], "authorized"],
    ["a part captured", ["payment.authorized", 9], ["payment.partially_captured", 1], "partially_captured"],
    ["a cancellation of what is authorized", ["payment.authorized", 9], ["payment.canceled", 1], "canceled"],
    ["a success that outruns a cancellation", ["payment.canceled", 9], ["payment.succeeded", 1], "succeeded"],
    ["canceled and then expired", ["payment.canceled", 1], ["payment.expired", 2], "expired"],
    ["expired and then canceled", ["payment.canceled", 2], ["payment.expired", 1], "canceled"],
    ["canceled and expired at once", ["payment.canceled", 1], ["payment.expired", 1], "expired"],
    ["a reversal", ["payment.reversed", 1], ["payment.succeeded", 9], "reversed"],
  ] as [string, [EventType, number], [EventType, number], string][])("%s", (_, first, second, status) => {
    expect(statusAfter(paymentEvent(...first), paymentEvent(...second))).toBe(status);
    expect(statusAfter(paymentEvent(...second), paymentEvent(...first))).toBe(status);
  });

  it("is created while nothing is claimed of it", () => {
    expect(play([paymentEvent("unknown", 1)]).applied.at(0)!.truth).toEqual({
      status: "created",
      reported: null,
      version: 0,
    });
  });

  it("is reversed when a bank debit fails after it had succeeded", () => {
    const succeeded = paymentEvent("payment.succeeded", 5, { payment: { method: "sepa_debit" } });
    for (const order of ordersOf([succeeded, paymentEvent("payment.failed", 9)])) {
      expect(statusAfter(...order)).toBe("reversed");
    }
    expect(statusAfter(succeeded, paymentEvent("payment.failed", 3))).toBe("succeeded");
    const again = paymentEvent("payment.succeeded", 12);
    for (const order of ordersOf([succeeded, paymentEvent("payment.failed", 9), again])) {
      expect(statusAfter(...order)).toBe("reversed");
    }
  });

  it("reports what the event claimed, beside the truth", () => {
    const late = play([paymentEvent("payment.succeeded", 5), paymentEvent("payment.pending", 9)]).applied.at(1)!;
    expect(late.truth).toEqual({ status: "succeeded", reported: "pending", version: 1 });
    expect(late.stale).toBe(true);
  });
});

describe("refunds", () => {
  it("refund a payment in part, then wholly", () => {
    const events = [
      paymentEvent("payment.succeeded", 1, paid(1000)),
      paymentEvent("refund.succeeded", 2, refund("re_1", 400)),
      paymentEvent("refund.succeeded", 3, refund("re_2", 600)),
    ];
    expect(play(events).applied.map(({ truth }) => truth.status)).toEqual([
      "succeeded",
      "partially_refunded",
      "refunded",
    ]);
    for (const order of ordersOf(events)) expect(statusAfter(...order)).toBe("refunded");
  });

  it("count only once they have succeeded", () => {
    const succeeded = paymentEvent("payment.succeeded", 1, paid(1000));
    expect(statusAfter(succeeded, paymentEvent("refund.pending", 2, refund("re_1", 1000)))).toBe("succeeded");
    expect(statusAfter(succeeded, paymentEvent("refund.created", 2, refund("re_1", 1000)))).toBe("succeeded");
  });

  it.each(["refund.failed", "refund.returned"] as const)(
    "no longer count after %s, whenever it says it was",
    (type) => {
      const events = [
        paymentEvent("payment.succeeded", 1, paid(1000)),
        paymentEvent("refund.succeeded", 3, refund("re_1", 1000)),
        paymentEvent(type, 2, refund("re_1", 1000)),
      ];
      for (const order of ordersOf(events)) expect(statusAfter(...order)).toBe("succeeded");
    },
  );

  it("without an amount never refund the whole payment: a part went back, how much is not known", () => {
    const succeeded = paymentEvent("payment.succeeded", 1, paid(1000));
    const unknown = paymentEvent("refund.succeeded", 2, { refund: { id: "re_1" } });
    const nameless = paymentEvent("refund.succeeded", 3);
    for (const order of ordersOf([succeeded, unknown, nameless])) {
      expect(statusAfter(...order)).toBe("partially_refunded");
    }
    expect(versionsOf(succeeded, unknown, nameless)).toEqual([1, 2, 3]);
  });

  it("without an amount are as much as is said of them later, and change the truth once more", () => {
    const events = [
      paymentEvent("payment.succeeded", 1, paid(1000)),
      paymentEvent("refund.succeeded", 2, { refund: { id: "re_1" } }),
      paymentEvent("refund.succeeded", 3, refund("re_1", 1000)),
    ];
    expect(versionsOf(...events)).toEqual([1, 2, 3]);
    for (const order of ordersOf(events)) expect(statusAfter(...order)).toBe("refunded");
  });

  it("without an id are told apart by their events, and one that failed takes nothing from another", () => {
    const succeeded = paymentEvent("payment.succeeded", 1, paid(1000));
    const [one, other] = [paymentEvent("refund.succeeded", 2), paymentEvent("refund.failed", 3)];
    const { facts } = play([succeeded, one, other]);
    expect(facts.refunds.map(({ id }) => id).sort()).toEqual([`event:${keyOf(one)}`, `event:${keyOf(other)}`].sort());
    expect(statusOf(facts)).toBe("partially_refunded");
    expect(staleOf(succeeded, one, one)).toEqual([false, false, true]);
  });

  it("with an empty id have none", () => {
    const event = paymentEvent("refund.succeeded", 1, { refund: { id: "" } });
    expect(play([event]).facts.refunds.map(({ id }) => id)).toEqual([`event:${keyOf(event)}`]);
  });

  it("refund the whole payment where the provider says so, also without an amount", () => {
    const whole = { refund: { id: "re_2", whole: true as const } };
    const events = [
      paymentEvent("payment.succeeded", 1, paid(1000)),
      paymentEvent("refund.succeeded", 2, refund("re_1", 400)),
      paymentEvent("refund.succeeded", 3, whole),
    ];
    for (const order of ordersOf(events)) expect(statusAfter(...order)).toBe("refunded");
    expect(statusAfter(...events, paymentEvent("refund.failed", 4, { refund: { id: "re_2" } }))).toBe(
      "partially_refunded",
    );
    expect(statusAfter(events[0]!, paymentEvent("refund.pending", 3, whole))).toBe("succeeded");
  });

  it("without an id that the release before has stored are of an amount that is not known", () => {
    const { facts } = play([paymentEvent("payment.succeeded", 1, paid(1000))]);
    const stored: Facts = { ...facts, refunds: [{ id: "", status: "succeeded", amount: null }] };
    expect(statusOf(stored)).toBe("partially_refunded");
    const next = paymentEvent("refund.succeeded", 2);
    const applied = applyEvent(stored, next, "k")!;
    expect(applied.facts.refunds.map(({ id }) => id)).toEqual(["", "event:k"]);
    expect(applied).toMatchObject({ stale: false, truth: { status: "partially_refunded", version: 2 } });
  });

  it("count with the amount that was said last, and the higher one of the same second", () => {
    const low = paymentEvent("refund.succeeded", 3, refund("re_1", 400));
    const high = paymentEvent("refund.succeeded", 3, refund("re_1", 1000));
    const early = paymentEvent("refund.pending", 2, refund("re_1", 2000));
    for (const order of ordersOf([paymentEvent("payment.succeeded", 1, paid(1000)), low, early])) {
      expect(statusAfter(...order)).toBe("partially_refunded");
    }
    for (const order of ordersOf([paymentEvent("payment.succeeded", 1, paid(1000)), low, high])) {
      expect(statusAfter(...order)).toBe("refunded");
    }
  });

  it("of a payment whose amount is not known refund a part", () => {
    expect(statusAfter(paymentEvent("refund.succeeded", 2, refund("re_1", 400)))).toBe("partially_refunded");
  });

  it("are measured against what was captured, not what was asked for", () => {
    const events = [
      paymentEvent("payment.authorized", 1, paid(2000)),
      paymentEvent("payment.succeeded", 2, paid(500)),
      paymentEvent("refund.succeeded", 3, refund("re_1", 500)),
    ];
    for (const order of ordersOf(events)) expect(statusAfter(...order)).toBe("refunded");
  });

  it("each change the truth, also when two are pending at a time", () => {
    const events = [
      paymentEvent("payment.succeeded", 1, paid(1000)),
      paymentEvent("refund.pending", 2, refund("re_1", 400)),
      paymentEvent("refund.pending", 3, refund("re_2", 400)),
      paymentEvent("refund.created", 3, refund("re_2", 400)),
    ];
    expect(versionsOf(...events)).toEqual([1, 2, 3, 3]);
  });
});

describe("a provider's own sum of refunds", () => {
  const succeeded = paymentEvent("payment.succeeded", 1, paid(1000));
  const sum = (at: number, value: number) =>
    paymentEvent("refund.succeeded", at, { payment: { refunded: eur(value) } });

  it("refunds a payment without naming a refund; the highest counts", () => {
    for (const order of ordersOf([succeeded, sum(2, 400), sum(3, 1000)]))
      expect(statusAfter(...order)).toBe("refunded");
  });

  it("adds nothing to the refunds that it is the sum of, and tells nobody twice", () => {
    const one = paymentEvent("refund.succeeded", 2, refund("re_1", 400));
    expect(staleOf(succeeded, one, sum(2, 400))).toEqual([false, false, true]);
    expect(staleOf(succeeded, sum(2, 400), one)).toEqual([false, false, true]);
    expect(statusAfter(succeeded, one, sum(2, 400))).toBe("partially_refunded");
  });

  it("does not count what is pending or failed", () => {
    const pending = paymentEvent("refund.pending", 2, refund("re_1", 1000));
    const failed = paymentEvent("refund.failed", 9, refund("re_1", 1000));
    expect(statusAfter(succeeded, sum(2, 1000), pending)).toBe("succeeded");
    for (const order of ordersOf([succeeded, sum(2, 1000), pending, failed])) {
      expect(statusAfter(...order)).toBe("succeeded");
    }
  });
});

describe("disputes", () => {
  const succeeded = paymentEvent("payment.succeeded", 1, paid(1000));
  const dispute = (type: EventType, at: number, id = "dp_1") => paymentEvent(type, at, { dispute: { id } });

  it.each([
    [["dispute.warning"], "succeeded"],
    [["dispute.opened"], "disputed"],
    [["dispute.opened", "dispute.evidence_required"], "disputed"],
    [["dispute.opened", "dispute.under_review"], "disputed"],
    [["dispute.opened", "dispute.won"], "succeeded"],
    [["dispute.opened", "dispute.lost"], "dispute_lost"],
    [["dispute.opened", "dispute.accepted"], "dispute_lost"],
    [["dispute.opened", "dispute.won", "dispute.lost"], "dispute_lost"],
    [["dispute.opened", "dispute.lost", "dispute.reversed"], "succeeded"],
    [["dispute.opened", "dispute.closed"], "succeeded"],
    [["dispute.opened", "dispute.lost", "dispute.reopened"], "disputed"],
    [["dispute.opened", "dispute.won", "dispute.reopened", "dispute.under_review"], "disputed"],
    [["dispute.opened", "dispute.won", "dispute.reopened", "dispute.lost"], "dispute_lost"],
    [["dispute.closed", "dispute.lost", "dispute.reopened"], "disputed"],
    [["dispute.closed", "dispute.lost", "dispute.reopened", "dispute.under_review"], "disputed"],
    [["dispute.opened", "dispute.lost", "dispute.reopened", "dispute.closed"], "succeeded"],
  ] as [EventType[], string][])("%j in any order end as %s", (types, status) => {
    const events = types.map((type, i) => dispute(type, i + 2));
    for (const order of ordersOf([succeeded, ...events])) expect(statusAfter(...order)).toBe(status);
  });

  it("that are reopened go on from there: what was claimed before comes late, what comes after counts", () => {
    const over = [succeeded, dispute("dispute.opened", 2), dispute("dispute.lost", 3), dispute("dispute.reopened", 4)];
    expect(staleOf(...over, dispute("dispute.under_review", 5), dispute("dispute.won", 6))).not.toContain(true);
    for (const order of ordersOf([...over.slice(1), dispute("dispute.under_review", 5)])) {
      expect(play(order).facts.disputes).toMatchObject([{ status: "reopened", step: { status: "under_review" } }]);
      expect(statusAfter(...order)).toBe("disputed");
    }
    expect(staleOf(...over, dispute("dispute.evidence_required", 3)).at(-1)).toBe(true);
  });

  it("stay over when an update comes late", () => {
    const over = [succeeded, dispute("dispute.opened", 2), dispute("dispute.won", 3)];
    expect(staleOf(...over, dispute("dispute.under_review", 9)).at(-1)).toBe(true);
  });

  it("are told one by one", () => {
    const events = [succeeded, dispute("dispute.opened", 2), dispute("dispute.opened", 3, "dp_2")];
    expect(versionsOf(...events)).toEqual([1, 2, 3]);
    expect(statusAfter(...events, dispute("dispute.lost", 4))).toBe("disputed");
  });

  it("come before refunds in the status, and hide no claim about the payment itself", () => {
    const events = [
      dispute("dispute.opened", 5),
      paymentEvent("refund.succeeded", 4, refund("re_1", 400)),
      paymentEvent("payment.authorized", 1),
      paymentEvent("payment.succeeded", 2),
    ];
    expect(statusAfter(...events)).toBe("disputed");
    expect(staleOf(...events)).toEqual([false, false, false, false]);
  });
});

describe("version and stale", () => {
  it("count the changes of the truth alone", () => {
    const events = [
      paymentEvent("payment.created", 1, paid(1000)),
      paymentEvent("payment.succeeded", 2, paid(1000)),
      paymentEvent("payment.succeeded", 2, paid(1000)),
      paymentEvent("payment.processing", 1, paid(1000)),
      paymentEvent("unknown", 3),
      paymentEvent("refund.succeeded", 4, refund("re_1", 1000)),
    ];
    expect(versionsOf(...events)).toEqual([1, 2, 2, 2, 2, 3]);
    expect(staleOf(...events)).toEqual([false, false, true, true, false, false]);
  });

  it("see an amount that changes with the status it came with", () => {
    const events = [
      paymentEvent("payment.partially_captured", 1, paid(500)),
      paymentEvent("payment.partially_captured", 2, paid(1500)),
      paymentEvent("payment.partially_captured", 1, paid(500)),
    ];
    expect(staleOf(...events)).toEqual([false, false, true]);
  });

  it.each([
    "unknown",
    "custom.payment.noted",
    "invoice.paid",
    "payout.paid",
    "fraud.warning",
    "payment.authorization_expiring",
  ])("leave %s alone, which claims nothing", (type) => {
    const succeeded = applyEvent(null, paymentEvent("payment.succeeded", 1), "1")!;
    const event = paymentEvent(type as EventType, 2, { payment: { amount: eur(1) } });
    const applied = applyEvent(succeeded.facts, event, "2")!;
    expect(applied).toEqual({
      facts: succeeded.facts,
      stale: false,
      truth: { status: "succeeded", reported: null, version: 1 },
    });
  });

  it("do not exist for an event without a payment", () => {
    const event = paymentEvent("payout.paid", 1);
    expect(applyEvent(null, { ...event, data: { payout: { id: "po_1" } } }, "1")).toBeNull();
  });

  it("are the same whatever the ids look like", () => {
    const event = paymentEvent("refund.succeeded", 1, refund("__proto__", 5));
    const { facts } = applyEvent(null, event, "1")!;
    expect(applyEvent(JSON.parse(JSON.stringify(facts)) as Facts, event, "1")!.stale).toBe(true);
  });
});
