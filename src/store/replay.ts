import { and, eq, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { idFrom } from "../event/ids.ts";
import type { DeliveryStatus, EventRecord } from "../outbox/contract.ts";
import { among } from "./among.ts";
import { concerning, MAX_ROWS_READ } from "./delivery-list.ts";
import { NO_OUTBOX } from "./erasures.ts";
import { deliveries, events, type JobFilter } from "./schema.ts";

/** Deliveries that fit, found at a time. */
const PAGE = 200;
/** The start of a delivery's id that says when its event came: all of one millisecond share it. */
const MOMENT_LENGTH = idFrom("dlv", 0).length;
/** Events read at a time: a body may have 256 KiB. */
const EVENTS_READ = 10;

/** A delivery that a job's filter fits, as it was when it was found. `sequence`: null while its event is spilled. */
export interface Candidate {
  id: string;
  outbox: string;
  counter: number;
  sequence: number | null;
}

/** A page of candidates in order of acceptance. `next`: the walk goes on after it; null at the end. */
export interface Candidates {
  page: Candidate[];
  next: string | null;
}

/**
 * The next deliveries that a filter fits, after `after`. Reads at most 10,000 rows, so that a page may be short or
 * empty and have a next one. A page holds whole milliseconds: what was accepted together is put in the order of its
 * sequence, whatever its ids are.
 */
export async function candidates(
  db: D1Database,
  merchant: string,
  filter: JobFilter,
  after: string | null,
): Promise<Candidates> {
  const orm = drizzle(db);
  const found = await orm.all<Candidate>(candidatesQuery(merchant, filter, after));
  const [last] =
    found.length === PAGE
      ? found.slice(-1)
      : await orm.all<{ id: string }>(
          sql`${walkQuery(merchant, filter, after, sql`1`)} limit 1 offset ${MAX_ROWS_READ - 1}`,
        );
  if (!last) {
    return { page: inSequence(found), next: null };
  }
  const moment = last.id.slice(0, MOMENT_LENGTH);
  const isLaterMoment = moment > (after ?? "");
  return isLaterMoment
    ? { page: inSequence(found.filter(({ id }) => !id.startsWith(moment))), next: moment }
    : { page: inSequence(found), next: last.id };
}

/** What sending a delivery again takes. `event`: null where it is gone; its `template` is, once that is not kept. */
export interface Again {
  delivery: Pick<
    typeof deliveries.$inferSelect,
    "id" | "destination" | "status" | "reason" | "counter" | "previous" | "payload"
  > & { attempts: number };
  event: typeof events.$inferSelect | null;
}

/** Deliveries with their events, by id; those that are gone are not among them. */
export async function readAgain(db: D1Database, merchant: string, ids: string[]): Promise<Map<string, Again>> {
  const { id, destination, status, reason, counter, previous, payload } = deliveries;
  const attempts = sql<number>`(select count(*) from json_each(${deliveries.attempts}))`;
  const found = new Map<string, Again>();
  for (let at = 0; at < ids.length; at += EVENTS_READ) {
    const rows = await drizzle(db)
      .select({ delivery: { id, destination, status, reason, counter, previous, payload, attempts }, event: events })
      .from(deliveries)
      .leftJoin(events, and(eq(events.merchant, deliveries.merchant), eq(events.id, deliveries.event)))
      .where(and(eq(deliveries.merchant, merchant), isAmong(ids.slice(at, at + EVENTS_READ))));
    rows.forEach((row) => found.set(row.delivery.id, row));
  }
  return found;
}

/** What an outbox needs to send an event again; null: its body is no longer kept, or its user was erased from it. */
export function recordOf(event: Again["event"]): EventRecord | null {
  if (event === null || event.template === null || event.outbox === NO_OUTBOX) {
    return null;
  }
  const { outbox, alteredAt: _, lateAt: __, ...record } = event;
  return { ...record, key: outbox };
}

/** How a delivery stands in the log, with the class and the counter of its newest attempt; null without one. */
export interface Standing {
  status: DeliveryStatus;
  counter: number;
  attempt: number | null;
  class: string | null;
}

/** How deliveries stand in the log, by id; those that are gone are not among them. */
export async function standings(db: D1Database, merchant: string, ids: string[]): Promise<Map<string, Standing>> {
  const rows = await drizzle(db).all<Standing & { id: string }>(sql`select id, status, counter,
      (select max(cast(key as integer)) from json_each(attempts)) as attempt,
      (select value->>'class' from json_each(attempts) order by cast(key as integer) desc limit 1) as class
    from deliveries where merchant = ${merchant} and id in ${among(ids)}`);
  return new Map(rows.map(({ id, ...standing }) => [id, standing]));
}

function candidatesQuery(merchant: string, filter: JobFilter, after: string | null): SQL {
  const fits = [sql`status in ${among(filter.statuses)}`, ...concerning(filter)];
  const walk = walkQuery(merchant, filter, after, sql`(${sql.join(fits, sql` and `)})`);
  return sql`select d.id, d.counter, coalesce(e.outbox, d.outbox) as outbox, e.sequence
    from (select id from (${walk} limit ${MAX_ROWS_READ}) where fits limit ${PAGE}) as found
    join deliveries as d on d.merchant = ${merchant} and d.id = found.id
    left join events as e on e.merchant = d.merchant and e.id = d.event
    order by d.id`;
}

function walkQuery(merchant: string, filter: JobFilter, after: string | null, fits: SQL): SQL {
  const isUnfinished = !filter.statuses.includes("delivered");
  const index = isUnfinished ? sql`indexed by deliveries_not_delivered` : sql``;
  return sql`select id, ${fits} as fits from deliveries ${index}
    where merchant = ${merchant} and id >= ${idFrom("dlv", filter.since)} and id < ${idFrom("dlv", filter.until)}
      and id > ${after ?? ""} ${isUnfinished ? sql`and status <> 'delivered'` : sql``}
    order by id`;
}

/** Each outbox's candidates by sequence, in the places that they have among the others'. */
function inSequence(found: Candidate[]): Candidate[] {
  const byOutbox = Map.groupBy(found, ({ outbox }) => outbox);
  for (const ones of byOutbox.values()) {
    ones.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
  }
  return found.map(({ outbox }) => byOutbox.get(outbox)!.shift()!);
}

function isAmong(ids: string[]): SQL {
  return sql`${deliveries.id} in ${among(ids)}`;
}
