import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";

import { bodyFor } from "../../src/event/envelope.ts";
import {
  LOG,
  V,
  type Attempt,
  type DeliveriesMessage,
  type DeliveryRow,
  type EventItem,
  type RetryInput,
} from "../../src/outbox/contract.ts";
import { paymentKey, userKey } from "../../src/outbox/keys.ts";
import { followPayment } from "../../src/outbox/bind.ts";
import { writeLog } from "../../src/store/log.ts";
import {
  accept,
  acceptEvent,
  endpoint,
  itemOf,
  newOutbox,
  pass,
  paymentEvent,
  settle,
  settleOf,
  unique,
} from "../support/builders.ts";

const DAY_MS = 24 * 3_600_000;

const failed = (retryAt: number, answered = true) => ({ kind: "failed" as const, at: Date.now(), retryAt, answered });

/** The log's row of an item's first attempt, which failed. */
function retryingRow({ record, ready: [dispatch] }: EventItem): DeliveryRow {
  const { delivery, destination, counter, previous } = dispatch!;
  const { merchant, user, key, provider, acceptedAt, id: event } = record;
  const attempt: Attempt = { at: acceptedAt, class: "http", durationMs: 1, trigger: "scheduled", status: 500 };
  const named = { id: delivery, merchant, event, destination, user, key, provider, acceptedAt, counter, previous };
  return { ...named, status: "retrying", reason: "http", waitingFor: null, dueAt: acceptedAt + 60_000, attempt };
}

describe("accept", () => {
  it("gives each event the next sequence, and the body says what was planned before", async () => {
    const { outbox, merchant } = await newOutbox();
    const results = await accept(
      outbox,
      await acceptEvent({ merchant }),
      await acceptEvent({ merchant, plan: [] }),
      await acceptEvent({ merchant }),
    );
    expect(results.map((result) => "sequence" in result && result.sequence)).toEqual([1, 2, 3]);
    const [first, , third] = results.map(itemOf);
    expect(first!.planned[0]!.previous).toBeNull();
    expect(third!.planned[0]!.previous).toBe(1);
    expect(JSON.parse(bodyFor(third!.record.template!, 1))).toMatchObject({ sequence: 3, previous: 1, stale: false });
  });

  it("knows an event again, also after it was evicted", async () => {
    const { outbox, merchant } = await newOutbox();
    const event = await acceptEvent({ merchant });
    await accept(outbox, event);
    await evictDurableObject(outbox);
    expect(await accept(outbox, { ...event, receivedAt: event.receivedAt + 5000, id: "evt_later" })).toEqual([
      { status: "duplicate", id: event.id, sequence: 1, differs: false },
    ]);
  });

  it("refuses a known id with other content where the API asks for that, and notes it for a provider", async () => {
    const { outbox, merchant } = await newOutbox();
    const event = await acceptEvent({ merchant });
    const other = await acceptEvent({ merchant, event: paymentEvent({ livemode: false }) });
    await accept(outbox, event);
    const changed = { ...event, inputHash: other.inputHash };
    expect((await accept(outbox, changed))[0]).toMatchObject({ status: "conflict" });
    expect((await accept(outbox, { ...changed, onDifference: "note" }))[0]).toMatchObject({
      status: "duplicate",
      differs: true,
    });
  });

  it("hands over the first of a lane and lets the next wait for it", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf);
    expect(first!.ready).toMatchObject([{ destination: "ep_1", counter: 1, attempts: 0 }]);
    expect(second!.planned[0]!.waitsFor).toEqual({ reason: "lane", delivery: first!.ready[0]!.delivery });
    expect(second!.ready.map(({ destination }) => destination)).toEqual([LOG]);
  });

  it("orders by payment, or not at all, where the endpoint says so", async () => {
    const { outbox, merchant } = await newOutbox();
    const data = { payment: { id: "pi_1" } };
    const plan = [endpoint("ep_pay", { ordering: "payment" }), endpoint("ep_none", { ordering: "none" })];
    const results = await accept(
      outbox,
      await acceptEvent({ merchant, plan, event: paymentEvent({ type: "payment.pending", data }) }),
      await acceptEvent({ merchant, plan, event: paymentEvent({ data }) }),
      await acceptEvent({ merchant, plan }),
    );
    expect(results.map((result) => itemOf(result).ready.map(({ destination }) => destination))).toEqual([
      ["ep_pay", "ep_none"],
      ["ep_none"],
      ["ep_pay", "ep_none"],
    ]);
  });

  it("does not send what is stale but to those who ask for it", async () => {
    const { outbox, merchant } = await newOutbox();
    const data = { payment: { id: "pi_1" } };
    const plan = [endpoint("ep_1"), endpoint("ep_all", { includeStale: true })];
    const [, late] = (
      await accept(
        outbox,
        await acceptEvent({ merchant, plan, event: paymentEvent({ data }) }),
        await acceptEvent({ merchant, plan, event: paymentEvent({ type: "payment.pending", data }) }),
      )
    ).map(itemOf);
    expect(late!.record.stale).toBe(true);
    expect(late!.planned.map(({ destination, skipped }) => [destination, skipped])).toEqual([
      ["ep_all", null],
      ["ep_1", "stale"],
    ]);
    const body = JSON.parse(bodyFor(late!.record.template!, 1));
    expect(body.data.payment).toMatchObject({ status: "succeeded", reported: "pending", version: 1 });
  });
});

