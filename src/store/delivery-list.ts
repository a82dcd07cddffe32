import { sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { idFrom } from "../event/ids.ts";
import type { DeliveryStatus } from "../outbox/contract.ts";
import { deliveries } from "./schema.ts";

/** So many rows are read for one page at most; a page may be short and have a next one. */
const MAX_ROWS_READ = 10_000;
const CHANNELS = ["email", "sms", "push", "inbox"];

/** What a list of deliveries is narrowed to. `since`: epoch ms. */
export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  endpoint?: string | undefined;
  user?: string | undefined;
  channel?: string | undefined;
  event?: string | undefined;
  since?: number | undefined;
  after?: string | undefined;
  order: "asc" | "desc";
  limit: number;
}

export type DeliveryRecord = typeof deliveries.$inferSelect;

/**
 * One page of a merchant's deliveries by time. Walks the primary key, or, for those not delivered, the partial index,
 * by name; stops after 10,000 rows, so that `next` may follow a short page.
 */
export async function listDeliveries(
  db: D1Database,
  merchant: string,
  filter: DeliveryFilter,
): Promise<{ rows: DeliveryRecord[]; next: string | null }> {
  const ids = await drizzle(db).all<{ id: string; fits: number }>(deliveryListQuery(merchant, filter));
  const fitting = ids.filter(({ fits }) => fits === 1).slice(0, filter.limit);
  const lastRead = ids.at(-1)?.id;
  const isFull = fitting.length === filter.limit;
  const next = isFull ? fitting.at(-1)!.id : ids.length === MAX_ROWS_READ ? lastRead! : null;
  const wanted = sql`${deliveries.id} in (select value from json_each(${JSON.stringify(fitting.map(({ id }) => id))}))`;
  const rows =
    fitting.length === 0
      ? []
      : await drizzle(db)
          .select()
          .from(deliveries)
          .where(sql`${deliveries.merchant} = ${merchant} and ${wanted}`);
  const sign = filter.order === "asc" ? 1 : -1;
  return { rows: rows.toSorted((a, b) => (a.id < b.id ? -sign : sign)), next };
}

/** The walk of {@link listDeliveries}: ids in order, each with whether it fits the filter. */
export function deliveryListQuery(merchant: string, filter: DeliveryFilter): SQL {
  const isUnfinished = filter.status !== undefined && filter.status !== "delivered";
  const bounds = [
    sql`merchant = ${merchant}`,
    ...(isUnfinished ? [sql`status <> 'delivered'`] : []),
    ...(filter.since === undefined ? [] : [sql`id >= ${idFrom("dlv", filter.since)}`]),
    ...(filter.event === undefined ? [] : eventBounds(filter.event)),
    ...(filter.after === undefined
      ? []
      : [filter.order === "asc" ? sql`id > ${filter.after}` : sql`id < ${filter.after}`]),
  ];
  const fits = [
    sql`1`,
    ...(filter.status === undefined ? [] : [sql`status = ${filter.status}`]),
    ...(filter.endpoint === undefined ? [] : [sql`destination = ${filter.endpoint}`]),
    ...(filter.user === undefined ? [] : [sql`user = ${filter.user}`]),
    ...(filter.channel === undefined ? [] : [isOfChannel(filter.channel)]),
  ];
  const order = filter.order === "asc" ? sql`asc` : sql`desc`;
  const index = isUnfinished ? sql`indexed by deliveries_not_delivered` : sql``;
  return sql`select id, ${sql.join(fits, sql` and `)} as fits from deliveries ${index}
    where ${sql.join(bounds, sql` and `)} order by id ${order} limit ${MAX_ROWS_READ}`;
}

function eventBounds(event: string): SQL[] {
  const prefix = `dlv_${event.slice("evt_".length)}_`;
  return [sql`id >= ${prefix}`, sql`id < ${`${prefix}~`}`];
}

function isOfChannel(channel: string): SQL {
  return channel === "webhook"
    ? sql`destination not in (select value from json_each(${JSON.stringify(CHANNELS)}))`
    : sql`destination = ${channel}`;
}
