import {
  LOG,
  type DeliveryRow,
  type DeliveryStatus,
  type Dispatch,
  type EventItem,
  type EventRecord,
  type LogRow,
} from "../outbox/contract.ts";
import { deliveryRange } from "./event-deliveries.ts";

/** D1 takes strings of up to 2 MB; a statement's rows travel as one JSON parameter. */
const MAX_PARAMETER_CHARS = 600_000;

/** Everything that one flush knows of a delivery: the newest state, and its attempts by counter. */
type MergedDelivery = Omit<DeliveryRow, "attempt"> & { attempts: Record<string, NonNullable<DeliveryRow["attempt"]>> };

/** A template over this travels beside the rows: as JSON within JSON it could grow beyond what D1 takes. */
const LARGE_TEMPLATE_CHARS = 200_000;

/** The one clock by which events are late or not: D1's, epoch milliseconds. It stands still within a statement. */
export const D1_NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
/** An event written later than this after its receipt is marked as late, with the time: `store/feed.ts` says why. */
export const ON_TIME_MS = 5_000;

const WRITE_EVENTS = `INSERT INTO events
  (merchant, id, source, provider, outbox, user, type, payment, livemode, stale, sequence, accepted_at, occurred_at, template,
    late_at)
  SELECT value->>'merchant', value->>'id', value->>'source', value->>'provider', value->>'key', value->>'user',
    value->>'type', value->>'payment', value->>'livemode', value->>'stale', value->>'sequence', value->>'acceptedAt',
    value->>'occurredAt', coalesce(?2, value->>'template'),
    iif(${D1_NOW} - (value->>'acceptedAt') >= ${ON_TIME_MS}, ${D1_NOW}, NULL)
  FROM json_each(?1) WHERE true
  ON CONFLICT (merchant, id) DO UPDATE SET outbox = excluded.outbox, user = excluded.user, stale = excluded.stale,
    sequence = excluded.sequence, template = excluded.template
  WHERE events.sequence IS NULL AND excluded.sequence IS NOT NULL`;

/** How final a status is. What was delivered stays so; what was sent is only told apart from what bounced later. */
const FINALITY: Partial<Record<DeliveryStatus, number>> = { delivered: 2, sent: 1, bounced: 1 };
const finality = (row: string) =>
  `CASE ${row}.status ${Object.entries(FINALITY)
    .map(([status, rank]) => `WHEN '${status}' THEN ${rank}`)
    .join(" ")} ELSE 0 END`;

/** True where the row that comes in says more than the one that is there. */
const IS_NEWER = `(${finality("excluded")} > ${finality("deliveries")} OR (${finality("excluded")} = ${finality("deliveries")}
  AND (excluded.counter > deliveries.counter
    OR (excluded.counter = deliveries.counter AND deliveries.status = 'pending' AND excluded.status <> 'pending'))))`;

const newest = (column: string) => `${column} = iif(${IS_NEWER}, excluded.${column}, deliveries.${column})`;
const earliest = (column: string) =>
  `${column} = min(coalesce(deliveries.${column}, excluded.${column}), coalesce(excluded.${column}, deliveries.${column}))`;

/**
 * The attempts of both rows. Two under one number, which a message that came twice has made, are one: whole, and the
 * one that delivered, else the one that comes in.
 */
const MERGED_ATTEMPTS = `(SELECT json_group_object(key, json(value)) FROM (
  SELECT key, value, row_number() OVER (
    PARTITION BY CAST(key AS INTEGER) ORDER BY value->>'class' = 'delivered' DESC, is_known) AS place
  FROM (SELECT key, value, 0 AS is_known FROM json_each(excluded.attempts)
    UNION ALL SELECT key, value, 1 FROM json_each(deliveries.attempts)))
  WHERE place = 1)`;

const WRITE_DELIVERIES = `INSERT INTO deliveries
  (merchant, id, event, destination, user, outbox, provider, status, reason, waiting_for, counter, attempts, accepted_at,
    first_attempt_at, delivered_at, due_at, previous, payload)
  SELECT value->>'merchant', value->>'id', value->>'event', value->>'destination', value->>'user', value->>'key',
    value->>'provider', value->>'status', value->>'reason', nullif(value->'waitingFor', 'null'), value->>'counter', value->'attempts',
    value->>'acceptedAt', value->>'firstAttemptAt', value->>'deliveredAt', value->>'dueAt', value->>'previous',
    value->>'payload'
  FROM json_each(?1) WHERE true
  ON CONFLICT (merchant, id) DO UPDATE SET
    ${newest("status")}, ${newest("reason")}, ${newest("waiting_for")}, ${newest("due_at")},
    ${newest("outbox")}, ${newest("user")}, ${newest("previous")},
    ${newest("payload")},
    counter = max(deliveries.counter, excluded.counter),
    attempts = ${MERGED_ATTEMPTS},
    ${earliest("first_attempt_at")}, ${earliest("delivered_at")}
  WHERE ${IS_NEWER} OR ${MERGED_ATTEMPTS} <> deliveries.attempts`;

/**
 * Writes log rows to D1 in one round trip: an upsert of events, one of deliveries, each with all its rows as one JSON
 * parameter. A row may come twice and in any order: attempts merge by counter, the highest counter says the status,
 * `delivered` is final, and `sent` is too but for what the channel's provider reports of it. Throws where D1 does.
 */
