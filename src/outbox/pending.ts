import type { WaitingFor } from "./contract.ts";
import type { Payload } from "../event/envelope.ts";

/** A delivery ends at the latest this long after its event was accepted. */
export const MAX_DELIVERY_AGE_MS = 14 * 24 * 3_600_000;
/** What the lanes of deliveries that are sent again begin with. No destination begins so. */
export const AGAIN = "again:";
/** The longest lease of a dispatch. */
export const MAX_LEASE_MS = 3_600_000;

/** One unfinished delivery, as its event's row keeps it. Times in epoch milliseconds. */
export interface Pending {
  delivery: string;
  destination: string;
  /** The lane it stands in; null: none, it waits for nobody. */
  lane: string | null;
  previous: number | null;
  /** Absent: full. */
  payload?: Payload | undefined;
  maxHoldMs: number;
  manual: boolean;
  /** Its next attempt was asked for by hand, in its lane. */
  byHand?: boolean | undefined;
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
  /** Who claimed the dispatch for good: without its word nobody knows whether it was sent. */
  claimedBy?: string | null;
  /** What it waits for where that is neither its lane nor its own backoff. */
  waits?: WaitingFor | null;
  /** Until when its receiver asked to be left alone with it; absent: it did not. */
  notBefore?: number | undefined;
}

/** A delivery that nobody has been handed yet. */
export const FRESH: Omit<Pending, "delivery" | "destination"> = {
  lane: null,
  previous: null,
  maxHoldMs: 0,
  manual: false,
  state: "waiting",
  due: 0,
  sentAt: 0,
  counter: 0,
  attempts: 0,
  leases: 0,
  failingSince: null,
  claimed: false,
  claimedBy: null,
  waits: null,
};

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

/** When the outbox has to look at a delivery again; Infinity: when its lane lets it. */
export function dueOf(pending: Pending): number {
  return pending.state === "waiting" ? Infinity : Math.min(pending.due, asideAt(pending));
}

/** When a lane goes on without its head, which has been answered with errors for so long; Infinity: never. */
export function asideAt(pending: Pending): number {
  return pending.lane !== null && pending.maxHoldMs > 0 && pending.failingSince !== null
    ? pending.failingSince + pending.maxHoldMs
    : Infinity;
}

/** Whether a delivery is past its last day; one that is sent again by hand has none. */
export function isOld({ event, pending }: Entry, now: number): boolean {
  return event.acceptedAt + MAX_DELIVERY_AGE_MS <= now && !pending.manual;
}
