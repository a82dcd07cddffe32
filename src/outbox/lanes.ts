import { isChannel } from "../event/channels.ts";
import { LOG, type Outcome, type Released, type ReleaseInput, type WaitingFor } from "./contract.ts";
import {
  asideAt,
  dueOf,
  isOld,
  MAX_LEASE_MS,
  type Entry,
  type LeaseTimes,
  type Pending,
  type PendingEvent,
} from "./pending.ts";

/** Deliveries that wait for one destination at most, in all its lanes; beyond that the oldest is given up. */
const MAX_WAITING = 10_000;
/** Dispatches in a row that nobody settled: together they count as one failed attempt of class `lost`. */
const MAX_LEASES = 5;
/** Delay before the attempt that follows a lost one. */
const AFTER_LOST_MS = 5_000;

/**
 * What a sweep finds: entries to send again, entries whose dispatches were lost, entries of which nobody knows whether
 * they were sent and that must not be sent twice, entries past their last day.
 */
export interface Due {
  send: Entry[];
  lost: Entry[];
  ambiguous: Entry[];
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
  /** How often each destination was said to be back, and how often it had been when a delivery was handed over. */
  readonly #releases = new Map<string, number>();
  readonly #releasesBefore = new WeakMap<Pending, number>();
  /** How many unfinished deliveries each destination has. */
  readonly #waiting = new Map<string, number>();
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
      this.#count(pending, 1);
      this.#join({ event, pending });
    }
  }

  find(event: string, delivery: string): Entry | null {
    const found = this.events.get(event);
    const pending = found?.deliveries.find((one) => one.delivery === delivery);
    return found && pending ? { event: found, pending } : null;
  }

  /** Whether a delivery is still unfinished. */
  has({ event, pending }: Entry): boolean {
    return this.events.get(event.id)?.deliveries.includes(pending) ?? false;
  }

  /** The delivery that another waits for: the head of its lane, unless it is the head itself. */
  blockerOf(pending: Pending): Pending | null {
    const head = pending.lane === null ? undefined : this.#lanes.get(pending.lane)?.[0];
    return head && head.pending !== pending ? head.pending : null;
  }

  /**
   * The delivery that comes before one that is not in its lane any more, but was: an earlier one of the same
   * destination, or payment there, that is not finished. Null: it overtakes none.
   */
  earlierThan(destination: string, payment: string | null, sequence: number): Pending | null {
    const lanes = payment === null ? [destination] : [destination, `${destination}/${payment}`];
    const heads = lanes.flatMap((lane) => this.#lanes.get(lane)?.[0] ?? []);
    return heads.find(({ event }) => Math.abs(event.sequence) < sequence)?.pending ?? null;
  }

  /**
   * Marks a delivery as handed over: the next counter, a start time and a lease that doubles while unsettled. Whoever
   * takes it logs its event, so that nobody has to be handed the event for the log alone any more.
   */
  dispatch({ event, pending }: Entry, now: number): void {
    const forLog = pending.destination === LOG ? undefined : event.deliveries.find((one) => one.destination === LOG);
    if (forLog) {
      this.finish({ event, pending: forLog });
    }
    pending.counter += 1;
    pending.state = "out";
    pending.claimed = false;
    pending.claimedBy = null;
    pending.waits = null;
    pending.notBefore = undefined;
    pending.sentAt = now;
    this.#releasesBefore.set(pending, this.#releases.get(pending.destination) ?? 0);
    pending.due = now + Math.min(this.#times.leaseMs * 2 ** pending.leases, MAX_LEASE_MS);
    this.changed.add(event);
  }

  /** Until when a dispatch made or claimed at `now` may start. */
  startBy(now: number): number {
    return now + this.#times.startByMs;
  }

  /**
   * A consumer asks whether it may still start: renews the lease of the newest dispatch. `onceBy`: the one claimant
   * that gets it for good; null: whoever asks.
   */
  claim(entry: Entry, counter: number, onceBy: string | null, now: number): boolean {
    const { event, pending } = entry;
    const isTaken = onceBy !== null && pending.claimed && pending.claimedBy !== onceBy;
    if (pending.state !== "out" || pending.counter !== counter || isTaken) {
      return false;
    }
    pending.claimed = true;
    pending.claimedBy = onceBy;
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
      case "bounced":
      case "exhausted":
      case "canceled":
      case "skipped":
      case "logged":
        this.finish(entry);
        break;
      case "failed":
        pending.attempts += 1;
        this.#retry(pending, outcome.retryAt);
        pending.notBefore = outcome.notBefore;
        pending.failingSince = outcome.answered ? (pending.failingSince ?? outcome.at) : null;
        if (pending.manual) {
          this.#stepAside(entry);
        }
        break;
      case "deferred":
        this.#retry(pending, this.#isBackSince(pending) ? pending.sentAt : outcome.until);
        pending.waits = outcome.waits ?? null;
        // The endpoint as a whole takes nothing: its lanes wait.
        pending.failingSince = null;
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
    this.#count(pending, -1);
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

  /** Messages to people of events that were accepted before `before` (epoch ms). */
  toPeople(before: number): Entry[] {
    const events = [...this.events.values()].filter(({ acceptedAt }) => acceptedAt < before);
    return events.flatMap((event) =>
      event.deliveries.filter(({ destination }) => isChannel(destination)).map((pending) => ({ event, pending })),
    );
  }

  /** The oldest deliveries of destinations that more wait for than may. */
  overfull(): Entry[] {
    const excess = new Map([...this.#waiting].map(([name, count]) => [name, count - MAX_WAITING]));
    let left = [...excess.values()].reduce((sum, count) => sum + Math.max(0, count), 0);
    const oldest: Entry[] = [];
    for (const event of left > 0 ? this.events.values() : []) {
      for (const pending of event.deliveries) {
        const over = excess.get(pending.destination) ?? 0;
        if (over > 0) {
          excess.set(pending.destination, over - 1);
          oldest.push({ event, pending });
          left -= 1;
        }
      }
      if (left === 0) {
        break;
      }
    }
    return oldest;
  }

  /** What an unfinished delivery waits for; null while it is with a consumer. `until`: epoch ms. */
  waitingFor(pending: Pending): WaitingFor | null {
    const blocker = this.blockerOf(pending);
    if (pending.state === "waiting") {
      return blocker && { reason: "lane", delivery: blocker.delivery };
    }
    return pending.state === "retrying" ? (pending.waits ?? { reason: "backoff", until: pending.due }) : null;
  }

  /**
   * Hands over the oldest that wait for a destination, which may be back; whether more do. What has failed keeps its own
   * time where that `isProbe`, where it was sent by hand, and as long as its receiver has asked for; what is too old is
   * left to the next sweep.
   */
  release(
    { destination, isProbe = false, max = Infinity }: Omit<ReleaseInput, "v">,
    now: number,
  ): Omit<Released, "v" | "next"> & { handed: Entry[] } {
    this.#releases.set(destination, (this.#releases.get(destination) ?? 0) + 1);
    const waiting: Entry[] = [];
    let hasFailed = false;
    for (const event of this.events.values()) {
      for (const pending of event.deliveries) {
        const entry = { event, pending };
        if (pending.destination !== destination || pending.state !== "retrying" || isOld(entry, now)) {
          continue;
        }
        const isParked = (pending.waits ?? null) !== null;
        if (isParked || !(isProbe || pending.manual || (pending.notBefore ?? 0) > now)) {
          waiting.push(entry);
        }
        hasFailed ||= isProbe && !isParked && !pending.manual;
      }
      if (waiting.length > max) {
        break;
      }
    }
    const handed = waiting.slice(0, max);
    handed.forEach((entry) => this.dispatch(entry, now));
    return { handed, hasMore: waiting.length > max, hasFailed };
  }

  /**
   * What is due: retries, leases that ran out (five in a row are one lost attempt), and heads that have been answered
   * with errors for so long that their lane goes on without them. A dispatch that was claimed for good and never
   * settled is ambiguous.
   */
  sweep(now: number): Due {
    const due: Due = { send: [], lost: [], ambiguous: [], old: [] };
    for (const event of this.events.values()) {
      for (const pending of event.deliveries) {
        const entry = { event, pending };
        if (asideAt(pending) <= now) {
          this.#stepAside(entry);
        }
        if (pending.state === "waiting" || pending.due > now) {
          continue;
        }
        if (pending.state === "out" && pending.claimedBy) {
          due.ambiguous.push(entry);
        } else if (isOld(entry, now)) {
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

  /**
   * Adds a delivery beside the lanes: a retry by hand of one that was finished. Its own lane, if it has one, is that of
   * those sent again; whichever fails there again holds up none behind it.
   */
  addLate(event: PendingEvent, pending: Pending): Entry {
    const known = this.events.get(event.id) ?? event;
    const entry = { event: known, pending };
    known.deliveries.push(pending);
    this.#count(pending, 1);
    this.#join(entry);
    this.events.set(known.id, known);
    return entry;
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

  /** Whether its destination came back after it was handed over: the word that it has to wait is older than that. */
  #isBackSince(pending: Pending): boolean {
    return (this.#releases.get(pending.destination) ?? 0) > (this.#releasesBefore.get(pending) ?? 0);
  }

  /** Takes a delivery out of its lane, which goes on without it. */
  #stepAside({ event, pending }: Entry): void {
    this.#leave(pending);
    pending.lane = null;
    this.changed.add(event);
  }

  #retry(pending: Pending, at: number): void {
    pending.state = "retrying";
    pending.byHand = undefined;
    pending.due = at;
    pending.leases = 0;
  }

  #count({ destination }: Pending, change: 1 | -1): void {
    const count = (this.#waiting.get(destination) ?? 0) + change;
    if (count > 0) {
      this.#waiting.set(destination, count);
    } else {
      this.#waiting.delete(destination);
    }
  }

  #join(entry: Entry): void {
    const { lane } = entry.pending;
    const others = lane === null ? undefined : this.#lanes.get(lane);
    if (others) {
      others.push(entry);
    } else if (lane !== null) {
      this.#lanes.set(lane, [entry]);
    }
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