describe("settle", () => {
  it("hands back the next of the lane, and enqueues it where the caller takes no more", async () => {
    const { outbox, merchant } = await newOutbox();
    const events = await Promise.all([1, 2, 3].map(() => acceptEvent({ merchant })));
    const [first] = (await accept(outbox, ...events)).map(itemOf);
    const [second] = await settle(outbox, [settleOf(first!, { kind: "delivered" })]);
    expect(second).toMatchObject({ record: { id: events[1]!.id }, ready: [{ counter: 1, previous: 1 }] });
    expect(await settle(outbox, [settleOf(second!, { kind: "delivered" })], 0)).toEqual([]);
  });

  it("hands an event over for the log alone until one of its deliveries is handed over", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf);
    const forLog = { v: V, event: second!.record.id, delivery: second!.ready[0]!.delivery };
    expect((await outbox.inspect(forLog)).found).toBe(true);
    await settle(outbox, [settleOf(first!, { kind: "delivered" })]);
    expect((await outbox.inspect(forLog)).found).toBe(false);
  });

  it("ignores a failure of an older dispatch, but not its success", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    await pass(outbox, 61_000);
    await runDurableObjectAlarm(outbox);
    const delivery = item.ready[0]!.delivery;
    await settle(outbox, [settleOf(item, failed(Date.now() + 1000))]);
    expect(await outbox.inspect({ v: V, event: item.record.id, delivery })).toMatchObject({ found: true, attempts: 0 });
    await settle(outbox, [settleOf(item, { kind: "delivered" })]);
    expect((await outbox.inspect({ v: V, event: item.record.id, delivery })).found).toBe(false);
  });

  it("keeps the lane while its head fails, and says what each waits for", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf);
    const retryAt = Date.now() + 30_000;
    expect(await settle(outbox, [settleOf(first!, failed(retryAt))])).toEqual([]);
    const delivery = first!.ready[0]!.delivery;
    expect(await outbox.inspect({ v: V, event: first!.record.id, delivery })).toEqual({
      found: true,
      attempts: 1,
      waitingFor: { reason: "backoff", until: retryAt },
    });
    expect(
      await outbox.inspect({ v: V, event: second!.record.id, delivery: second!.planned[0]!.delivery }),
    ).toMatchObject({ waitingFor: { reason: "lane", delivery } });
  });

  it("sets a head aside that the receiver has answered with errors for maxHold, and lets the lane go on", async () => {
    const { outbox, merchant } = await newOutbox();
    const plan = [endpoint("ep_1", { maxHoldSeconds: 60 })];
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant, plan }), await acceptEvent({ merchant, plan }))
    ).map(itemOf);
    await settle(outbox, [settleOf(first!, failed(Date.now() + 7_200_000)), settleOf(second!, { kind: "logged" })]);
    await pass(outbox, 61_000);
    await runDurableObjectAlarm(outbox);
    const event = second!.record.id;
    expect((await outbox.inspect({ v: V, event, delivery: second!.planned[0]!.delivery })).waitingFor).toBeNull();
    expect((await outbox.inspect({ v: V, event: first!.record.id, delivery: first!.ready[0]!.delivery })).found).toBe(
      true,
    );
  });

  it("does not set a head aside that gets no answer at all: the endpoint is down", async () => {
    const { outbox, merchant } = await newOutbox();
    const plan = [endpoint("ep_1", { maxHoldSeconds: 60 })];
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant, plan }), await acceptEvent({ merchant, plan }))
    ).map(itemOf);
    await settle(outbox, [
      settleOf(first!, failed(Date.now() + 7_200_000, false)),
      settleOf(second!, { kind: "logged" }),
    ]);
    await pass(outbox, 61_000);
    await runDurableObjectAlarm(outbox);
    const [delivery, event] = [second!.planned[0]!.delivery, second!.record.id];
    expect((await outbox.inspect({ v: V, event, delivery })).waitingFor).toMatchObject({ reason: "lane" });
  });
});

