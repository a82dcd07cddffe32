import { idFrom } from "../event/ids.ts";
import { MAX_ROWS_READ } from "./delivery-list.ts";

/** How many deliveries an endpoint took, and how fast. Durations in ms, times in epoch ms; null where there is none. */
export interface EndpointStats {
  /** Deliveries by status. */
  statuses: Record<string, number>;
  attempts: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  lastSuccessAt: number | null;
  lastFailureAt: number | null;
  /** The oldest delivery of the merchant that was looked at, if older ones were left out. */
  cutAt: string | null;
}

const percentile = (share: number) => `min(iif(rank * 100 >= size * ${share}, ms, NULL))`;

const STATS = `WITH walked AS MATERIALIZED (
    SELECT id, destination FROM deliveries WHERE merchant = ?1 AND id >= ?2 ORDER BY id DESC LIMIT ${MAX_ROWS_READ}
  ), mine AS MATERIALIZED (
    SELECT d.id, d.status FROM walked JOIN deliveries AS d ON d.merchant = ?1 AND d.id = walked.id
    WHERE walked.destination = ?3
  ), tries AS MATERIALIZED (
    SELECT value->>'durationMs' AS ms, value->>'at' + value->>'durationMs' AS ended, value->>'class' = 'delivered' AS is_good
    FROM mine JOIN deliveries AS d ON d.merchant = ?1 AND d.id = mine.id, json_each(d.attempts)
    WHERE value->>'class' <> 'lost'
  ), ranked AS (
    SELECT ms, row_number() OVER (ORDER BY ms) AS rank, count(*) OVER () AS size FROM tries
  )
  SELECT (SELECT json_group_object(status, number) FROM (SELECT status, count(*) AS number FROM mine GROUP BY status))
      AS statuses,
    (SELECT count(*) FROM tries) AS attempts,
    (SELECT max(ended) FROM tries WHERE is_good) AS lastSuccessAt,
    (SELECT max(ended) FROM tries WHERE NOT is_good) AS lastFailureAt,
    (SELECT iif(count(*) = ${MAX_ROWS_READ}, min(id), NULL) FROM walked) AS cutAt,
    ${percentile(50)} AS p50Ms, ${percentile(95)} AS p95Ms, ${percentile(99)} AS p99Ms
  FROM ranked`;

/**
 * How an endpoint did with the deliveries accepted since `since` (epoch ms): the newest 10,000 deliveries of its
 * merchant are looked at. Percentiles are nearest ranks of what its attempts took, lost ones aside.
 */
export async function endpointStats(
  db: D1Database,
  merchant: string,
  endpoint: string,
  since: number,
): Promise<EndpointStats> {
  const row = await db
    .prepare(STATS)
    .bind(merchant, idFrom("dlv", since), endpoint)
    .first<Omit<EndpointStats, "statuses"> & { statuses: string }>();
  return { ...row!, statuses: JSON.parse(row!.statuses) as Record<string, number> };
}
