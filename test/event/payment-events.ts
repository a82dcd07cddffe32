import type { EventData, PaymentEvent } from "../../src/event/event.ts";
import type { EventType } from "../../src/event/event-types.ts";
import type { Money } from "../../src/event/money.ts";
import { applyEvent, type Facts } from "../../src/event/lifecycle.ts";

export const eur = (value: number): Money => ({ value: String(value), currency: "EUR" });

/** An event about the payment `pi_1`. `at`: its time in seconds. `payment`: what is said of the payment besides its id. */
export function paymentEvent(
  type: EventType,
  at: number,
  { payment, ...data }: Omit<EventData, "payment"> & { payment?: Omit<NonNullable<EventData["payment"]>, "id"> } = {},
): PaymentEvent {
  return {
    type,
    occurredAt: at * 1000,
    livemode: true,
    user: null,
    data: { payment: { id: "pi_1", ...payment }, ...data },
    origin: null,
  };
}

/** By which an event is known again: a test tells events apart by what they say. */
export function keyOf(event: PaymentEvent): string {
  return JSON.stringify(event);
}

/** What remains of a payment after these events, in this order, and how each of them was taken. */
export function play(events: PaymentEvent[]): { facts: Facts; applied: NonNullable<ReturnType<typeof applyEvent>>[] } {
  let facts: Facts | null = null;
  const applied = events.map((event) => {
    const next = applyEvent(facts, event, keyOf(event))!;
    facts = next.facts;
    return next;
  });
  return { facts: applied.at(-1)!.facts, applied };
}

/** All orders of a few items. */
export function ordersOf<T>(items: T[]): T[][] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, i) => ordersOf(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
