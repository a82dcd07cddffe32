import type { Outcome, WaitingFor } from "./contract.ts";

/** Deliveries that one lane holds at most; beyond that its oldest is given up. */
const MAX_LANE_LENGTH = 10_000;
/** Dispatches in a row that nobody settled: together they count as one failed attempt of class `lost`. */
const MAX_LEASES = 5;
export const MAX_LEASE_MS = 3_600_000;
/** Delay before the attempt that follows a lost one. */
const AFTER_LOST_MS = 5_000;
/** A delivery ends at the latest this long after its event was accepted. */
export const MAX_DELIVERY_AGE_MS = 14 * 24 * 3_600_000;

/** One unfinished delivery, as its event's row keeps it. Times in epoch milliseconds. */
export interface Pending {
  delivery: string;
  destination: string;
  /** The lane it stands in; null: none, it waits for nobody. */
  lane: string | null;
  previous: number | null;
  maxHoldMs: number;
  manual: boolean;
  /** `waiting` for its lane, `out` with a consumer until `due`, `retrying` at `due`. */
  state: "waiting" | "out" | "retrying";
  due: number;
  /** When it was last handed over. */
  sentAt: number;
  counter: number;
  /** Counted attempts. */
  attempts: number;
  /** Dispatches in a row that nobody settled. */
  leases: number;
  /** Since when the receiver has answered it with errors; null while it does not answer at all. */
  failingSince: number | null;
  claimed: boolean;
}

/** An event with deliveries that are not finished. */
export interface PendingEvent {
  id: string;
  key: string;
  sequence: number;
  acceptedAt: number;
  deliveries: Pending[];
}

/** A delivery in its event. */
export interface Entry {
  event: PendingEvent;
  pending: Pending;
}

export interface LeaseTimes {
  startByMs: number;
  leaseMs: number;
}

/** What a sweep finds: entries to send again, entries whose dispatches were lost, entries past their last day. */
export interface Due {
  send: Entry[];
  lost: Entry[];
  old: Entry[];
}

/**
 * The lanes of one outbox: which unfinished deliveries there are, whose turn it is, and what follows from how a
 * dispatch ended. Pure: no clock, no I/O; the outbox writes the events that {@link Lanes.changed} names.
 */
export class Lanes {
  readonly events = new Map<string, PendingEvent>();
  /** Events whose deliveries changed since they were last written. */
  readonly changed = new Set<PendingEvent>();
  readonly #lanes = new Map<string, Entry[]>();
  readonly #overfull = new Set<string>();
  readonly #times: LeaseTimes;

  constructor(times: LeaseTimes) {
    this.#times = times;
  }

  /** Puts an event's deliveries into their lanes; events come in the order of their sequence. */
  add(event: PendingEvent): void {
    if (event.deliveries.length === 0) {
      return;
    }
    this.events.set(event.id, event);
    for (const pending of event.deliveries) {
      if (pending.lane !== null) {
        const lane = this.#lanes.get(pending.lane);
        if (lane) {
          lane.push({ event, pending });
          if (lane.length > MAX_LANE_LENGTH) {
            this.#overfull.add(pending.lane);
          }
        } else {
          this.#lanes.set(pending.lane, [{ event, pending }]);
        }
      }
    }
  }

  find(event: string, delivery: string): Entry | null {
    const found = this.events.get(event);
    const pending = found?.deliveries.find((one) => one.delivery === delivery);
    return found && pending ? { event: found, pending } : null;
  }

  /** The delivery that another waits for: the head of its lane, unless it is the head itself. */
  blockerOf(pending: Pending): Pending | null {
    const head = pending.lane === null ? undefined : this.#lanes.get(pending.lane)?.[0];
    return head && head.pending !== pending ? head.pending : null;
  }