describe("leases and claims", () => {
  it("sends again what nobody settled, under the next number, and the old one may not start", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    const claim = (counter: number, mode: "again" | "once" = "again", by = "a") =>
      outbox.claim({ v: V, event: item.record.id, delivery: item.ready[0]!.delivery, counter, mode, by });
    expect(await claim(1)).not.toBeNull();
    await pass(outbox, 120_000);
    await runDurableObjectAlarm(outbox);
    expect(await claim(1)).toBeNull();
    expect(await claim(2)).not.toBeNull();
  });

  it("counts five dispatches in a row that nobody settled as one lost attempt, and logs it", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    const delivery = item.ready[0]!.delivery;
    for (let lease = 0; lease < 5; lease++) {
      await pass(outbox, 3_600_000);
      await runDurableObjectAlarm(outbox);
    }
    const { attempts, waitingFor } = await outbox.inspect({ v: V, event: item.record.id, delivery });
    expect({ attempts, reason: waitingFor?.reason }).toEqual({ attempts: 1, reason: "backoff" });
    const row = await env.DB.prepare("SELECT status, reason, attempts FROM deliveries WHERE id = ?")
      .bind(delivery)
      .first();
    expect(row).toMatchObject({ status: "retrying", reason: "lost" });
    expect(JSON.parse(String(row!["attempts"]))["5"]).toMatchObject({ class: "lost" });
  });

  it("counts a failure once, however often it is told", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    const retryAt = Date.now() + 60_000;
    await settle(outbox, [settleOf(item, failed(retryAt))]);
    await settle(outbox, [settleOf(item, failed(retryAt + 1))]);
    const standing = await outbox.inspect({ v: V, event: item.record.id, delivery: item.ready[0]!.delivery });
    expect(standing).toEqual({ found: true, attempts: 1, waitingFor: { reason: "backoff", until: retryAt } });
  });

  it("gives up a delivery 14 days after its event was accepted, and its lane goes on", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    await settle(outbox, [settleOf(item, failed(Date.now() + 60_000))]);
    await writeLog(env.DB, [{ delivery: retryingRow(item) }]);
    await pass(outbox, 14 * 24 * 3_600_000);
    await runDurableObjectAlarm(outbox);
    const row = await env.DB.prepare("SELECT status, reason FROM deliveries WHERE id = ?")
      .bind(item.ready[0]!.delivery)
      .first();
    expect(row).toEqual({ status: "exhausted", reason: "expired" });
  });
});

