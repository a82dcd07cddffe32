import { bodyFor, composeTemplate } from "../event/envelope.ts";
import { deliveryId } from "../event/ids.ts";
import { isChannel } from "../event/channels.ts";
import { applyEvent, isStillSo, mergeFacts, type Facts, type Said } from "../event/lifecycle.ts";
import {
  LOG,
  V,
  type AcceptEvent,
  type AcceptResult,
  type EventItem,
  type EventRecord,
  type Planned,
  type PlannedDelivery,
  type SkipReason,
} from "./contract.ts";
import type { Lanes } from "./lanes.ts";
import { FRESH, type Entry, type Pending, type PendingEvent } from "./pending.ts";
import { DEDUPE_MS, type Known, type LastPlanned, type Remembered, type Rows } from "./rows.ts";

/** What one ordering key hands to another when a payment's user becomes known. */
export interface HandOver {
  facts: Facts | null;
  known: Known[];
}

/**
 * What an outbox does with an event that comes in: dedupe, next sequence, facts of its payment, body, lanes.
 * Synchronous, so that the outbox runs it in one storage transaction.
 */
export class Acceptance {
  sequence: number;
  readonly factsOf: Map<string, string>;
  readonly #key: string;
  readonly #rows: Rows;
  readonly #lanes: Lanes;
  #last: LastPlanned;

  constructor(key: string, rows: Rows, lanes: Lanes, { sequence, last, factsOf }: Remembered) {
    this.#key = key;
    this.#rows = rows;
    this.#lanes = lanes;
    this.sequence = sequence;
    this.#last = last;
    this.factsOf = factsOf;
  }

  /** Whether an event is the first here of a payment, and so has to ask whom the payment is bound to. */
  bringsPayment({ event, dedupeKey }: AcceptEvent): boolean {
    const payment = event.data.payment?.id;
    return (
      event.user !== null && payment !== undefined && !this.factsOf.has(payment) && this.#rows.known(dedupeKey) === null
    );
  }

  /** Accepts one event, or says that it is known already. `handedOver`: what its payment brought from elsewhere. */
  accept(input: AcceptEvent, handedOver: HandOver | null, now: number): AcceptResult {
    if (handedOver) {
      this.#rows.insertKnown(handedOver.known);
    }
    const known = this.#rows.known(input.dedupeKey);
    if (known) {
      const differs = known.input !== input.inputHash;
      return differs && input.onDifference === "conflict"
        ? { status: "conflict", id: known.id, sequence: known.sequence }
        : { status: "duplicate", id: known.id, sequence: known.sequence, differs };
    }
    const sequence = ++this.sequence;
    const payment = input.event.data.payment?.id ?? null;
    const applied = applyEvent(this.#factsBefore(payment, handedOver), input.event, input.dedupeKey);
    const stale = applied?.stale ?? false;
    const reasons = input.plan.map((planned) => skipReason(planned, input.event.user, stale));
    const wanted = input.plan.filter((_, i) => reasons[i] === null);
    const record: EventRecord = {
      id: input.id,
      merchant: input.merchant,
      source: input.source,
      provider: input.event.origin?.name ?? null,
      key: this.#key,
      user: input.event.user,
      type: input.event.type,
      payment,
      livemode: input.event.livemode,
      stale,
      sequence,
      acceptedAt: input.receivedAt,
      occurredAt: input.event.occurredAt,
      template: composeTemplate({
        id: input.id,
        sequence,
        stale,
        truth: applied?.truth ?? null,
        event: input.event,
        raw: wanted.some(({ payload }) => payload === "raw") ? input.raw : undefined,
      }),
      hops: input.hops,
    };
    const event: PendingEvent = {
      id: input.id,
      key: input.dedupeKey,
      sequence,
      acceptedAt: input.receivedAt,
      deliveries: wanted.map((planned) => toPending(planned, input.id, payment, this.#previous(planned, now))),
    };
    this.#lanes.add(event);
    if (!event.deliveries.some((pending) => this.#lanes.blockerOf(pending) === null)) {
      this.#lanes.addLate(event, logEntry(input.id));
    }
    const item = this.#item(event, record, now);
    item.planned.push(...input.plan.flatMap((one, i) => (reasons[i] ? [skipped(one, input.id, reasons[i])] : [])));
    this.#plan(wanted, sequence, now);
    this.#rows.insert({
      key: input.dedupeKey,
      id: input.id,
      sequence,
      at: input.receivedAt,
      input: input.inputHash,
      payment,
      facts: applied?.facts ?? null,
      last: this.#last,
      pending: event.deliveries,
      record,
      template: record.template!,
    });
    this.#lanes.changed.delete(event);
    if (payment !== null && applied) {
      this.factsOf.set(payment, input.dedupeKey);
    }
    return { status: "accepted", id: input.id, sequence, item };
  }

  /** Whether the facts have gone beyond what an unfinished event says of its payment. */
  isSuperseded({ key }: PendingEvent): boolean {
    const { payment, template } = this.#rows.record(key);
    const facts = this.#factsBefore(payment, null);
    return facts !== null && template !== null && !isStillSo(facts, JSON.parse(bodyFor(template, null)) as Said);
  }

  /** The facts of the one payment that this outbox is about, for handing them over. */
  facts(): Facts | null {
    const [key] = this.factsOf.values();
    return key === undefined ? null : this.#rows.facts(key);
  }

  #factsBefore(payment: string | null, handedOver: HandOver | null): Facts | null {
    const key = payment === null ? undefined : this.factsOf.get(payment);
    const own = key === undefined ? null : this.#rows.facts(key);
    const other = handedOver?.facts ?? null;
    return own && other ? mergeFacts(own, other) : (own ?? other);
  }

  /** Hands over every delivery whose turn it is. */
  #item(event: PendingEvent, record: EventRecord, now: number): EventItem {
    const entries: Entry[] = [];
    for (const pending of event.deliveries) {
      if (this.#lanes.blockerOf(pending) === null) {
        this.#lanes.dispatch({ event, pending }, now);
        entries.push({ event, pending });
      }
    }
    return toItem(record, event, entries, this.#lanes, now);
  }

  #previous({ destination }: Planned, now: number): number | null {
    const last = Object.hasOwn(this.#last, destination) ? this.#last[destination] : undefined;
    return last && last[1] + DEDUPE_MS > now ? last[0] : null;
  }

  #plan(wanted: Planned[], sequence: number, now: number): void {
    const kept = Object.entries(this.#last).filter(([, [, at]]) => at + DEDUPE_MS > now);
    this.#last = Object.fromEntries([
      ...kept,
      ...wanted.map(({ destination }) => [destination, [sequence, now]] as const),
    ]);
  }
}

