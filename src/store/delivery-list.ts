import { and, eq, sql, type SQL } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

import { CHANNELS } from "../event/channels.ts";
import { idFrom } from "../event/ids.ts";
import type { DeliveryStatus } from "../outbox/contract.ts";
import { among } from "./among.ts";
import { deliveryRange } from "./event-deliveries.ts";
import { deliveries, events } from "./schema.ts";

/** So many rows are read for one page at most; a page may be short and have a next one. */
export const MAX_ROWS_READ = 10_000;

/** What a list of deliveries is narrowed to. `type`: of the event; `since` and, not included, `until`: epoch ms. */
export interface DeliveryFilter {
  statuses?: DeliveryStatus[] | undefined;
  type?: string | undefined;
  endpoint?: string | undefined;
  user?: string | undefined;
  channel?: string | undefined;
  event?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
  after?: string | undefined;
  order: "asc" | "desc";
  limit: number;
}

/** A delivery with what its event is about; null where the event is no longer in the log. */
export type DeliveryRecord = typeof deliveries.$inferSelect & { type: string | null; payment: string | null };

/**
 * One page of a merchant's deliveries by time. Walks the primary key, or, for those not delivered, the partial index,
 * by name; stops after 10,000 rows, so that `next` may follow a short page.
 */
export async function listDeliveries(
  db: D1Database,
  merchant: string,
  filter: DeliveryFilter,
): Promise<{ rows: DeliveryRecord[]; next: string | null }> {
  const orm = drizzle(db);
  const found = await orm.all<{ id: string }>(deliveryListQuery(merchant, filter));
  const ids = found.slice(0, filter.limit).map(({ id }) => id);
  if (found.length > filter.limit) {
    return { rows: await read(orm, merchant, ids, filter.order), next: ids.at(-1)! };
  }
  const [last] = isNarrowed(filter) ? await orm.all<{ id: string }>(lastReadQuery(merchant, filter)) : [];
  return { rows: await read(orm, merchant, ids, filter.order), next: last?.id ?? null };
}

/** The walk of {@link listDeliveries}: ids that fit, in order, one more than the page takes. It stops at that one. */
export function deliveryListQuery(merchant: string, filter: DeliveryFilter): SQL {
  const fits = [
    sql`1`,
    ...(filter.statuses === undefined ? [] : [sql`status in ${among(filter.statuses)}`]),
    ...concerning(filter),
  ];
  const walk = walkQuery(merchant, filter, sql`${sql.join(fits, sql` and `)} as fits`);
  return sql`select id from (${walk} limit ${MAX_ROWS_READ}) where fits limit ${filter.limit + 1}`;
}

/** The id of the last row that a walk may read, if there are as many. */
function lastReadQuery(merchant: string, filter: DeliveryFilter): SQL {
  return sql`${walkQuery(merchant, filter, sql`1`)} limit 1 offset ${MAX_ROWS_READ - 1}`;
}

function walkQuery(merchant: string, filter: DeliveryFilter, more: SQL): SQL {
  const isUnfinished = filter.statuses !== undefined && !filter.statuses.includes("delivered");
  const bounds = [
    sql`merchant = ${merchant}`,
    ...(isUnfinished ? [sql`status <> 'delivered'`] : []),
    ...(filter.since === undefined ? [] : [sql`id >= ${idFrom("dlv", filter.since)}`]),
    ...(filter.until === undefined ? [] : [sql`id < ${idFrom("dlv", filter.until)}`]),
    ...(filter.event === undefined ? [] : eventBounds(filter.event)),
    ...(filter.after === undefined
      ? []
      : [filter.order === "asc" ? sql`id > ${filter.after}` : sql`id < ${filter.after}`]),
  ];
  const order = filter.order === "asc" ? sql`asc` : sql`desc`;
  const index = isUnfinished ? sql`indexed by deliveries_not_delivered` : sql``;
  return sql`select id, ${more} from deliveries ${index}
    where ${sql.join(bounds, sql` and `)} order by id ${order}`;
}

/** Whether a walk passes over rows. Without that a page that is not full is the last. */
function isNarrowed({ statuses, endpoint, user, channel, type }: DeliveryFilter): boolean {
  return [statuses, endpoint, user, channel, type].some((one) => one !== undefined);
}

async function read(
  orm: DrizzleD1Database,
  merchant: string,
  ids: string[],
  order: "asc" | "desc",
): Promise<DeliveryRecord[]> {
  if (ids.length === 0) {
    return [];
  }
  const rows = await withEvents(orm).where(
    sql`${deliveries.merchant} = ${merchant}
        and ${deliveries.id} in ${among(ids)}`,
  );
  const sign = order === "asc" ? 1 : -1;
  return rows.map(toRecord).toSorted((a, b) => (a.id < b.id ? -sign : sign));
}

/** Deliveries with what their events are about, for {@link toRecord}. */
function withEvents(orm: DrizzleD1Database) {
  const { type, payment } = events;
  return orm
    .select({ delivery: deliveries, event: { type, payment } })
    .from(deliveries)
    .leftJoin(events, and(eq(events.merchant, deliveries.merchant), eq(events.id, deliveries.event)));
}

/** A delivery's row with what its event is about. `event`: null where it is no longer in the log. */
export function toRecord({
  delivery,
  event,
}: {
  delivery: typeof deliveries.$inferSelect;
  event: { type: string; payment: string | null } | null;
}): DeliveryRecord {
  return { ...delivery, type: event?.type ?? null, payment: event?.payment ?? null };
}

function eventBounds(event: string): SQL[] {
  const { from, to } = deliveryRange(event);
  return [sql`id > ${from}`, sql`id < ${to}`];
}

/** What narrows deliveries to those of an endpoint, a user, a channel, a type of event, which is looked up last. */
export function concerning({
  endpoint,
  user,
  channel,
  type,
}: Pick<DeliveryFilter, "endpoint" | "user" | "channel" | "type">): SQL[] {
  return [
    ...(endpoint === undefined ? [] : [sql`destination = ${endpoint}`]),
    ...(user === undefined ? [] : [sql`user = ${user}`]),
    ...(channel === undefined ? [] : [isOfChannel(channel)]),
    ...(type === undefined ? [] : [isOfType(type)]),
  ];
}

/** Whether a delivery goes by a channel; `webhook`: to an endpoint. */
function isOfChannel(channel: string): SQL {
  return channel === "webhook" ? sql`destination not in ${among(CHANNELS)}` : sql`destination = ${channel}`;
}

function isOfType(type: string): SQL {
  return sql`(select type from events where events.merchant = deliveries.merchant and events.id = deliveries.event)
    = ${type}`;
}
