import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { Channel } from "../event/channels.ts";
import type { Payload } from "../event/envelope.ts";
import type { Authenticity } from "../event/event.ts";
import type { Filter } from "../event/filter.ts";
import type { Attempt, DeliveryStatus, Ordering, Quarantined, WaitingFor } from "../outbox/contract.ts";

export type Scope = "events:write" | "log:read" | "config:write" | "people:write" | "keys:write";

/** The tables of `migrations/`; a test holds the two together. Times are epoch milliseconds. */
export const merchants = sqliteTable("merchants", {
  id: text("id").primaryKey(),
  name: text("name"),
  status: text("status").$type<"active" | "suspended">().notNull(),
  region: text("region"),
  jurisdiction: text("jurisdiction").$type<"eu" | "fedramp">(),
  alertEmail: text("alert_email"),
  monthlyEventLimit: integer("monthly_event_limit"),
  createdAt: integer("created_at").notNull(),
  signingKeys: text("signing_keys", { mode: "json" }).$type<StoredSigningKey[]>().notNull(),
  /** What its mail at the operator's domains begins with; null: by its id. */
  emailName: text("email_name"),
  /** Emails a day from the operator's domains; null: as many as EMAILS_A_DAY says. */
  dailyEmailLimit: integer("daily_email_limit"),
});

/**
 * An Ed25519 key pair of a merchant. `publicKey`: `whpk_`; `sealed`: the `whsk_` of it; `expiresAt`: until when it
 * signs beside its successor, null for the newest.
 */
export interface StoredSigningKey {
  publicKey: string;
  sealed: string;
  createdAt: number;
  expiresAt: number | null;
}

