import type { EndpointRef } from "./endpoint-status.ts";
import { UNFINISHED } from "./event-deliveries.ts";

/** So many deliveries of the merchant's are looked at: those not delivered, and the newest. */
const MAX_NOT_DELIVERED_READ = 10_000;
const MAX_NEWEST_READ = 1_000;

/** What the log says of an endpoint. Times in epoch milliseconds, null where there is none. */
export interface LoggedHealth {
  pending: number;
  oldestPendingAt: number | null;
  nextAttemptAt: number | null;
  lastSuccessAt: number | null;
}

/** How many deliveries wait for an endpoint, and since when; in the newest part of the log, when one last arrived. */
export async function loggedHealth(db: D1Database, { merchant, endpoint }: EndpointRef): Promise<LoggedHealth> {
  const [waiting, arrived] = await db.batch<Record<string, number | null>>([
    db
      .prepare(
        `SELECT count(*) AS pending, min(accepted_at) AS oldestPendingAt, min(due_at) AS nextAttemptAt
         FROM (SELECT destination, status, accepted_at, due_at FROM deliveries INDEXED BY deliveries_not_delivered
           WHERE merchant = ?1 AND status <> 'delivered' ORDER BY id DESC LIMIT ${MAX_NOT_DELIVERED_READ})
         WHERE destination = ?2 AND status IN ${UNFINISHED}`,
      )
      .bind(merchant, endpoint),
    db
      .prepare(
        `SELECT max(delivered_at) AS lastSuccessAt
         FROM (SELECT destination, delivered_at FROM deliveries WHERE merchant = ?1 ORDER BY id DESC LIMIT ${MAX_NEWEST_READ})
         WHERE destination = ?2`,
      )
      .bind(merchant, endpoint),
  ]);
  const { pending, oldestPendingAt, nextAttemptAt } = waiting!.results[0]!;
  return {
    pending: pending ?? 0,
    oldestPendingAt: oldestPendingAt ?? null,
    nextAttemptAt: nextAttemptAt ?? null,
    lastSuccessAt: arrived!.results[0]?.["lastSuccessAt"] ?? null,
  };
}