const retryOf = (
  { record }: EventItem,
  { delivery, destination, previous }: { delivery: string; destination: string; previous: number | null },
): RetryInput => ({ v: V, record, delivery, destination, previous, attempts: 1, counter: 1 });

describe("release", () => {
  it("sends all that waits itself where a gate of the release before asks, which does nothing with an answer", async () => {
    const { outbox, merchant } = await newOutbox();
    const plan = [endpoint("ep_1", { ordering: "none" })];
    const events = await Promise.all([1, 2].map(() => acceptEvent({ merchant, plan })));
    const items = (await accept(outbox, ...events)).map(itemOf);
    const until = Date.now() + 3_600_000;
    const waits = { reason: "paused" } as const;
    await settle(
      outbox,
      items.map((item) => settleOf(item, { kind: "deferred", until, waits })),
    );
    const sending = vi.spyOn(env.RETRIES, "sendBatch").mockResolvedValue({} as never);
    const { next } = await outbox.release({ v: V, destination: "ep_1" });
    const sent = sending.mock.calls.flatMap(([messages]) =>
      [...messages].flatMap(({ body }) => body as DeliveriesMessage),
    );
    sending.mockRestore();
    expect(next).toEqual([]);
    expect(sent.flatMap(({ items }) => items.map(({ record }) => record.id))).toEqual(events.map(({ id }) => id));
  });
});

describe("retry and cancel by hand", () => {
  it("sends a finished delivery again beside its lane, and refuses one that is under way", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
    const { delivery, destination, previous } = item.ready[0]!;
    const request = { v: V, record: item.record, delivery, destination, previous, attempts: 1, counter: 1 };
    expect(await outbox.retry(request)).toEqual({ status: "under_way" });
    await settle(outbox, [settleOf(item, { kind: "exhausted" })]);
    expect(await outbox.retry(request)).toEqual({ status: "queued" });
    expect(await outbox.template({ v: V, event: item.record.id })).toBe(item.record.template);
    await evictDurableObject(outbox);
    expect(await outbox.inspect({ v: V, event: item.record.id, delivery })).toMatchObject({ found: true, attempts: 1 });
  });

  it("attempts one that waits for its next attempt now, and what is behind it goes on after it", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf) as [EventItem, EventItem];
    await settle(outbox, [settleOf(first, failed(Date.now() + 3_600_000))]);
    const head = first.ready[0]!;
    const behind = second.planned[0]!;
    expect(await outbox.retry(retryOf(second, behind))).toEqual({ status: "behind", delivery: head.delivery });
    expect(await outbox.retry(retryOf(first, head))).toEqual({ status: "queued" });
    expect(await outbox.retry(retryOf(first, head))).toEqual({ status: "under_way" });
    await evictDurableObject(outbox);
    expect(await settle(outbox, [settleOf(first, failed(Date.now() + 3_600_000))])).toEqual([]);
    const again = { ...head, counter: head.counter + 1 };
    const [next] = await settle(outbox, [settleOf(first, { kind: "delivered" }, again)]);
    expect(next!.ready).toMatchObject([{ delivery: behind.delivery, trigger: "scheduled" }]);
  });

  it("lets one that fails again by hand keep its lane, and its own time", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first] = (await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))).map(
      itemOf,
    );
    await settle(outbox, [settleOf(first!, failed(Date.now() + 3_600_000))]);
    const head = first!.ready[0]!;
    await outbox.retry(retryOf(first!, head));
    const until = Date.now() + 7_200_000;
    expect(await settle(outbox, [settleOf(first!, failed(until), { ...head, counter: head.counter + 1 })])).toEqual([]);
    expect(await outbox.inspect({ v: V, event: first!.record.id, delivery: head.delivery })).toEqual({
      found: true,
      attempts: 2,
      waitingFor: { reason: "backoff", until },
    });
  });

  it("lets none that was canceled overtake what came before it", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf) as [EventItem, EventItem];
    const [head, canceled] = [first.ready[0]!, second.planned[0]!];
    await outbox.cancel({ v: V, event: second.record.id, delivery: canceled.delivery });
    const request = retryOf(second, canceled);
    for (const one of [request, { ...request, ordering: "user" as const }]) {
      expect(await outbox.retry(one)).toEqual({ status: "behind", delivery: head.delivery });
    }
    await settle(outbox, [settleOf(first, { kind: "delivered" })]);
    expect(await outbox.retry(request)).toEqual({ status: "queued" });
  });

  it("cancels what is not finished, once, and the lane goes on", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))
    ).map(itemOf);
    const cancel = { v: V, event: first!.record.id, delivery: first!.ready[0]!.delivery };
    expect(await outbox.cancel(cancel)).toEqual({ status: "canceled" });
    expect(await outbox.cancel(cancel)).toEqual({ status: "over" });
    await runDurableObjectAlarm(outbox);
    const [event, delivery] = [second!.record.id, second!.planned[0]!.delivery];
    expect((await outbox.inspect({ v: V, event, delivery })).waitingFor).toBeNull();
  });
});

