import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import type { PaymentEvent } from "../../src/event/event.ts";
import { identify } from "../../src/ingest/identity.ts";
import {
  V,
  type AcceptEvent,
  type AcceptResult,
  type Dispatch,
  type EventItem,
  type Outcome,
  type Planned,
  type Settle,
} from "../../src/outbox/contract.ts";
import { userKey } from "../../src/outbox/keys.ts";

let made = 0;

/** A name that no other test has. */
export function unique(prefix: string): string {
  made += 1;
  return `${prefix}_${made}_${crypto.randomUUID().slice(0, 8)}`;
}

/** A canonical event: by default a payment of its own that succeeded. */
export function paymentEvent(overrides: Partial<PaymentEvent> = {}): PaymentEvent {
  return {
    type: "payment.succeeded",
    occurredAt: Date.parse("2026-11-23T12:00:00Z"),
    livemode: true,
    user: "u_1",
    data: { payment: { id: unique("pi"), amount: { value: "1999", currency: "EUR" } } },
    origin: null,
    ...overrides,
  };
}

export function endpoint(destination: string, overrides: Partial<Planned> = {}): Planned {
  return { destination, ordering: "user", maxHoldSeconds: 3600, includeStale: false, ...overrides };
}

/** An event as ingest hands it to an outbox. `name` is the provider's id of it. */
export async function acceptEvent(
  input: {
    merchant: string;
    name?: string;
    event?: PaymentEvent;
    plan?: Planned[];
    receivedAt?: number;
  } & Partial<AcceptEvent>,
): Promise<AcceptEvent> {
  const { merchant, name = unique("evt"), event = paymentEvent(), plan = [endpoint("ep_1")], ...rest } = input;
  const receivedAt = rest.receivedAt ?? Date.now();
  const identity = await identify({ merchant, source: "api" }, [name], event, event, receivedAt);
  return { ...identity, onDifference: "conflict", receivedAt, merchant, source: "api", event, plan, ...rest };
}

export type Outbox = DurableObjectStub<import("../../src/index.ts").UserOutbox>;

/** The outbox of a user of a merchant that no other test has. */
export async function newOutbox(user = "u_1"): Promise<{ outbox: Outbox; merchant: string; key: string }> {
  const merchant = unique("mer");
  const key = await userKey(merchant, user);
  return { outbox: env.USER_OUTBOX.getByName(key), merchant, key };
}

/** Accepts events one after the other. */
export async function accept(outbox: Outbox, ...events: AcceptEvent[]): Promise<AcceptResult[]> {
  return outbox.accept({ v: V, events });
}

/** The item of an event that was accepted; fails where it was not. */
export function itemOf(result: AcceptResult | undefined): EventItem {
  if (result?.status !== "accepted") {
    throw new Error(`Not accepted: ${JSON.stringify(result)}`);
  }
  return result.item;
}

export function settleOf(item: EventItem, outcome: Outcome, dispatch: Dispatch = item.ready[0]!): Settle {
  return { event: item.record.id, delivery: dispatch.delivery, counter: dispatch.counter, outcome };
}

/** Settles and hands back what became ready. */
export async function settle(outbox: Outbox, settles: Settle[], takes = 100): Promise<EventItem[]> {
  return (await outbox.settle({ v: V, settles, takes, unlogged: [] })).next;
}

/** Moves every time that the outbox keeps `ms` into the past, as if that much time had gone by, and wakes it anew. */
export async function pass(outbox: Outbox, ms: number): Promise<void> {
  await runInDurableObject(outbox, (_, { storage }) => {
    for (const { key, at, pending } of storage.sql.exec<{ key: string; at: number; pending: string | null }>(
      "SELECT key, at, pending FROM event",
    )) {
      const moved =
        pending === null
          ? null
          : pending.replace(
              /"(due|sentAt|failingSince|notBefore)":(\d{10,})/g,
              (_, name, time) => `"${name}":${Number(time) - ms}`,
            );
      storage.sql.exec(
        "UPDATE event SET at = ?, pending = ?, last = replace(last, ?, ?) WHERE key = ?",
        at - ms,
        moved,
        "",
        "",
        key,
      );
    }
  });
  await evictDurableObject(outbox);
}
