import { DurableObject } from "cloudflare:workers";

import { dedupePrefixOf } from "../event/ids.ts";
import { writeLog } from "../store/log.ts";
import { Acceptance, FRESH, toItem, type HandOver } from "./acceptance.ts";
import {
  LOG,
  V,
  type AcceptEvent,
  type AcceptInput,
  type AcceptResult,
  type Attempt,
  type DeliveryRow,
  type Dispatch,
  type EventItem,
  type EventRecord,
  type SettleInput,
  type WaitingFor,
} from "./contract.ts";
import { paymentKey, userKey } from "./keys.ts";
import { dueOf, Lanes, MAX_LEASE_MS, sentAt, type Entry, type LeaseTimes, type PendingEvent } from "./lanes.ts";
import { pack, send, toTravel } from "./messages.ts";
import { DEDUPE_MS, Rows } from "./rows.ts";

/** Above this an outbox takes no more events; an object may hold 10 GB. */
const MAX_BYTES = 5_000_000_000;
/** How long log rows that nobody took wait for the next try. */
const RELOG_MS = 5_000;

/**
 * The outbox of one ordering key: dedupes and orders events, keeps the facts of payments, and remembers every
 * delivery until it is settled. Expected outcomes are returned, never thrown. What it hands out is durable before:
 * the output gate holds answers and queue sends until the writes that precede them are.
 */