describe("refunds without an id", () => {
  it("are told apart by what their events are known by, and never refund the whole payment", async () => {
    const { outbox, merchant } = await newOutbox();
    const payment = { id: unique("pi"), amount: { value: "100000", currency: "NGN" } };
    const paid = await acceptEvent({ merchant, event: paymentEvent({ data: { payment } }) });
    const refund = () =>
      acceptEvent({ merchant, event: paymentEvent({ type: "refund.succeeded", data: { payment } }) });
    const accepted = await accept(outbox, paid, await refund(), await refund());
    const payments = accepted.map((result) => JSON.parse(bodyFor(itemOf(result).record.template!, null)).data.payment);
    expect(payments).toMatchObject([
      { status: "succeeded", version: 1 },
      { status: "partially_refunded", version: 2 },
      { status: "partially_refunded", version: 3 },
    ]);
  });
});

describe("payments without a user", () => {
  it("hands facts and dedupe keys over once the user is known, and later events follow", async () => {
    const { outbox, merchant } = await newOutbox();
    const payment = unique("pi");
    const data = { payment: { id: payment, amount: { value: "500", currency: "EUR" } } };
    const name = await paymentKey(merchant, "api", payment);
    expect(await followPayment(env, merchant, "api", payment)).toEqual({ user: null, usedAlone: true });
    const alone = env.USER_OUTBOX.getByName(name);
    const created = await acceptEvent({ merchant, event: paymentEvent({ type: "payment.created", user: null, data }) });
    await accept(alone, created);
    const succeeded = itemOf((await accept(outbox, await acceptEvent({ merchant, event: paymentEvent({ data }) })))[0]);
    expect(JSON.parse(bodyFor(succeeded.record.template!, null)).data.payment).toMatchObject({
      status: "succeeded",
      version: 2,
    });
    expect(await accept(outbox, created)).toMatchObject([{ status: "duplicate", id: created.id }]);
    expect(await accept(alone, await acceptEvent({ merchant, event: paymentEvent({ user: null, data }) }))).toEqual([
      { status: "moved", user: "u_1" },
    ]);
  });

  it("sends an event that names another user to the one that the payment is bound to", async () => {
    const { outbox, merchant } = await newOutbox();
    const data = { payment: { id: unique("pi") } };
    await accept(outbox, await acceptEvent({ merchant, event: paymentEvent({ data }) }));
    const other = env.USER_OUTBOX.getByName(await userKey(merchant, "u_2"));
    const event = paymentEvent({ type: "payment.failed", user: "u_2", data });
    expect(await accept(other, await acceptEvent({ merchant, event }))).toEqual([{ status: "moved", user: "u_1" }]);
  });
});

