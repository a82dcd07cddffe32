import { idFrom } from "../event/ids.ts";
import { ProblemError } from "../platform/problem.ts";

/** Events are in the log within seconds of their acceptance; one that comes later than this is never counted. */
const LAG_MS = 60_000;

/** Counts the events of `?1` (from) to `?2` (to) that are not counted yet, of every merchant that has some. */
const COUNT = `INSERT INTO usage (merchant, month, events, counted_to)
  SELECT merchant, ?3, events, ?2 FROM (
    SELECT m.id AS merchant, (SELECT count(*) FROM events e
      WHERE e.merchant = m.id AND e.id >= max(?1, coalesce(u.counted_to, '')) AND e.id < ?2) AS events
    FROM merchants m LEFT JOIN usage u ON u.merchant = m.id AND u.month = ?3
  ) WHERE events > 0
  ON CONFLICT (merchant, month) DO UPDATE SET events = usage.events + excluded.events, counted_to = excluded.counted_to`;

/**
 * Counts what the log has got since it was last counted, for all merchants at once; the cron calls it every 5 minutes.
 * One row written for each merchant that had events, whatever their number. Throws where D1 does.
 */
export async function countUsage(db: D1Database, now: number): Promise<void> {
  const to = now - LAG_MS;
  const month = monthOf(to);
  // What the last minutes of a month have brought is counted in the first ones of the next.
  const months = [monthOf(month - 1), month];
  await db.batch(
    months.map((start) =>
      db.prepare(COUNT).bind(idFrom("evt", start), idFrom("evt", Math.min(to, nextMonth(start))), start),
    ),
  );
}

/** The month of `now` (epoch ms of its start), and how many events a merchant has in it so far. */
export async function usageOf(
  db: D1Database,
  merchant: string,
  now: number,
): Promise<{ month: number; events: number }> {
  const month = monthOf(now);
  const row = await db
    .prepare("SELECT events FROM usage WHERE merchant = ? AND month = ?")
    .bind(merchant, month)
    .first<{ events: number }>();
  return { month, events: row?.events ?? 0 };
}

/** The merchants that have had more events than they may in the month of `now`: at most 100. */
export async function overQuota(db: D1Database, now: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT m.id FROM merchants m JOIN usage u ON u.merchant = m.id AND u.month = ?
       WHERE u.events > m.monthly_event_limit LIMIT 100`,
    )
    .bind(monthOf(now))
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** The start of the month that a time is in, in UTC. Both epoch ms. */
export function monthOf(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** The start of the month after the one that a time is in. */
export function nextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** The problem of a merchant whose events of the month of `now` (epoch ms) are used up. */
export function quotaExceeded(now: number): ProblemError {
  return new ProblemError("quota_exceeded", {
    detail: "Ask your operator for more, or wait.",
    headers: { "retry-after": String(Math.ceil((nextMonth(now) - now) / 1000)) },
  });
}
