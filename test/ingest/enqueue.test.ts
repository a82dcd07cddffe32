import { describe, expect, it, vi } from "vitest";

import { enqueue } from "../../src/ingest/enqueue.ts";
import type { DeliveriesMessage, EventItem } from "../../src/outbox/contract.ts";
import { accept, acceptEvent, itemOf, newOutbox } from "../support/builders.ts";

/** A queue whose calls wait until they are let through. */
function slowQueue() {
  const calls: { ids: string[]; let: () => void; fail: () => void }[] = [];
  const sendBatch = (messages: Iterable<{ body: DeliveriesMessage }>) => {
    const ids = [...messages].flatMap(({ body }) => body.items.map(({ record }) => record.id));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    calls.push({ ids, let: resolve, fail: () => reject(new Error("The queue does not answer")) });
    return promise;
  };
  return { calls, queue: { sendBatch } as unknown as Queue };
}

/** A request whose work after the answer can be awaited. */
function request(queue: Queue, logged: unknown[] = []) {
  const work: Promise<unknown>[] = [];
  const prepare = () => ({ bind: (...values: unknown[]) => values });
  const batch = (statements: unknown[]) => Promise.resolve(logged.push(...statements));
  return {
    work,
    env: { DELIVERIES: queue, DB: { prepare, batch } } as unknown as Env,
    ctx: { waitUntil: (promise: Promise<unknown>) => work.push(promise) },
  };
}

async function item(): Promise<EventItem> {
  const { outbox, merchant } = await newOutbox();
  return itemOf((await accept(outbox, await acceptEvent({ merchant })))[0]);
}

describe("enqueue", () => {
  it("sends at once, and what comes meanwhile together when that is done", async () => {
    const { calls, queue } = slowQueue();
    const [a, b, c] = [await item(), await item(), await item()];
    const [first, second] = [request(queue), request(queue)];
    enqueue(first, [a]);
    enqueue(second, [b]);
    enqueue(second, [c]);
    expect(second.work).toEqual([]);
    expect(calls.map(({ ids }) => ids)).toEqual([[a.record.id]]);
    calls[0]!.let();
    await vi.waitUntil(() => calls.length === 2);
    expect(calls[1]!.ids).toEqual([b.record.id, c.record.id]);
    calls[1]!.let();
    await Promise.all(first.work);
  });

  it("is taken over by another request where the one that sends has died", async () => {
    const { calls, queue } = slowQueue();
    const [a, b, c] = [await item(), await item(), await item()];
    const [dead, waiting, next] = [request(queue), request(queue), request(queue)];
    enqueue(dead, [a]);
    enqueue(waiting, [b]);
    vi.useFakeTimers({ now: Date.now() + 3_001 });
    enqueue(next, [c]);
    vi.useRealTimers();
    expect(calls.map(({ ids }) => ids)).toEqual([[a.record.id], [b.record.id, c.record.id]]);
    calls.forEach((call) => call.let());
    await Promise.all([...dead.work, ...next.work]);
  });

  it("logs what the queue does not take, and goes on with the next", async () => {
    const { calls, queue } = slowQueue();
    const [a, b] = [await item(), await item()];
    const logged: unknown[] = [];
    const first = request(queue, logged);
    enqueue(first, [a]);
    enqueue(request(queue), [b]);
    calls[0]!.fail();
    await vi.waitUntil(() => calls.length === 2);
    expect(JSON.stringify(logged)).toContain(a.record.id);
    calls[1]!.let();
    await Promise.all(first.work);
    expect(calls[1]!.ids).toEqual([b.record.id]);
  });
});
