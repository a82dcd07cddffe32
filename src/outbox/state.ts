import { dedupePrefixOf } from "../event/ids.ts";
import { deliveryRow, writeLog } from "../store/log.ts";
import { Acceptance, laneOf, toItem } from "./acceptance.ts";
import { announceDelivery, type Troubled } from "./announce.ts";
import {
  LOG,
  type Attempt,
  type EventItem,
  type EventRecord,
  type LogRow,
  type Retried,
  type RetryInput,
} from "./contract.ts";
import { Lanes } from "./lanes.ts";
import { AGAIN, dueOf, FRESH, type Entry, type LeaseTimes, type Pending, type PendingEvent } from "./pending.ts";
import { DEDUPE_MS, Rows } from "./rows.ts";

/** Above this an outbox takes no more events; an object may hold 10 GB. */
const MAX_BYTES = 5_000_000_000;
/** Calls of `accept`, each of at most 100 events, between two looks at how much storage holds. */
const SIZED_EVERY = 50;

/** Why a delivery ends that nobody will attempt again. */
type GivenUp = "lane_full" | "expired" | "ambiguous" | "by_hand" | "user_erased";

/**
 * What one outbox knows: its rows, and in memory the lanes and what accepting needs. Changes run in one storage
 * transaction; when that is rolled back, memory is read anew from the rows.
 */
export class State {
  readonly rows: Rows;
  lanes!: Lanes;
  acceptance!: Acceptance;
  readonly #storage: DurableObjectStorage;
  readonly #name: string;
  readonly #times: LeaseTimes;
  /** Of each destination a delivery that was given up and that the merchant has not been told of. */
  readonly #exhausted = new Map<string, { record: EventRecord; troubled: Troubled }>();
  #oldestAt = Infinity;
  #asksUntilSized = 0;
  #isOver = false;

  /** `name`: the ordering key. */
  constructor(storage: DurableObjectStorage, name: string, times: LeaseTimes) {
    this.rows = new Rows(storage);
    this.#storage = storage;
    this.#name = name;
    this.#times = times;
    this.remember();
  }

  /** Reads everything anew from storage. */
  remember(): void {
    const remembered = this.rows.remember();
    this.lanes = new Lanes(this.#times);
    remembered.pending.forEach((event) => this.lanes.add(event));
    this.acceptance = new Acceptance(this.#name, this.rows, this.lanes, remembered);
    this.#oldestAt = remembered.oldestAt;
    this.#exhausted.clear();
  }

  /** Whether storage holds as much as it may; looked up once in a while, since that costs as much as a query. */
  isFull(): boolean {
    if (this.#asksUntilSized === 0) {
      this.#asksUntilSized = SIZED_EVERY;
      this.#isOver = this.rows.size > MAX_BYTES;
    }
    this.#asksUntilSized -= 1;
    return this.#isOver;
  }

  /** Runs work and writes the events that it changed, all or nothing. */
  change<T>(work: () => T): T {
    try {
      return this.#storage.transactionSync(() => {
        const result = work();
        for (const event of this.lanes.changed) {
          this.rows.update(event, this.acceptance.sequence);
        }
        this.lanes.changed.clear();
        return result;
      });
    } catch (error) {
      this.remember();
      throw error;
    }
  }

  /** Deliveries that were handed over at `now` (epoch ms), as they travel, by event. */
  items(entries: Entry[], now: number): EventItem[] {
    return [...Map.groupBy(entries, ({ event }) => event)].map(([event, entries]) =>
      toItem(this.rows.record(event.key), event, entries, this.lanes, now),
    );
  }