export class UserOutbox extends DurableObject<Env> {
  readonly #times: LeaseTimes;
  readonly #rows: Rows;
  #lanes!: Lanes;
  #acceptance!: Acceptance;
  #oldestAt = Infinity;
  #alarmAt = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#times = { startByMs: Number(env.START_BY_MS), leaseMs: Number(env.LEASE_MS) };
    this.#rows = new Rows(ctx.storage);
    this.#remember();
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? Infinity;
      await this.#arm(this.#rows.hasUnlogged ? Date.now() + RELOG_MS : this.#lanes.nextDue());
    });
  }

  /**
   * Takes events in: dedupes each, gives it the next sequence, applies it to its payment's facts and plans its
   * deliveries, all in one transaction. What comes back as `item` is for the caller to enqueue.
   */
  async accept({ events }: AcceptInput): Promise<AcceptResult[]> {
    const movedTo = this.#rows.movedTo;
    if (movedTo !== null) {
      return events.map(() => ({ status: "moved", key: movedTo }));
    }
    const bound = new Map<AcceptEvent, HandOver | { movedTo: string } | null>();
    for (const event of events) {
      if (this.#acceptance.bringsPayment(event)) {
        bound.set(event, await this.#bind(event));
      }
    }
    if (this.#rows.size > MAX_BYTES) {
      return events.map(() => ({ status: "refused", reason: "storage-full" }));
    }
    const now = Date.now();
    const results = this.#atomically(() =>
      events.map((event): AcceptResult => {
        const binding = bound.get(event) ?? null;
        return binding && "movedTo" in binding
          ? { status: "moved", key: binding.movedTo }
          : this.#acceptance.accept(event, binding, now);
      }),
    );
    const full = this.#giveUp(this.#lanes.takeOverfull(), "lane_full");
    await this.#arm(full ? now : this.#lanes.events.size > 0 ? now + this.#times.leaseMs : Infinity);
    return results;
  }

  /**
   * Applies how dispatches ended, and hands back what became ready by it: at most `takes` deliveries, which the caller
   * goes on with; the outbox enqueues the rest.
   */
  async settle({ settles, takes, unlogged }: SettleInput): Promise<{ v: V; next: EventItem[] }> {
    const now = Date.now();
    const { ready, due } = this.#atomically(() => {
      this.#rows.keepUnlogged(unlogged);
      const ready: Entry[] = [];
      let due = unlogged.length > 0 ? now + RELOG_MS : Infinity;
      for (const { event, delivery, counter, outcome } of settles) {
        const entry = this.#lanes.find(event, delivery);
        const lane = entry?.pending.lane ?? null;
        if (entry && this.#lanes.settle(entry, counter, outcome)) {
          due = Math.min(due, this.#lanes.find(event, delivery) ? dueOf(entry.pending) : Infinity);
          const next = lane === null ? null : this.#lanes.readyIn(lane);
          if (next) {
            this.#lanes.dispatch(next, now);
            due = Math.min(due, next.pending.due);
            ready.push(next);
          }
        }
      }
      this.#save();
      return { ready, due };
    });
    const next = this.#items(ready.slice(0, takes), now).map(toTravel);
    await Promise.all([this.#arm(due), this.#enqueue(ready.slice(takes), now)]);
    return { v: V, next };
  }

  /**
   * A consumer asks whether it may still start a dispatch: renews it, or says that it is over. `once` grants only the
   * first claim of a dispatch, for channels that must not send twice.
   */
  claim(input: { v: V; event: string; dispatch: Dispatch; mode: "again" | "once" }): { startBy: number } | null {
    const now = Date.now();
    const entry = this.#lanes.find(input.event, input.dispatch.delivery);
    if (!entry || !this.#lanes.claim(entry, input.dispatch.counter, input.mode === "once", now)) {
      return null;
    }
    this.#save();
    return { startBy: this.#lanes.startBy(now) };
  }

  /** The template of an unfinished event's body, for events too large to travel; null once all is finished. */
  template({ event }: { v: V; event: string }): string | null {
    const pending = this.#lanes.events.get(event);
    return pending ? this.#rows.record(pending.key).template : null;
  }

  /** How a delivery stands at this moment, while it is not finished. */
  inspect({ event, delivery }: { v: V; event: string; delivery: string }): {
    found: boolean;
    waitingFor: WaitingFor | null;
    attempts: number;
  } {
    const entry = this.#lanes.find(event, delivery);
    return {
      found: entry !== null,
      waitingFor: entry && this.#lanes.waitingFor(entry.pending),
      attempts: entry?.pending.attempts ?? 0,
    };
  }

  /** Sends a finished delivery again, beside its lane. `waiting`: it is not finished, nothing is done. */
  async retry(input: {
    v: V;
    record: EventRecord;
    delivery: string;
    destination: string;
    previous: number | null;
    attempts: number;
    counter: number;
  }): Promise<{ status: "queued" | "waiting" }> {
    const { record, delivery, destination, previous, attempts, counter } = input;
    if (this.#lanes.find(record.id, delivery)) {
      return { status: "waiting" };
    }
    const now = Date.now();
    const entry = this.#atomically(() => {
      const entry = this.#lanes.addLate(this.#eventOf(record), {
        ...FRESH,
        delivery,
        destination,
        previous,
        attempts,
        counter,
        manual: true,
      });
      this.#lanes.dispatch(entry, now);
      this.#lanes.changed.delete(entry.event);
      this.#rows.revive(entry.event, record);
      return entry;
    });
    await Promise.all([this.#arm(entry.pending.due), this.#enqueue([entry], now)]);
    return { status: "queued" };
  }

  /** Ends a delivery that is not finished; its lane goes on. `counter` numbers the log's row. */
  async cancel(input: {
    v: V;
    event: string;
    delivery: string;
  }): Promise<{ status: "canceled"; counter: number } | { status: "over" }> {
    const { event, delivery } = input;
    const entry = this.#lanes.find(event, delivery);
    if (!entry) {
      return { status: "over" };
    }
    const { counter } = entry.pending;
    await this.settle({
      v: V,
      settles: [{ event, delivery, counter, outcome: { kind: "canceled" } }],
      takes: 0,
      unlogged: [],
    });
    return { status: "canceled", counter: counter + 1 };
  }

  /** Hands a payment's facts and dedupe keys to the ordering key that it moves to, and sends later events there. */
  handOver({ to }: { v: V; to: string }): HandOver {
    this.#rows.movedTo = to;
    return { facts: this.#acceptance.facts(), known: this.#rows.allKnown() };
  }

  /** Looks again at everything that is due; the cron calls it where the log says that something is overdue. */
  async wake(): Promise<void> {
    await this.#sweep(Date.now());
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Infinity;
    await this.#sweep(Date.now());
  }

  /** Sends what is due. The next alarm is armed before the sending; a fault leaves one armed as well. */
  async #sweep(now: number): Promise<void> {
    try {
      const waiting = await this.#stillQueued(now);
      const due = this.#atomically(() => {
        this.#lanes.extend(waiting, now);
        const { send, lost, old } = this.#lanes.sweep(now);
        this.#rows.keepUnlogged(lost.flatMap((entry) => this.#row(entry, "retrying", "lost", now)));
        this.#giveUp(old, "expired");
        const due = [...send, ...this.#lanes.ready()];
        for (const entry of due) {
          this.#lanes.dispatch(entry, now);
        }
        this.#save();
        return due;
      });
      await this.#arm(this.#lanes.nextDue());
      await this.#enqueue(due, now);
      await this.#relog(now);
      this.#purge(now);
    } catch {
      this.#remember();
      await this.#arm(now + this.#times.leaseMs);
    }
  }

  /** Dispatches whose lease ran out while the queue still holds messages as old as theirs: they are not lost. */
  async #stillQueued(now: number): Promise<Entry[]> {
    const expired = this.#lanes.expired(now).filter(({ pending }) => !pending.claimed);
    if (expired.length === 0) {
      return [];
    }
    const metrics = await this.env.DELIVERIES.metrics().catch(() => null);
    const oldest = metrics?.oldestMessageTimestamp?.getTime() ?? Infinity;
    return expired.filter(({ pending }) => {
      const sent = sentAt(pending, this.#times);
      return sent >= oldest && sent + MAX_LEASE_MS > now;
    });
  }

  /** Whom the payment of an event belongs to; with what was known of it while that was not known. */
  async #bind({ merchant, source, event }: AcceptEvent): Promise<HandOver | { movedTo: string } | null> {
    const name = await paymentKey(merchant, source, event.data.payment!.id);
    const { user, usedAlone } = await this.env.PAYMENT_BINDING.getByName(name).bind(event.user!);
    const key = await userKey(merchant, user!);
    if (key !== this.ctx.id.name) {
      return { movedTo: key };
    }
    if (!usedAlone) {
      return null;
    }
    const { facts, known } = await this.env.USER_OUTBOX.getByName(name).handOver({ v: V, to: key });
    return { facts: facts as HandOver["facts"], known };
  }

  #eventOf(record: EventRecord): PendingEvent {
    return {
      id: record.id,
      key: this.#rows.keyOf(record.id, dedupePrefixOf(record.id)) ?? record.id,
      sequence: -(record.sequence ?? 0),
      acceptedAt: record.acceptedAt,
      deliveries: [],
    };
  }

  /** Ends deliveries that nobody will attempt again, and keeps their last log row. */
  #giveUp(entries: Entry[], reason: "lane_full" | "expired"): boolean {
    this.#rows.keepUnlogged(entries.flatMap((entry) => this.#row(entry, "exhausted", reason, Date.now())));
    for (const entry of entries) {
      this.#lanes.finish(entry);
    }
    this.#save();
    return entries.length > 0;
  }

  #row({ event, pending }: Entry, status: "retrying" | "exhausted", reason: string, now: number) {
    const record = this.#rows.record(event.key);
    const attempt: Attempt | null =
      reason === "lost" ? { at: now, class: "lost", durationMs: 0, trigger: "scheduled", retryAt: pending.due } : null;
    const delivery: DeliveryRow = {
      id: pending.delivery,
      merchant: record.merchant,
      event: event.id,
      destination: pending.destination,
      user: record.user,
      key: record.key,
      provider: record.provider,
      acceptedAt: record.acceptedAt,
      counter: pending.counter,
      status,
      reason,
      waitingFor: this.#lanes.waitingFor(pending),
      dueAt: status === "retrying" ? pending.due : null,
      previous: pending.previous,
      attempt,
    };
    return pending.destination === LOG ? [] : [{ delivery }];
  }

  #items(entries: Entry[], now: number): EventItem[] {
    return [...Map.groupBy(entries, ({ event }) => event)].map(([event, entries]) =>
      toItem(this.#rows.record(event.key), event, entries, this.#lanes, now),
    );
  }

  /** A send that fails is made up for when the leases of its dispatches run out. */
  async #enqueue(entries: Entry[], now: number): Promise<void> {
    if (entries.length > 0) {
      await send(this.env.DELIVERIES, pack(this.#items(entries, now))).catch(() => undefined);
    }
  }

  async #relog(now: number): Promise<void> {
    const { names, rows } = this.#rows.unlogged();
    if (names.length > 0) {
      try {
        await writeLog(this.env.DB, rows);
        this.#rows.forgetUnlogged(names);
      } catch {
        await this.#arm(now + RELOG_MS);
      }
    }
  }

  #purge(now: number): void {
    if (this.#oldestAt + DEDUPE_MS <= now) {
      const { sequence, factsOf } = this.#acceptance;
      const { factsGone, oldestAt } = this.#rows.purge(now, sequence, factsOf);
      factsGone.forEach((payment) => factsOf.delete(payment));
      this.#oldestAt = oldestAt;
    }
  }

  /** Reads everything anew from storage: when the object wakes, and when a transaction was rolled back. */
  #remember(): void {
    const remembered = this.#rows.remember();
    this.#lanes = new Lanes(this.#times);
    remembered.pending.forEach((event) => this.#lanes.add(event));
    this.#acceptance = new Acceptance(this.ctx.id.name!, this.#rows, this.#lanes, remembered);
    this.#oldestAt = remembered.oldestAt;
  }

  #atomically<T>(work: () => T): T {
    try {
      return this.ctx.storage.transactionSync(work);
    } catch (error) {
      this.#remember();
      throw error;
    }
  }

  #save(): void {
    for (const event of this.#lanes.changed) {
      this.#rows.update(event, this.#acceptance.sequence);
    }
    this.#lanes.changed.clear();
  }

  async #arm(due: number): Promise<void> {
    if (due < this.#alarmAt) {
      this.#alarmAt = due;
      await this.ctx.storage.setAlarm(due);
    }
  }
}