  /** Marks a delivery as handed over: the next counter, a start time and a lease that doubles while unsettled. */
  dispatch({ event, pending }: Entry, now: number): void {
    pending.counter += 1;
    pending.state = "out";
    pending.claimed = false;
    pending.sentAt = now;
    pending.due = now + Math.min(this.#times.leaseMs * 2 ** pending.leases, MAX_LEASE_MS);
    this.changed.add(event);
  }

  /** Until when a dispatch made or claimed at `now` may start. */
  startBy(now: number): number {
    return now + this.#times.startByMs;
  }

  /**
   * A consumer asks whether it may still start: renews the lease of the newest dispatch, once if `once` is set.
   */
  claim(entry: Entry, counter: number, once: boolean, now: number): boolean {
    const { event, pending } = entry;
    if (pending.state !== "out" || pending.counter !== counter || (once && pending.claimed)) {
      return false;
    }
    pending.claimed = true;
    pending.due = Math.max(pending.due, now + this.#times.leaseMs);
    this.changed.add(event);
    return true;
  }

  /**
   * Applies how a dispatch ended. Only `delivered` counts from an older dispatch than the newest, and a failure counts
   * once, however often it is told. Returns false where the outcome is ignored.
   */
  settle(entry: Entry, counter: number, outcome: Outcome): boolean {
    const { event, pending } = entry;
    if (counter !== pending.counter && outcome.kind !== "delivered") {
      return false;
    }
    if (pending.state !== "out" && (outcome.kind === "failed" || outcome.kind === "deferred")) {
      return false;
    }
    switch (outcome.kind) {
      case "delivered":
      case "sent":
      case "exhausted":
      case "canceled":
      case "skipped":
      case "logged":
        this.finish(entry);
        break;
      case "failed":
        pending.attempts += 1;
        this.#retry(pending, outcome.retryAt);
        pending.failingSince = outcome.answered ? (pending.failingSince ?? outcome.at) : null;
        break;
      case "deferred":
        this.#retry(pending, outcome.until);
        break;
    }
    this.changed.add(event);
    return true;
  }

  /** Takes a delivery out: it is finished, whatever way. */
  finish({ event, pending }: Entry): void {
    event.deliveries.splice(event.deliveries.indexOf(pending), 1);
    if (event.deliveries.length === 0) {
      this.events.delete(event.id);
    }
    this.#leave(pending);
    this.changed.add(event);
  }

  /** The heads of lanes whose turn it is and which nobody has been handed yet. */
  *ready(): Iterable<Entry> {
    for (const [head] of this.#lanes.values()) {
      if (head?.pending.state === "waiting") {
        yield head;
      }
    }
  }

  /** The head of one lane, if it waits to be handed over. */
  readyIn(lane: string): Entry | null {
    const head = this.#lanes.get(lane)?.[0];
    return head?.pending.state === "waiting" ? head : null;
  }

  /** Takes note of the oldest deliveries of lanes that hold more than they may. */
  takeOverfull(): Entry[] {
    const names = [...this.#overfull];
    this.#overfull.clear();
    return names.flatMap((name) => {
      const lane = this.#lanes.get(name) ?? [];
      return lane.slice(0, Math.max(0, lane.length - MAX_LANE_LENGTH));
    });
  }

  /** What an unfinished delivery waits for; null while it is with a consumer. `until`: epoch ms. */
  waitingFor(pending: Pending): WaitingFor | null {
    const blocker = this.blockerOf(pending);
    if (pending.state === "waiting") {
      return blocker && { reason: "lane", delivery: blocker.delivery };
    }
    return pending.state === "retrying" ? { reason: "backoff", until: pending.due } : null;
  }

  /**
   * What is due: retries, leases that ran out (five in a row are one lost attempt), and heads that have been answered
   * with errors for so long that their lane goes on without them.
   */
  sweep(now: number): Due {
    const due: Due = { send: [], lost: [], old: [] };
    for (const event of this.events.values()) {
      for (const pending of event.deliveries) {
        const entry = { event, pending };
        if (asideAt(pending) <= now) {
          this.#leave(pending);
          pending.lane = null;
          this.changed.add(event);
        }
        if (pending.state === "waiting" || pending.due > now) {
          continue;
        }
        if (event.acceptedAt + MAX_DELIVERY_AGE_MS <= now && !pending.manual) {
          due.old.push(entry);
        } else if (pending.state === "out" && ++pending.leases >= MAX_LEASES) {
          pending.attempts += 1;
          this.#retry(pending, now + AFTER_LOST_MS);
          this.changed.add(event);
          due.lost.push(entry);
        } else {
          due.send.push(entry);
        }
      }
    }
    return due;
  }

  /** Adds a delivery beside the lanes: a retry by hand of one that was finished. */
  addLate(event: PendingEvent, pending: Pending): Entry {
    const known = this.events.get(event.id) ?? event;
    known.deliveries.push(pending);
    this.events.set(known.id, known);
    return { event: known, pending };
  }

  /** Gives dispatches that still wait in the queue more time: nobody lost them. */
  extend(entries: Entry[], now: number): void {
    for (const { pending } of entries) {
      if (pending.state === "out") {
        pending.due = Math.max(pending.due, now + this.#times.leaseMs);
      }
    }
  }

  /** Dispatches whose lease has run out. */
  expired(now: number): Entry[] {
    const entries: Entry[] = [];
    for (const event of this.events.values()) {
      for (const pending of event.deliveries) {
        if (pending.state === "out" && pending.due <= now) {
          entries.push({ event, pending });
        }
      }
    }
    return entries;
  }

  /** When the outbox has to look again; Infinity: never. */
  nextDue(): number {
    let next = Infinity;
    for (const event of this.events.values()) {
      for (const pending of event.deliveries) {
        next = Math.min(next, dueOf(pending));
      }
    }
    return next;
  }

  #retry(pending: Pending, at: number): void {
    pending.state = "retrying";
    pending.due = at;
    pending.leases = 0;
  }

  #leave(pending: Pending): void {
    const lane = pending.lane === null ? undefined : this.#lanes.get(pending.lane);
    if (!lane) {
      return;
    }
    const at = lane[0]?.pending === pending ? 0 : lane.findIndex((entry) => entry.pending === pending);
    if (at >= 0) {
      lane.splice(at, 1);
    }
    if (lane.length === 0) {
      this.#lanes.delete(pending.lane!);
    }
  }
}

/** When the outbox has to look at a delivery again; Infinity: when its lane lets it. */
export function dueOf(pending: Pending): number {
  return pending.state === "waiting" ? Infinity : Math.min(pending.due, asideAt(pending));
}

function asideAt(pending: Pending): number {
  return pending.lane !== null && pending.maxHoldMs > 0 && pending.failingSince !== null
    ? pending.failingSince + pending.maxHoldMs
    : Infinity;
}
