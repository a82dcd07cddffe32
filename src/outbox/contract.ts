import type { FailureClass } from "../channels/adapter.ts";
import type { Payload } from "../event/envelope.ts";
import type { PaymentEvent } from "../event/event.ts";
import type { OperationalType } from "../event/operational.ts";

/** The version that every queue message, RPC payload and outbox row carries. Code reads this and the one before. */
export const V = 1 as const;
export type V = typeof V;

/** How an endpoint's deliveries are ordered: one lane per ordering key, one per payment, or none. */
export type Ordering = "user" | "payment" | "none";

/** One destination that wants an event, as ingest reads it from the merchant's configuration. */
export interface Planned {
  /** An endpoint's id, or a channel's name. */
  destination: string;
  ordering: Ordering;
  /** Seconds a head may fail with an answer of the receiver before its lane goes on beside it; 0: never. */
  maxHoldSeconds: number;
  includeStale: boolean;
  /** Absent: full. */
  payload?: Payload | undefined;
  /** Why the destination is not told of this event; absent: it is. */
  skip?: SkipReason;
}

/**
 * Why a planned delivery is not made. `stale`: the event changes nothing; `no_user`: it names nobody; `testmode` and
 * `authenticity`: people hear only of live events that are as sure as their source demands.
 */
export type SkipReason = "stale" | "no_user" | "testmode" | "authenticity";

/** One event on its way into an outbox. Times in epoch milliseconds. */
export interface AcceptEvent {
  id: string;
  dedupeKey: string;
  /** SHA-256 (base 32) of the input, by which a known key with other content is told. */
  inputHash: string;
  /** What a known key with another input is: the API refuses it, ingest notes it on the first. */
  onDifference: "conflict" | "note";
  receivedAt: number;
  merchant: string;
  /** The source's id; `api` for events that the merchant posts itself. */
  source: string;
  event: PaymentEvent;
  /**
   * Whom an event names that its signature does not wholly cover, and whose own user is null: binds its payment if
   * nothing is known of that yet, and never else.
   */
  hint?: string;
  plan: Planned[];
  /** The provider's object as JSON text, up to 1 MiB; only where a planned destination wants it. */
  raw?: string | undefined;
  /** Which other installations it has come through (`platform/hops.ts`); absent: none. */
  hops?: string | undefined;
}

export interface AcceptInput {
  v: V;
  events: AcceptEvent[];
}

/** What became of one event. `moved`: its payment is bound to another user, go to that user's outbox. */
export type AcceptResult =
  | { status: "accepted"; id: string; sequence: number; item: EventItem }
  | { status: "duplicate"; id: string; sequence: number; differs: boolean }
  | { status: "conflict"; id: string; sequence: number }
  | { status: "moved"; user: string }
  | { status: "refused"; reason: "storage-full" };

/** What the log keeps of an accepted event, and what its deliveries send. */
export interface EventRecord {
  id: string;
  merchant: string;
  source: string;
  provider: string | null;
  /** Name of the outbox that holds the event. */
  key: string;
  user: string | null;
  type: string;
  payment: string | null;
  livemode: boolean;
  stale: boolean;
  /** The event's place among those of its user. `null`: Paybell has taken the event in, but not numbered it yet. */
  sequence: number | null;
  /** Epoch ms of receipt, and of the event itself at the provider. */
  acceptedAt: number;
  occurredAt: number;
  /** The template of the body (`event/envelope.ts`); null where it is too large to travel: ask the outbox. */
  template: string | null;
  /** Which other installations it has come through; absent: none, or nobody knows any more. */
  hops?: string | undefined;
}

/** How one planned delivery stands when its event is accepted. */
export interface PlannedDelivery {
  delivery: string;
  destination: string;
  /** The sequence planned before this one for the destination, null if none: part of the delivery's body. */
  previous: number | null;
  /** How much of the event the body holds, fixed when the event is accepted; absent: full. */
  payload?: Payload | undefined;
  /** Why it is not ready, if it is not. */
  waitsFor: { reason: "lane"; delivery: string } | null;
  skipped: SkipReason | null;
}

