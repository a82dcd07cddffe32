const DAY_MS = 86_400_000;

/** One more, unless the day has as many as it may (`?3`). A clock that is behind by midnight counts for the newer day. */
const COUNT = `INSERT INTO email_counts (merchant, day, emails) SELECT ?1, ?2, 1 WHERE ?3 > 0
  ON CONFLICT (merchant) DO UPDATE SET day = max(day, excluded.day), emails = iif(day < excluded.day, 1, emails + 1)
  WHERE day < excluded.day OR emails < ?3
  RETURNING emails`;

/**
 * Counts an email that a merchant is about to send from the operator's domains; false where it has sent as many today
 * (UTC) as it may, and nothing is counted then. `now`: epoch ms. Throws where D1 does.
 */
export async function countEmail(db: D1Database, merchant: string, limit: number, now: number): Promise<boolean> {
  return (await db.prepare(COUNT).bind(merchant, dayOf(now), limit).first()) !== null;
}

/** Takes back an email that was counted on the day of `at` (epoch ms) and not sent. Throws where D1 does. */
export async function uncountEmail(db: D1Database, merchant: string, at: number): Promise<void> {
  await db
    .prepare("UPDATE email_counts SET emails = emails - 1 WHERE merchant = ? AND day = ? AND emails > 0")
    .bind(merchant, dayOf(at))
    .run();
}

/** How many emails of a merchant were counted on the day of `now`. */
export async function emailsToday(db: D1Database, merchant: string, now: number): Promise<number> {
  const count = await db
    .prepare("SELECT emails FROM email_counts WHERE merchant = ? AND day = ?")
    .bind(merchant, dayOf(now))
    .first<number>("emails");
  return count ?? 0;
}

/** The start of the day after the one that a time is in, in UTC; both epoch ms. */
export function nextDay(now: number): number {
  return dayOf(now) + DAY_MS;
}

function dayOf(now: number): number {
  return Math.floor(now / DAY_MS) * DAY_MS;
}