  /** Ends deliveries that nobody will attempt again, and keeps their last log row. True if there were any. */
  giveUp(entries: Entry[], reason: GivenUp, now: number): boolean {
    const status = reason === "by_hand" || reason === "user_erased" ? "canceled" : "exhausted";
    this.rows.keepUnlogged(entries.flatMap((entry) => this.#row(entry, status, reason, now)));
    for (const entry of entries) {
      const { delivery, destination, attempts } = entry.pending;
      if (status === "exhausted" && destination !== LOG && !this.#exhausted.has(destination)) {
        const troubled: Troubled = { type: "delivery.exhausted", delivery, destination, reason, attempts };
        this.#exhausted.set(destination, { record: this.rows.record(entry.event.key), troubled });
      }
      this.lanes.finish(entry);
    }
    return entries.length > 0;
  }

  /** Keeps the log rows of attempts that were lost: dispatches that nobody settled. */
  keepLost(entries: Entry[], now: number): void {
    this.rows.keepUnlogged(entries.flatMap((entry) => this.#row(entry, "retrying", "lost", now)));
  }

  /**
   * Hands over a delivery that waits for its next attempt, or takes a finished one up again; what the outbox says to
   * that, what it hands over, and when it has to look again (epoch ms).
   */
  retry(input: RetryInput, now: number): { retried: Retried; ready: Entry[]; due: number } {
    const { v: _, record, ordering, ...delivery } = input;
    const none = { ready: [], due: Infinity };
    const unfinished = this.lanes.find(record.id, delivery.delivery);
    // One that is sent again waits only for others that are.
    if (unfinished && (unfinished.pending.state === "out" || isInTurn(unfinished.pending))) {
      return { retried: { status: "under_way" }, ...none };
    }
    const blocker = unfinished
      ? this.lanes.blockerOf(unfinished.pending)
      : this.lanes.earlierThan(delivery.destination, record.payment, record.sequence ?? 0);
    if (blocker) {
      return { retried: { status: "behind", delivery: blocker.delivery }, ...none };
    }
    const ready = this.change(() => {
      if (unfinished) {
        unfinished.pending.byHand = true;
        this.lanes.dispatch(unfinished, now);
        return [unfinished];
      }
      const lane = ordering ? laneOf({ ...delivery, ordering }, record.payment) : null;
      const pending: Pending = { ...FRESH, ...delivery, lane: lane && AGAIN + lane, manual: true };
      const entry = this.lanes.addLate(this.#revived(record), pending);
      const isHead = this.lanes.blockerOf(pending) === null;
      if (isHead) {
        this.lanes.dispatch(entry, now);
      }
      this.lanes.changed.delete(entry.event);
      this.rows.revive(entry.event, record);
      return isHead ? [entry] : [];
    });
    return {
      retried: { status: "queued" },
      ready,
      due: Math.min(Infinity, ...ready.map(({ pending }) => dueOf(pending))),
    };
  }

  /** The event of a record, without the deliveries it had. */
  #revived(record: EventRecord): PendingEvent {
    return {
      id: record.id,
      key: this.rows.keyOf(record.id, dedupePrefixOf(record.id)) ?? record.id,
      sequence: -(record.sequence ?? 0),
      acceptedAt: record.acceptedAt,
      deliveries: [],
    };
  }

  /**
   * Tells the merchant what was given up, and writes the log rows that nobody else took to D1; false if that does not
   * take them either.
   */
  async report(env: Env): Promise<boolean> {
    const exhausted = [...this.#exhausted.values()];
    this.#exhausted.clear();
    await Promise.all(exhausted.map(({ record, troubled }) => announceDelivery(env, record, troubled)));
    const { names, rows } = this.rows.unlogged();
    try {
      await writeLog(env.DB, rows);
    } catch {
      return false;
    }
    this.rows.forgetUnlogged(names);
    return true;
  }

  /** Deletes what is older than it has to be kept. */
  purge(now: number): void {
    if (this.#oldestAt + DEDUPE_MS <= now) {
      const { sequence, factsOf } = this.acceptance;
      const { factsGone, oldestAt } = this.rows.purge(now, sequence, factsOf);
      factsGone.forEach((payment) => factsOf.delete(payment));
      this.#oldestAt = oldestAt;
    }
  }

  #row(
    { event, pending }: Entry,
    status: "retrying" | "exhausted" | "canceled",
    reason: string,
    now: number,
  ): LogRow[] {
    if (pending.destination === LOG) {
      return [];
    }
    const record = this.rows.record(event.key);
    const attempt: Attempt | null =
      reason === "lost" ? { at: now, class: "lost", durationMs: 0, trigger: "scheduled", retryAt: pending.due } : null;
    const isOver = status !== "retrying";
    const delivery = deliveryRow(record, pending, {
      status,
      // The end of a delivery is newer than whatever was logged of its last dispatch.
      counter: isOver ? pending.counter + 1 : pending.counter,
      reason,
      waitingFor: isOver ? null : this.lanes.waitingFor(pending),
      dueAt: isOver ? null : pending.due,
      attempt,
    });
    return [{ delivery }];
  }
}

/** Whether a delivery that is sent again waits for its turn among those. */
function isInTurn({ manual, state }: Pending): boolean {
  return manual && state === "waiting";
}