/** One hand-over of a delivery, numbered by `counter`. A consumer starts it before `startBy` (epoch ms) or claims it. */
export interface Dispatch {
  delivery: string;
  destination: string;
  counter: number;
  startBy: number;
  /** Counted attempts made before this one. */
  attempts: number;
  previous: number | null;
  payload?: Payload | undefined;
  trigger: "scheduled" | "manual";
}

/** One event in a `deliveries` message: its record, its plan when it is new, and what is ready to be sent. */
export interface EventItem {
  v: V;
  record: EventRecord;
  planned: PlannedDelivery[];
  ready: Dispatch[];
}

/** Destination of the pseudo-delivery by which the outbox sees to it that an event without a ready one is logged. */
export const LOG = "";

/** How a dispatch ended. Times in epoch milliseconds. */
export type Outcome =
  | { kind: "delivered" | "sent" | "bounced" | "exhausted" | "canceled" | "skipped" | "logged" }
  /**
   * A counted attempt that failed. `answered`: the receiver itself answered with an error. `notBefore`: until when the
   * receiver asked to be left alone with it; absent: it did not.
   */
  | { kind: "failed"; at: number; retryAt: number; answered: boolean; notBefore?: number | undefined }
  /** Not attempted: no slot was to be had, or its endpoint or account takes nothing now. `waits`: for what. */
  | { kind: "deferred"; until: number; waits?: WaitingFor };

export interface Settle {
  event: string;
  delivery: string;
  counter: number;
  outcome: Outcome;
}

export interface SettleInput {
  v: V;
  settles: Settle[];
  /** How many deliveries the caller can go on with at once; the outbox enqueues the others that became ready. */
  takes: number;
  /** Log rows that neither D1 nor the backup queue took: the outbox logs them later. */
  unlogged: LogRow[];
}

/**
 * A consumer asks whether it may start a dispatch. `once`: for a channel that must not send twice; one claimant gets
 * the dispatch, however often it asks, and if it never settles the delivery is not sent again. `by`: its name.
 */
export interface ClaimInput {
  v: V;
  event: string;
  delivery: string;
  counter: number;
  mode: "again" | "once";
  by: string;
}

/** A dispatch that may start. `superseded`: what the event says of its payment is no longer so. */
export interface Claimed {
  startBy: number;
  superseded: boolean;
}

/** One delivery of an outbox. */
export interface DeliveryRef {
  v: V;
  event: string;
  delivery: string;
}

/**
 * A destination takes something again: the oldest that wait for it, `max` at most, are due now. `isProbe`: it may be well
 * again, so what has failed by itself keeps its own time. The release before says neither, means all that wait, and does
 * nothing with what it is handed.
 */
export interface ReleaseInput {
  v: V;
  destination: string;
  isProbe?: boolean;
  max?: number;
}

/** What an outbox hands over to whoever has said that a destination takes something again. */
export interface Released {
  v: V;
  next: EventItem[];
  /** Whether more waits for the destination. */
  hasMore: boolean;
  /** Whether more has failed by itself, and would be due as well if this were no probe. */
  hasFailed: boolean;
}

/** How an unfinished delivery stands. */
export interface Standing {
  found: boolean;
  waitingFor: WaitingFor | null;
  attempts: number;
}

/** A delivery that is to be sent again, or now rather than later: its event, and how far it had come. */
export interface RetryInput {
  v: V;
  record: EventRecord;
  delivery: string;
  destination: string;
  previous: number | null;
  payload?: Payload | undefined;
  attempts: number;
  counter: number;
  /** How those that are sent again together are ordered among themselves; absent: this one waits for none. */
  ordering?: Ordering;
}

/**
 * What an outbox says to that. `queued`: it is handed over now, or in turn with others that are sent again;
 * `under_way`: it is being attempted at this moment; `behind`: another `delivery` of its lane comes first.
 */
