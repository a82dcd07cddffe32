import { and, eq, gt, isNull, lte, or, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { randomId } from "../event/ids.ts";
import { hasFewer, insertWhere } from "./capped.ts";
import { forget } from "./copies.ts";
import { endpointHosts, endpoints } from "./schema.ts";

export type EndpointHost = typeof endpointHosts.$inferSelect;

/** A merchant has at most so many hosts on record. */
const MAX_HOSTS = 300;
/** One that was never verified, and that no endpoint awaits, is forgotten after so long. */
const FORGOTTEN_MS = 24 * 3_600_000;
/** A host is asked at most once in so long for a merchant, and a merchant may have so many asked a minute. */
const CHECK_GAP_MS = 15_000;
const CHECKS_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/** The host that a URL leads to, with its port where that is not the scheme's own. */
export function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return hostname.replace(/\.$/, "") + (port && `:${port}`);
}

/**
 * What is on record of a host of a merchant, put there if it is new. Verified from the start where an endpoint of the
 * merchant is sent events there already. `now`: epoch ms. Null: the merchant has too many hosts.
 */
export async function recordHost(db: D1Database, merchant: string, host: string, now: number) {
  const known = await readHost(db, merchant, host);
  if (known !== null) {
    return known;
  }
  const mine = eq(endpoints.merchant, merchant);
  const served = await drizzle(db)
    .select({ url: endpoints.url })
    .from(endpoints)
    .where(and(mine, isNull(endpoints.awaitsHost)));
  const isServed = served.some(({ url }) => hostOf(url) === host);
  const row: EndpointHost = {
    merchant,
    host,
    token: randomId("pbh"),
    createdAt: now,
    checkedAt: null,
    failure: null,
    verifiedAt: isServed ? now : null,
    how: isServed ? "before" : null,
  };
  await drizzle(db).batch([
    drizzle(db)
      .delete(endpointHosts)
      .where(
        and(
          eq(endpointHosts.merchant, merchant),
          isNull(endpointHosts.verifiedAt),
          lte(endpointHosts.createdAt, now - FORGOTTEN_MS),
          sql`${endpointHosts.host} not in (select ${endpoints.awaitsHost} from ${endpoints}
            where ${mine} and ${endpoints.awaitsHost} is not null)`,
        ),
      ),
    insertWhere(db, endpointHosts, row, hasFewer(endpointHosts, merchant, MAX_HOSTS)).onConflictDoNothing(),
  ]);
  return readHost(db, merchant, host);
}

/** Hosts of a merchant, by their names. */
export async function readHosts(db: D1Database, merchant: string): Promise<Map<string, EndpointHost>> {
  const rows = await drizzle(db).select().from(endpointHosts).where(eq(endpointHosts.merchant, merchant));
  return new Map(rows.map((row) => [row.host, row]));
}

/** What is on record of a host of a merchant; null: nothing. */
export async function readHost(db: D1Database, merchant: string, host: string): Promise<EndpointHost | null> {
  const [row = null] = await drizzle(db).select().from(endpointHosts).where(isHost(merchant, host));
  return row;
}

/**
 * Takes the right to ask a host whether it wants a merchant's webhooks: what is on record of it; null: it was asked a
 * moment ago, or the merchant has had many asked. `now`: epoch ms.
 */
export async function takeCheck(
  db: D1Database,
  merchant: string,
  host: string,
  now: number,
): Promise<EndpointHost | null> {
  const isRested = or(isNull(endpointHosts.checkedAt), lte(endpointHosts.checkedAt, now - CHECK_GAP_MS));
  const lately = drizzle(db)
    .select({ count: sql<number>`count(*)` })
    .from(endpointHosts)
    .where(and(eq(endpointHosts.merchant, merchant), gt(endpointHosts.checkedAt, now - MINUTE_MS)));
  const [row = null] = await drizzle(db)
    .update(endpointHosts)
    .set({ checkedAt: now })
    .where(and(isHost(merchant, host), isRested, sql`${lately} < ${CHECKS_A_MINUTE}`))
    .returning();
  return row;
}

/** Writes down that a host was asked and did not say yes, and why. */
export async function noteUnverified(db: D1Database, merchant: string, host: string, failure: string): Promise<void> {
  await drizzle(db).update(endpointHosts).set({ failure }).where(isHost(merchant, host));
}

/**
 * Writes down that a host wants a merchant's webhooks, and opens the endpoints that await it. Returns those: what has
 * waited for them may go. `now`: epoch ms.
 */
export async function noteVerified(
  db: D1Database,
  { merchant, host }: Pick<EndpointHost, "merchant" | "host">,
  how: NonNullable<EndpointHost["how"]>,
  now: number,
): Promise<Pick<typeof endpoints.$inferSelect, "merchant" | "id" | "status">[]> {
  const [, opened] = await drizzle(db).batch([
    drizzle(db).update(endpointHosts).set({ verifiedAt: now, how, failure: null }).where(isHost(merchant, host)),
    drizzle(db)
      .update(endpoints)
      .set({ awaitsHost: null })
      .where(and(eq(endpoints.merchant, merchant), eq(endpoints.awaitsHost, host)))
      .returning({ merchant: endpoints.merchant, id: endpoints.id, status: endpoints.status }),
  ]);
  forget(merchant);
  return opened;
}

function isHost(merchant: string, host: string): SQL | undefined {
  return and(eq(endpointHosts.merchant, merchant), eq(endpointHosts.host, host));
}