/** `hash`: SHA-256 of the key, in base 32. `prefix`: the key's first characters, for people to tell keys apart. */
export const apiKeys = sqliteTable("api_keys", {
  hash: text("hash").primaryKey(),
  id: text("id").notNull().unique(),
  merchant: text("merchant").notNull(),
  name: text("name"),
  prefix: text("prefix").notNull(),
  scopes: text("scopes", { mode: "json" }).$type<Scope[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  revokedAt: integer("revoked_at"),
});

/**
 * `secrets`: sealed by `platform/secret-box.ts`, each under the source's id. `credential`: sealed JSON by which the
 * provider's API is asked about what it posts.
 */
export const sources = sqliteTable("sources", {
  id: text("id").primaryKey(),
  merchant: text("merchant").notNull(),
  provider: text("provider").notNull(),
  secrets: text("secrets", { mode: "json" }).$type<{ id: string; sealed: string; createdAt: number }[]>().notNull(),
  config: text("config", { mode: "json" }).$type<Record<string, unknown>>(),
  userFrom: text("user_from"),
  userPrefix: text("user_prefix"),
  /** What an event has to reach for people to hear of it. */
  minAuthenticity: text("min_authenticity").$type<Authenticity>().notNull().default("fetched"),
  description: text("description"),
  createdAt: integer("created_at").notNull(),
  credential: text("credential"),
});

export type EndpointStatus = "enabled" | "paused" | "disabled";

/** `gone`: it said so itself; `failing`: nothing but failures for days. */
export type DisabledReason = "gone" | "failing";

/**
 * `secret`: a `whsec_` secret, sealed under the endpoint's id; `previousSecrets`: those that it has replaced and that
 * sign until they expire, the newest first; `secretHeaders`: sealed values, each by its name.
 */
export const endpoints = sqliteTable(
  "endpoints",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    url: text("url").notNull(),
    status: text("status").$type<EndpointStatus>().notNull(),
    /** Why and when it was disabled. */
    disabledReason: text("disabled_reason").$type<DisabledReason>(),
    disabledAt: integer("disabled_at"),
    /** Its gate is asked before every attempt and told of each. */
    watch: integer("watch", { mode: "boolean" }).notNull().default(false),
    /** Attempts a second at most. */
    rateLimit: real("rate_limit"),
    secret: text("secret").notNull(),
    eventTypes: text("event_types", { mode: "json" }).$type<string[]>(),
    headers: text("headers", { mode: "json" }).$type<Record<string, string>>(),
    ordering: text("ordering").$type<Ordering>().notNull(),
    maxHoldSeconds: integer("max_hold_seconds").notNull(),
    retrySchedule: text("retry_schedule", { mode: "json" }).$type<number[]>(),
    timeoutSeconds: integer("timeout_seconds").notNull(),
    includeStale: integer("include_stale", { mode: "boolean" }).notNull(),
    livemode: integer("livemode", { mode: "boolean" }),
    compat: text("compat").$type<"svix">(),
    description: text("description"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    previousSecrets: text("previous_secrets", { mode: "json" })
      .$type<{ sealed: string; expiresAt: number }[]>()
      .notNull(),
    signatures: text("signatures").$type<Signatures>().notNull(),
    filter: text("filter", { mode: "json" }).$type<Filter>(),
    payload: text("payload").$type<Payload>().notNull().default("full"),
    secretHeaders: text("secret_headers", { mode: "json" }).$type<Record<string, string>>(),
    /** The host that has to be verified before it is sent anything; null: none. */
    awaitsHost: text("awaits_host"),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/**
 * Whether a host wants a merchant's webhooks. `token`: what it shows to say so. `how` it did: by a file, by answering a
 * challenge, or since it was sent events before anybody asked.
 */
export const endpointHosts = sqliteTable(
  "endpoint_hosts",
  {
    merchant: text("merchant").notNull(),
    host: text("host").notNull(),
    token: text("token").notNull(),
    createdAt: integer("created_at").notNull(),
    checkedAt: integer("checked_at"),
    failure: text("failure"),
    verifiedAt: integer("verified_at"),
    how: text("how").$type<"file" | "challenge" | "before">(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.host] })],
);

/** Which signatures an endpoint's webhooks carry: by its own secrets, and by its merchant's keys too. */
export type Signatures = "hmac" | "hmac+ed25519";

/**
 * `outbox`: the name of the Durable Object that holds the event; `template`: its body, `event/envelope.ts`; `lateAt`:
 * when it was written, where that was late (`store/feed.ts`).
 */
export const events = sqliteTable(
  "events",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    source: text("source").notNull(),
    provider: text("provider"),
    outbox: text("outbox").notNull(),
    user: text("user"),
    type: text("type").notNull(),
    payment: text("payment"),
    livemode: integer("livemode", { mode: "boolean" }).notNull(),
    stale: integer("stale", { mode: "boolean" }).notNull(),
    sequence: integer("sequence"),
    acceptedAt: integer("accepted_at").notNull(),
    occurredAt: integer("occurred_at").notNull(),
    template: text("template"),
    alteredAt: integer("altered_at"),
    lateAt: integer("late_at"),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/** `attempts`: JSON object of attempts by the counter of their dispatch. `previous`: as in the delivery's body. */
export const deliveries = sqliteTable(
  "deliveries",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    event: text("event").notNull(),
    destination: text("destination").notNull(),
    user: text("user"),
    outbox: text("outbox").notNull(),
    provider: text("provider"),
    status: text("status").$type<DeliveryStatus>().notNull(),
    reason: text("reason"),
    waitingFor: text("waiting_for", { mode: "json" }).$type<WaitingFor>(),
    counter: integer("counter").notNull(),
    attempts: text("attempts", { mode: "json" }).$type<Record<string, Attempt>>().notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    firstAttemptAt: integer("first_attempt_at"),
    deliveredAt: integer("delivered_at"),
    dueAt: integer("due_at"),
    previous: integer("previous"),
    payload: text("payload").$type<Payload>(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/** `email`, `phone`: sealed, each under its own name; `*Hash`: keyed hashes by which an address is found again. */
export const users = sqliteTable(
  "users",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    email: text("email"),
    emailHash: text("email_hash"),
    phone: text("phone"),
    phoneHash: text("phone_hash"),
    phoneVerified: integer("phone_verified", { mode: "boolean" }).notNull(),
    locale: text("locale"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/**
 * Addresses that are not used again, whichever user has them. `address`: sealed; null where it was written by the
 * release before, which kept only the hash.
 */
export const suppressions = sqliteTable(
  "suppressions",
  {
    merchant: text("merchant").notNull(),
    channel: text("channel").$type<Channel>().notNull(),
    addressHash: text("address_hash").notNull(),
    reason: text("reason").$type<SuppressionReason>().notNull(),
    createdAt: integer("created_at").notNull(),
    address: text("address"),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.channel, table.addressHash] })],
);

/** Why an address is not used again: nothing arrives there, or the person said no. */
export type SuppressionReason = "address_dead" | "opted_out";

/** `settings`: what may be shown; `secrets`: the rest, as sealed JSON. */
export const channelAccounts = sqliteTable(
  "channel_accounts",
  {
    merchant: text("merchant").notNull(),
    channel: text("channel").$type<Channel>().notNull(),
    provider: text("provider").notNull(),
    settings: text("settings", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    secrets: text("secrets").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.channel] })],
);

/** `actor`: the id of an API key, `admin`, or `paybell` itself. `fields`: names of what was set, never what they hold. */
export const audit = sqliteTable(
  "audit",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    at: integer("at").notNull(),
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    target: text("target"),
    fields: text("fields", { mode: "json" }).$type<string[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

export type JobStatus = "running" | "done" | "canceled" | "failed";

/** Which deliveries a job sends again: those accepted in [since, until) (epoch ms) with one of the statuses. */
export interface JobFilter {
  statuses: DeliveryStatus[];
  since: number;
  until: number;
  endpoint?: string | undefined;
  /** A channel's name, or `webhook`. */
  channel?: string | undefined;
  type?: string | undefined;
  user?: string | undefined;
}

/**
 * Jobs that send deliveries again. `looked`: deliveries that fit; each is then `queued` or `skipped`, for the reasons
 * counted in `skippedBecause`; of the queued ones `delivered` were at that attempt. `position`: the delivery that was
 * dealt with last.
 */
export const jobs = sqliteTable(
  "jobs",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    kind: text("kind").$type<"recover" | "retry">().notNull(),
    filter: text("filter", { mode: "json" }).$type<JobFilter>().notNull(),
    perSecond: integer("per_second").notNull(),
    status: text("status").$type<JobStatus>().notNull(),
    error: text("error"),
    looked: integer("looked").notNull(),
    queued: integer("queued").notNull(),
    skipped: integer("skipped").notNull(),
    skippedBecause: text("skipped_because", { mode: "json" }).$type<Record<string, number>>().notNull(),
    delivered: integer("delivered").notNull(),
    position: text("position"),
    startedAt: integer("started_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/** `month`: epoch ms of its start in UTC. `countedTo`: the first id that is not counted yet. */
export const usage = sqliteTable(
  "usage",
  {
    merchant: text("merchant").notNull(),
    month: integer("month").notNull(),
    events: integer("events").notNull(),
    countedTo: text("counted_to").notNull(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.month] })],
);

/** `day`: epoch ms of the start (UTC) of the newest day on which the merchant sent email from the operator's domains. */
export const emailCounts = sqliteTable("email_counts", {
  merchant: text("merchant").primaryKey(),
  day: integer("day").notNull(),
  emails: integer("emails").notNull(),
});

/** `bodiesTo`: the last event whose body was dropped for its age. `at`: when the log was last found tidy. */
export const sweeps = sqliteTable("sweeps", {
  merchant: text("merchant").primaryKey(),
  bodiesTo: text("bodies_to").notNull(),
  at: integer("at").notNull(),
});

/** `user`: null for a whole merchant. `place`: the last id of the log that was seen to in this pass, `since`: from when on. */
export const erasures = sqliteTable("erasures", {
  id: text("id").primaryKey(),
  merchant: text("merchant").notNull(),
  user: text("user"),
  place: text("place").notNull(),
  since: integer("since").notNull().default(0),
  dueAt: integer("due_at").notNull(),
  createdAt: integer("created_at").notNull(),
});

/**
 * Signed requests that became no event. `event`: the one that is known by the same id, with other content; `hash`:
 * SHA-256 of the bytes; `request`: URL and headers as sealed JSON; `body`: base64 of the bytes.
 */
export const quarantine = sqliteTable(
  "quarantine",
  {
    merchant: text("merchant").notNull(),
    id: text("id").notNull(),
    source: text("source").notNull(),
    reason: text("reason").$type<Quarantined["reason"]>().notNull(),
    event: text("event"),
    receivedAt: integer("received_at").notNull(),
    hash: text("hash").notNull(),
    request: text("request").notNull(),
    replayedAt: integer("replayed_at"),
    body: text("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.merchant, table.id] })],
);

/** How much of a merchant is in quarantine, kept by triggers. `dropped`: how many requests have made room for others. */
export const quarantineUsage = sqliteTable("quarantine_usage", {
  merchant: text("merchant").primaryKey(),
  requests: integer("requests").notNull(),
  bytes: integer("bytes").notNull(),
  dropped: integer("dropped").notNull().default(0),
  droppedAt: integer("dropped_at"),
});

/** Messages of a queue that could not be read. */
export const parked = sqliteTable("parked", {
  id: text("id").primaryKey(),
  queue: text("queue").notNull(),
  body: text("body").notNull(),
  at: integer("at").notNull(),
});

/** `body`: JSON; whole where the queue is `backup`. `error`: of the last attempt, or of the last try to redrive it. */
export const deadLetters = sqliteTable("dead_letters", {
  id: text("id").primaryKey(),
  queue: text("queue").$type<"deliveries" | "backup">().notNull(),
  kind: text("kind").notNull(),
  at: integer("at").notNull(),
  attempts: integer("attempts").notNull(),
  body: text("body").notNull(),
  error: text("error"),
  redrivenAt: integer("redriven_at"),
});