export type Retried = { status: "queued" } | { status: "under_way" } | { status: "behind"; delivery: string };

export type AttemptClass =
  | "delivered"
  | "http"
  | "gone"
  | "redirect"
  | "timeout"
  | "connection"
  | "refused"
  | "lost"
  | "sent"
  | FailureClass;

/** One try of a delivery, as the log keeps it. `at`: epoch ms of its start. */
export interface Attempt {
  at: number;
  class: AttemptClass;
  durationMs: number;
  trigger: "scheduled" | "manual";
  url?: string;
  status?: number;
  /** At most 4 KiB of an endpoint's answer, as text. */
  response?: string;
  /** The id that a channel's provider gave the message. */
  message?: string;
  /** Of a webhook, which fault of the network it was; else the channel's provider's own name or number of the error. */
  code?: string;
  error?: string;
  /** Epoch ms of the next one, where one is planned. */
  retryAt?: number;
}

export type DeliveryStatus =
  | "pending"
  | "retrying"
  | "sent"
  | "delivered"
  | "bounced"
  | "exhausted"
  | "canceled"
  | "skipped";

export interface WaitingFor {
  reason:
    | "lane"
    | "paused"
    | "disabled"
    | "unverified"
    | "throttled"
    | "breaker"
    | "retry_after"
    | "daily_limit"
    | "backoff";
  delivery?: string;
  /** Epoch ms. */
  until?: number;
}

/** One state of a delivery for the log; may arrive twice and in any order, the highest `counter` counts. */
export interface DeliveryRow {
  id: string;
  merchant: string;
  event: string;
  destination: string;
  user: string | null;
  key: string;
  provider: string | null;
  acceptedAt: number;
  counter: number;
  status: DeliveryStatus;
  reason: string | null;
  waitingFor: WaitingFor | null;
  /** Epoch ms at which something is due, for the sweep of what is overdue; null once finished. */
  dueAt: number | null;
  previous: number | null;
  /** Null and absent: full. */
  payload?: Payload | null | undefined;
  attempt: Attempt | null;
}

/** What one flush of the log writes. */
export type LogRow = { event: EventRecord } | { delivery: DeliveryRow };

/** A message of the `deliveries` queue. */
export interface DeliveriesMessage {
  v: V;
  items: EventItem[];
}

/** Something that a merchant should hear of Paybell's own work. `target`: the id of what it is about. */
export interface Announcement {
  merchant: string;
  type: OperationalType;
  target: string;
  /** The `data` of the event. */
  data: Record<string, unknown>;
}

/** A signed request that became no event, with the columns of the table `quarantine` (store/schema.ts). Times in epoch ms. */
export interface Quarantined {
  merchant: string;
  id: string;
  source: string;
  reason: "unparseable" | "unreadable" | "altered" | "unconfirmed";
  event: string | null;
  receivedAt: number;
  hash: string;
  request: string;
  replayedAt: number | null;
  body: string;
}

/**
 * A message of the `enrichments` queue: a verified post about which its provider is asked before it becomes events.
 * It holds no secret: `url` is without its query, and `headers` are those that reading it takes. `body`: base64 of the
 * bytes. Times in epoch ms.
 */
export interface Enrichment {
  v: V;
  kind: "enrich";
  source: string;
  receivedAt: number;
  url: string;
  headers: [name: string, value: string][];
  body: string;
}

/** A message of the `backup` queue: what the usual way did not take. */
export type BackupMessage =
  | Enrichment
  | { v: V; kind: "log"; rows: LogRow[] }
  | { v: V; kind: "settle"; key: string; settles: Settle[] }
  | { v: V; kind: "accept"; event: AcceptEvent }
  | { v: V; kind: "quarantine"; row: Quarantined }
  | ({ v: V; kind: "announce"; at: number } & Announcement)
  | { v: V; kind: "alert"; id: string; to: string; subject: string; text: string };