export async function writeLog(db: D1Database, rows: LogRow[]): Promise<void> {
  const events = new Map<string, EventRecord>();
  const deliveries = new Map<string, MergedDelivery>();
  for (const row of rows) {
    if ("event" in row) {
      const known = events.get(row.event.id);
      events.set(row.event.id, known && known.sequence !== null ? known : row.event);
    } else {
      const { attempt, ...delivery } = row.delivery;
      const known = deliveries.get(delivery.id);
      const isKept = known?.attempts[delivery.counter]?.class === "delivered";
      const attempts = { ...known?.attempts, ...(attempt && !isKept && { [delivery.counter]: attempt }) };
      deliveries.set(delivery.id, { ...(known ? newerOf(known, delivery) : delivery), attempts });
    }
  }
  const [large, small] = [[...events.values()].filter(isLarge), [...events.values()].filter((one) => !isLarge(one))];
  const statements = [
    ...chunks(small).map((chunk) => db.prepare(WRITE_EVENTS).bind(chunk, null)),
    ...large.map(({ template, ...rest }) => db.prepare(WRITE_EVENTS).bind(JSON.stringify([rest]), template)),
    ...chunks([...deliveries.values()].map(withTimes)).map((chunk) => db.prepare(WRITE_DELIVERIES).bind(chunk)),
  ];
  if (statements.length > 0) {
    await db.batch(statements);
  }
}

/** A delivery's row: what its event and its place say, and how it stands. */
export function deliveryRow(
  record: EventRecord,
  { delivery, destination, previous, payload }: Pick<Dispatch, "delivery" | "destination" | "previous" | "payload">,
  state: Pick<DeliveryRow, "status" | "counter"> & Partial<DeliveryRow>,
): DeliveryRow {
  return {
    id: delivery,
    merchant: record.merchant,
    event: record.id,
    destination,
    user: record.user,
    key: record.key,
    provider: record.provider,
    acceptedAt: record.acceptedAt,
    reason: null,
    waitingFor: null,
    dueAt: null,
    previous,
    payload,
    attempt: null,
    ...state,
  };
}

/** The rows of an event and its planned deliveries as they stand when it is accepted. */
export function plannedRows({ record, planned }: EventItem): LogRow[] {
  const rows = planned
    .filter(({ destination }) => destination !== LOG)
    .map((one): LogRow => {
      const { waitsFor, skipped } = one;
      const isDue = !skipped && !waitsFor;
      return {
        delivery: deliveryRow(record, one, {
          status: skipped ? "skipped" : "pending",
          counter: 0,
          reason: skipped,
          waitingFor: waitsFor,
          dueAt: isDue ? record.acceptedAt : null,
        }),
      };
    });
  return [{ event: record }, ...rows];
}

/** Takes back what was logged of a spilled event that turned out to be known under another id. */
export async function forgetEvent(db: D1Database, merchant: string, event: string): Promise<void> {
  const { from, to } = deliveryRange(event);
  await db.batch([
    db.prepare("DELETE FROM events WHERE merchant = ? AND id = ?").bind(merchant, event),
    db.prepare("DELETE FROM deliveries WHERE merchant = ? AND id > ? AND id < ?").bind(merchant, from, to),
  ]);
}

/** Notes on an event that its provider sent it again with other content. `at`: epoch ms. */
export async function noteAltered(db: D1Database, merchant: string, event: string, at: number): Promise<void> {
  await db
    .prepare("UPDATE events SET altered_at = ? WHERE merchant = ? AND id = ? AND altered_at IS NULL")
    .bind(at, merchant, event)
    .run();
}

/** Names of outboxes with a delivery that was due before `before` (epoch ms) and is not finished: at most 100. */
export async function overdueOutboxes(db: D1Database, before: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      "SELECT DISTINCT outbox FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL AND due_at < ? LIMIT 100",
    )
    .bind(before)
    .all<{ outbox: string }>();
  return results.map(({ outbox }) => outbox);
}

function newerOf(known: MergedDelivery, delivery: Omit<DeliveryRow, "attempt">): Omit<DeliveryRow, "attempt"> {
  const rise = (FINALITY[delivery.status] ?? 0) - (FINALITY[known.status] ?? 0);
  const isLater =
    delivery.counter > known.counter ||
    (delivery.counter === known.counter && known.status === "pending" && delivery.status !== "pending");
  const isNewer = rise > 0 || (rise === 0 && isLater);
  return { ...(isNewer ? delivery : known), counter: Math.max(known.counter, delivery.counter) };
}

function withTimes(delivery: MergedDelivery) {
  const attempts = Object.values(delivery.attempts);
  const delivered = attempts.filter((attempt) => attempt.class === "delivered");
  return {
    ...delivery,
    firstAttemptAt: least(attempts.map(({ at }) => at)),
    deliveredAt: least(delivered.map(({ at, durationMs }) => at + durationMs)),
  };
}

function least(times: number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}

function isLarge({ template }: EventRecord): boolean {
  return (template?.length ?? 0) > LARGE_TEMPLATE_CHARS;
}

/** JSON arrays of rows, each short enough for one parameter. */
function chunks(rows: object[]): string[] {
  const all: string[] = [];
  let chunk: string[] = [];
  let chars = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (chunk.length > 0 && chars + text.length > MAX_PARAMETER_CHARS) {
      all.push(`[${chunk.join()}]`);
      chunk = [];
      chars = 0;
    }
    chunk.push(text);
    chars += text.length;
  }
  return chunk.length > 0 ? [...all, `[${chunk.join()}]`] : all;
}
