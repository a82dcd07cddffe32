import { CHANNELS } from "../event/channels.ts";
import { idFrom, timeOf } from "../event/ids.ts";
import { TEST_PROVIDER } from "../event/sample.ts";

export type MetricsBy = "channel" | "endpoint" | "provider";

/** Figures of one group of deliveries; times in whole or exact milliseconds, null where nothing was delivered. */
export interface MetricsRow {
  name: string;
  /** Deliveries that are delivered, sent, bounced or exhausted. */
  finished: number;
  delivered: number;
  totalMs: number | null;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  /** From acceptance to the first attempt, summed: our own share of `totalMs`. */
  ownMs: number | null;
}

const NAMES: Record<MetricsBy | "all", string> = {
  all: "'all'",
  channel: `iif(destination IN (${CHANNELS.map((channel) => `'${channel}'`).join(", ")}), destination, 'webhook')`,
  endpoint: "destination",
  provider: "coalesce(provider, 'api')",
};

/** So many deliveries are looked at, at most. */
const MAX_DELIVERIES = 100_000;

/** Times in epoch ms, `to` excluded. */
interface Range {
  from: number;
  to: number;
}

/** From when on a range holds no more deliveries than are looked at; null where all of it does. */
export async function cutOf(db: D1Database, merchant: string, { from, to }: Range): Promise<number | null> {
  const first = await db
    .prepare(
      `SELECT id FROM deliveries WHERE merchant = ? AND id >= ? AND id < ?
       ORDER BY id DESC LIMIT 1 OFFSET ${MAX_DELIVERIES}`,
    )
    .bind(merchant, idFrom("dlv", from), idFrom("dlv", to))
    .first<string>("id");
  return first === null ? null : timeOf(first) + 1;
}

/** When a channel's provider took a message: no receipts are kept yet, so that counts as its delivery. */
const SENT_AT = `(SELECT min(value->>'at' + value->>'durationMs') FROM json_each(attempts) WHERE value->>'class' = 'sent')`;

/**
 * What became of the deliveries accepted in [from, to) (epoch ms), by group, tests of endpoints left out. Percentiles
 * are nearest ranks: real durations, not interpolated ones. All of the range is read: {@link cutOf} says where to begin.
 */
export async function metrics(
  db: D1Database,
  merchant: string,
  range: Range,
  by: MetricsBy | "all",
): Promise<MetricsRow[]> {
  const { results } = await db
    .prepare(
      `WITH finished AS (
         SELECT ${NAMES[by]} AS name, status IN ('delivered', 'sent') AS is_delivered,
           CASE status WHEN 'delivered' THEN delivered_at - accepted_at WHEN 'sent' THEN ${SENT_AT} - accepted_at END AS ms,
           iif(status IN ('delivered', 'sent'), first_attempt_at - accepted_at, NULL) AS own
         FROM deliveries
         WHERE merchant = ?1 AND id >= ?2 AND id < ?3 AND status IN ('delivered', 'sent', 'bounced', 'exhausted')
           AND provider IS NOT '${TEST_PROVIDER}'
       ), ranked AS (
         SELECT *, row_number() OVER (PARTITION BY name, is_delivered ORDER BY ms) AS rank,
           count(*) OVER (PARTITION BY name, is_delivered) AS size
         FROM finished
       )
       SELECT name, count(*) AS finished, sum(is_delivered) AS delivered, sum(ms) AS totalMs, sum(own) AS ownMs,
         min(iif(is_delivered AND rank * 100 >= size * 50, ms, NULL)) AS p50Ms,
         min(iif(is_delivered AND rank * 100 >= size * 95, ms, NULL)) AS p95Ms,
         min(iif(is_delivered AND rank * 100 >= size * 99, ms, NULL)) AS p99Ms
       FROM ranked GROUP BY name ORDER BY name`,
    )
    .bind(merchant, idFrom("dlv", range.from), idFrom("dlv", range.to))
    .all<MetricsRow>();
  return results;
}