/** An event with those of its deliveries that were just handed over. */
export function toItem(
  record: EventRecord,
  event: PendingEvent,
  entries: Entry[],
  lanes: Lanes,
  now: number,
): EventItem {
  return {
    v: V,
    record,
    planned: event.deliveries
      .filter(({ destination }) => destination !== LOG)
      .map((pending) => toPlanned(pending, lanes)),
    ready: entries.map(({ pending }) => ({
      delivery: pending.delivery,
      destination: pending.destination,
      counter: pending.counter,
      startBy: lanes.startBy(now),
      attempts: pending.attempts,
      previous: pending.previous,
      payload: pending.payload,
      trigger: pending.manual || pending.byHand ? "manual" : "scheduled",
    })),
  };
}

function toPlanned(pending: Pending, lanes: Lanes): PlannedDelivery {
  const blocker = lanes.blockerOf(pending);
  return {
    delivery: pending.delivery,
    destination: pending.destination,
    previous: pending.previous,
    payload: pending.payload,
    waitsFor: blocker && { reason: "lane", delivery: blocker.delivery },
    skipped: null,
  };
}

function toPending(planned: Planned, event: string, payment: string | null, previous: number | null): Pending {
  return {
    ...FRESH,
    delivery: deliveryId(event, planned.destination),
    destination: planned.destination,
    lane: laneOf(planned, payment),
    previous,
    payload: planned.payload,
    maxHoldMs: planned.maxHoldSeconds * 1000,
  };
}

/** The lane of a delivery: that of its destination, or of its payment there; null: it stands in none. */
export function laneOf(
  { destination, ordering }: Pick<Planned, "destination" | "ordering">,
  payment: string | null,
): string | null {
  switch (ordering) {
    case "user":
      return destination;
    case "payment":
      return payment === null ? null : `${destination}/${payment}`;
    case "none":
      return null;
  }
}

function skipReason(
  { destination, skip, includeStale }: Planned,
  user: string | null,
  stale: boolean,
): SkipReason | null {
  if (user === null && isChannel(destination)) return "no_user";
  return skip ?? (stale && !includeStale ? "stale" : null);
}

function skipped({ destination }: Planned, event: string, reason: SkipReason): PlannedDelivery {
  return { delivery: deliveryId(event, destination), destination, previous: null, waitsFor: null, skipped: reason };
}

/** An event of which nothing is ready is handed over all the same, so that it is logged. */
function logEntry(event: string): Pending {
  return { ...FRESH, delivery: deliveryId(event, LOG), destination: LOG };
}