describe("limits", () => {
  it("knows an event for 35 days to the end and then forgets it, but neither the newest event nor the facts of a payment", async () => {
    const { outbox, merchant } = await newOutbox();
    const data = { payment: { id: unique("pi") } };
    const old = await acceptEvent({ merchant, event: paymentEvent({ type: "custom.note", data: {} }) });
    for (const event of [
      old,
      await acceptEvent({ merchant, event: paymentEvent({ data }) }),
      await acceptEvent({ merchant }),
    ]) {
      await settle(outbox, [settleOf(itemOf((await accept(outbox, event))[0]), { kind: "delivered" })]);
    }
    const comesAgain = async () => (await accept(outbox, { ...old, receivedAt: Date.now() }))[0]!.status;
    await pass(outbox, 35 * DAY_MS - 60_000);
    await outbox.wake();
    expect(await comesAgain()).toBe("duplicate");
    await pass(outbox, DAY_MS);
    await outbox.wake();
    const rows = await runInDurableObject(outbox, (_, { storage }) =>
      storage.sql.exec("SELECT seq FROM event ORDER BY seq").toArray(),
    );
    expect(rows).toEqual([{ seq: 2 }, { seq: 3 }]);
    const late = itemOf(
      (
        await accept(outbox, await acceptEvent({ merchant, event: paymentEvent({ type: "payment.pending", data }) }))
      )[0],
    );
    expect(late.record).toMatchObject({ sequence: 4, stale: true });
  });

  it("keeps log rows that nobody took, more than one value of its storage holds", async () => {
    const { outbox, merchant } = await newOutbox();
    const event = itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]).record;
    const unlogged = Array.from({ length: 8 }, (_, n) => ({
      event: { ...event, id: `evt_${n}`, template: `é${"x".repeat(n === 7 ? 1_500_000 : 350_000)}` },
    }));
    await outbox.settle({ v: V, settles: [], takes: 0, unlogged });
    await evictDurableObject(outbox);
    await outbox.wake();
    const { results } = await env.DB.prepare(
      "SELECT id, length(template) AS length FROM events WHERE merchant = ? AND id < 'evt_9' ORDER BY id",
    )
      .bind(merchant)
      .all();
    expect(results).toEqual(unlogged.map(({ event: { id } }, n) => ({ id, length: n === 7 ? null : 350_001 })));
  });

  it("gives up the oldest of a lane that holds 10,000, and tells the merchant", { timeout: 60_000 }, async () => {
    const { outbox, merchant } = await newOutbox();
    const sent = vi.spyOn(env.BACKUP, "send");
    const template = await acceptEvent({ merchant, event: paymentEvent({ type: "custom.note", data: {} }) });
    let first: string | undefined;
    for (let sent = 0; sent <= 10_000; sent += 1_000) {
      const batch = Array.from({ length: Math.min(1_000, 10_001 - sent) }, (_, i) => {
        const dedupeKey = String(sent + i).padStart(26, "0");
        return { ...template, dedupeKey, id: `evt_${String(sent + i).padStart(26, "0")}` };
      });
      const results = await accept(outbox, ...batch);
      first ??= itemOf(results[0]).ready[0]!.delivery;
    }
    const event = `evt_${"0".repeat(26)}`;
    expect((await outbox.inspect({ v: V, event, delivery: first! })).found).toBe(false);
    await runDurableObjectAlarm(outbox);
    const row = await env.DB.prepare("SELECT status, reason FROM deliveries WHERE merchant = ? AND event = ?")
      .bind(merchant, event)
      .first();
    expect(row).toEqual({ status: "exhausted", reason: "lane_full" });
    const told = { type: "delivery.exhausted", merchant, data: { delivery: { event, reason: "lane_full" } } };
    expect(sent.mock.calls.map(([message]) => message)).toMatchObject([told]);
  });
});
