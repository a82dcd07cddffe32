import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";

import { V, type EventItem, type Ordering, type RetryInput } from "../../src/outbox/contract.ts";
import {
  accept,
  acceptEvent,
  endpoint,
  itemOf,
  newOutbox,
  paymentEvent,
  settle,
  settleOf,
  type Outbox,
} from "../support/builders.ts";

const exhausted = { kind: "exhausted" as const };
const delivered = { kind: "delivered" as const };
const failed = () => ({ kind: "failed" as const, at: Date.now(), retryAt: Date.now() + 60_000, answered: true });

const requestOf = ({ record, ready: [dispatch] }: EventItem, ordering?: Ordering): RetryInput => ({
  v: V,
  record,
  delivery: dispatch!.delivery,
  destination: dispatch!.destination,
  previous: dispatch!.previous,
  attempts: 1,
  counter: dispatch!.counter,
  ...(ordering && { ordering }),
});

/** Accepts events of which the one delivery of each ends exhausted. */
async function exhaust(outbox: Outbox, merchant: string, payments: string[]): Promise<EventItem[]> {
  const items: EventItem[] = [];
  for (const id of payments) {
    const event = paymentEvent({ data: { payment: { id, amount: { value: "1", currency: "EUR" } } } });
    const [result] = await accept(
      outbox,
      await acceptEvent({ merchant, event, plan: [endpoint("ep_1", { includeStale: true })] }),
    );
    const item = itemOf(result);
    await settle(outbox, [settleOf(item, exhausted)]);
    items.push(item);
  }
  return items;
}

/** The dispatch that a retry gets: one more than the one before it. */
const againOf = (item: EventItem) => ({ ...item.ready[0]!, counter: item.ready[0]!.counter + 1 });
const idsOf = (items: EventItem[]) => items.map(({ record }) => record.id);

describe("deliveries that are sent again together", () => {
  it("go one after the other, beside their lane: a fresh event waits for none of them", async () => {
    const { outbox, merchant } = await newOutbox();
    const items = await exhaust(outbox, merchant, ["a", "b", "c"]);
    for (const item of items) {
      expect(await outbox.retry(requestOf(item, "user"))).toEqual({ status: "queued" });
    }
    expect(await outbox.retry(requestOf(items[1]!, "user"))).toEqual({ status: "under_way" });
    const [fresh] = await accept(outbox, await acceptEvent({ merchant }));
    expect(itemOf(fresh).ready).toMatchObject([{ trigger: "scheduled" }]);

    const [first, second, third] = items as [EventItem, EventItem, EventItem];
    expect(await outbox.inspect({ v: V, event: second.record.id, delivery: againOf(second).delivery })).toMatchObject({
      waitingFor: { reason: "lane", delivery: againOf(first).delivery },
    });
    const next = await settle(outbox, [settleOf(first, delivered, againOf(first))]);
    expect(idsOf(next)).toEqual([second.record.id]);
    expect(next[0]!.ready).toMatchObject([{ trigger: "manual", attempts: 1, counter: againOf(second).counter }]);
    expect(idsOf(await settle(outbox, [settleOf(second, delivered, againOf(second))]))).toEqual([third.record.id]);
  });

  it("wait for none that fails again", async () => {
    const { outbox, merchant } = await newOutbox();
    const [first, second] = (await exhaust(outbox, merchant, ["a", "b"])) as [EventItem, EventItem];
    await outbox.retry(requestOf(first, "user"));
    await outbox.retry(requestOf(second, "user"));
    expect(idsOf(await settle(outbox, [settleOf(first, failed(), againOf(first))]))).toEqual([second.record.id]);
    expect(await outbox.inspect({ v: V, event: first.record.id, delivery: againOf(first).delivery })).toMatchObject({
      found: true,
      attempts: 2,
      waitingFor: { reason: "backoff" },
    });
  });

  it("keep their order when the outbox is evicted", async () => {
    const { outbox, merchant } = await newOutbox();
    const items = await exhaust(outbox, merchant, ["a", "b", "c"]);
    for (const item of items) {
      await outbox.retry(requestOf(item, "user"));
    }
    const [first, second, third] = items as [EventItem, EventItem, EventItem];
    await evictDurableObject(outbox);
    expect(idsOf(await settle(outbox, [settleOf(first, delivered, againOf(first))]))).toEqual([second.record.id]);
    await evictDurableObject(outbox);
    await runDurableObjectAlarm(outbox);
    expect(idsOf(await settle(outbox, [settleOf(second, delivered, againOf(second))]))).toEqual([third.record.id]);
  });

  it.each<[Ordering | undefined, boolean, boolean]>([
    ["user", true, true],
    ["payment", false, true],
    ["none", false, false],
    [undefined, false, false],
  ])("ordering %s: wait for another payment's %s, for their own payment's %s", async (ordering, other, own) => {
    const { outbox, merchant } = await newOutbox();
    const items = await exhaust(outbox, merchant, ["a", "b", "a"]);
    const waits: boolean[] = [];
    for (const item of items) {
      await outbox.retry(requestOf(item, ordering));
      const standing = await outbox.inspect({ v: V, event: item.record.id, delivery: againOf(item).delivery });
      waits.push(standing.waitingFor !== null);
    }
    expect(waits).toEqual([false, other, own]);
  });
});
