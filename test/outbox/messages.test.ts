import { describe, expect, it } from "vitest";

import { V, type DeliveriesMessage, type EventItem, type PlannedDelivery } from "../../src/outbox/contract.ts";
import { pack, send, stillQueued } from "../../src/outbox/messages.ts";
import { FRESH } from "../../src/outbox/pending.ts";
import { acceptEvent, accept, endpoint, itemOf, newOutbox } from "../support/builders.ts";

/** What the platform takes: bytes of one message, and of all messages of one call. */
const MAX_MESSAGE_BYTES = 128_000;
const MAX_CALL_BYTES = 256_000;
const MAX_CALL_MESSAGES = 100;

/** An item as an outbox hands it over, with a template of so many characters. */
async function item(characters: number): Promise<EventItem> {
  const { outbox, merchant } = await newOutbox();
  const accepted = itemOf((await accept(outbox, await acceptEvent({ merchant, plan: [endpoint("ep_1")] })))[0]);
  return { ...accepted, record: { ...accepted.record, template: "é".repeat(characters) } };
}

/** Sends messages to a queue that keeps what it is called with. */
async function sent(messages: DeliveriesMessage[]): Promise<DeliveriesMessage[][]> {
  const calls: DeliveriesMessage[][] = [];
  await send(
    {
      sendBatch: async (batch: Iterable<MessageSendRequest<DeliveriesMessage>>) => {
        calls.push([...batch].map(({ body }) => body));
      },
    } as unknown as Queue,
    messages,
  );
  return calls;
}

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).byteLength;

describe("dispatches whose lease ran out", () => {
  const queue = (oldest: number | null) =>
    ({ metrics: async () => ({ oldestMessageTimestamp: oldest === null ? undefined : new Date(oldest) }) }) as never;
  const dispatched = (delivery: string, counter: number) => ({
    event: { id: "evt_1", key: "evt_1", sequence: 1, acceptedAt: 0, deliveries: [] },
    pending: { ...FRESH, delivery, destination: "ep_1", state: "out" as const, sentAt: 1000, counter },
  });

  it.each<[string, number | null, number | null, string[]]>([
    ["both queues are empty", null, null, []],
    ["what waits for a first attempt is as old", 900, null, ["first", "again"]],
    ["only what is sent again is as old", null, 900, ["again"]],
    ["all that is queued is newer", 1001, 1001, []],
  ])("are held for queued as far as their queue says so: %s", async (_, deliveries, retries, queued) => {
    const queues = { deliveries: queue(deliveries), retries: queue(retries) };
    const still = await stillQueued(queues, [dispatched("first", 1), dispatched("again", 2)], 2000);
    expect(still.map(({ pending }) => pending.delivery)).toEqual(queued);
  });
});

describe("messages", () => {
  it("go in calls of less than 256 KB, all of them, in order", async () => {
    const large = await item(15_000);
    const messages = pack(Array.from({ length: 40 }, () => large));
    expect(messages.length).toBeGreaterThan(10);
    const calls = await sent(messages);
    expect(calls.length).toBeGreaterThan(3);
    expect(Math.max(...calls.map(bytesOf))).toBeLessThan(MAX_CALL_BYTES);
    expect(calls.flat()).toEqual(messages);
  });

  it("go in calls of at most a hundred", async () => {
    const small = await item(1);
    const messages = Array.from({ length: 250 }, (): DeliveriesMessage => ({ v: V, items: [small] }));
    const calls = await sent(messages);
    expect(calls.map((call) => call.length)).toEqual([MAX_CALL_MESSAGES, MAX_CALL_MESSAGES, 50]);
  });

  it("are smaller than 128 KB, however many destinations an event has and however large it is", async () => {
    const large = await item(19_000);
    const planned: PlannedDelivery[] = Array.from({ length: 1_000 }, (_, n) => ({
      ...large.planned[0]!,
      destination: `ep_${n}`.padEnd(64, "x"),
    }));
    const ready = planned.map(({ destination }) => ({ ...large.ready[0]!, destination }));
    const messages = pack([{ ...large, planned, ready }, await item(500_000)]);
    expect(Math.max(...messages.map(bytesOf))).toBeLessThan(MAX_MESSAGE_BYTES);
    expect(messages.flatMap(({ items }) => items.flatMap((one) => one.ready)).slice(0, -1)).toEqual(ready);
  });
});
