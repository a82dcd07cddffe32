import { and, eq, getTableColumns } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import type { Quarantined } from "../outbox/contract.ts";
import { fromBase64, toBase64 } from "../platform/base64.ts";
import { CAPS } from "../platform/caps.ts";
import { open, seal } from "../platform/secret-box.ts";
import { quarantine, quarantineUsage } from "./schema.ts";

/** A request as its provider signed it: what an adapter reads. */
interface Came<Body extends Uint8Array = Uint8Array> {
  body: Body;
  headers: Headers;
  url: string;
}

/** What a list shows of a quarantined request: all but the request. */
const { body: _, request: __, hash: ___, ...listed } = getTableColumns(quarantine);
export { listed };

/** The columns that hold a request: the bytes in base64, the rest sealed, since a header may be a secret. */
export async function closeRequest(env: Env, id: string, { body, headers, url }: Came) {
  const rest = JSON.stringify({ url, headers: [...headers] });
  return { body: toBase64(body), request: await seal(env.ENCRYPTION_KEY, id, rest) };
}

/** The request of a row, as it came. Throws where its key is gone. */
export async function openRequest(
  env: Env,
  { id, body, request }: Quarantined,
): Promise<Came<Uint8Array<ArrayBuffer>>> {
  const { url, headers } = JSON.parse(await open(env, id, request)) as { url: string; headers: [string, string][] };
  return { body: fromBase64(body) ?? new Uint8Array(), headers: new Headers(headers), url };
}

/** So many of the oldest are looked at, and go at most, for one that comes. */
const ROOM_AT_ONCE = 1_000;

/** The oldest of a merchant's go where there are too many. Reads one row where there are not. */
const MAKE_ROOM = `DELETE FROM quarantine WHERE merchant = ?1 AND id IN (
  SELECT id FROM (
    SELECT id, excess, excess_bytes, row_number() OVER oldest AS number, sum(size) OVER oldest - size AS older
    FROM (
      SELECT q.id, u.requests - ${CAPS.quarantineRequests} AS excess, u.bytes - ${CAPS.quarantineBytes} AS excess_bytes,
        octet_length(q.body) + octet_length(q.request) AS size
      FROM quarantine_usage u CROSS JOIN quarantine q ON q.merchant = u.merchant
      WHERE u.merchant = ?1 AND (u.requests > ${CAPS.quarantineRequests} OR u.bytes > ${CAPS.quarantineBytes})
      ORDER BY q.id LIMIT ${ROOM_AT_ONCE}
    ) WINDOW oldest AS (ORDER BY id)
  ) WHERE number <= excess OR older < excess_bytes
) RETURNING id`;

const NOTE_ROOM = `UPDATE quarantine_usage SET dropped = dropped + changes(), dropped_at = ?2
  WHERE merchant = ?1 AND changes() > 0`;

/**
 * Writes a row; the same bytes of a source once. Returns how many of the merchant's oldest have made room for it.
 * Throws where D1 does. `now`: epoch ms.
 */
export async function keepQuarantined(d1: D1Database, row: Quarantined, now: number): Promise<number> {
  const inserting = drizzle(d1).insert(quarantine).values(row).onConflictDoNothing().toSQL();
  const [, gone] = await d1.batch([
    d1.prepare(inserting.sql).bind(...inserting.params),
    d1.prepare(MAKE_ROOM).bind(row.merchant),
    d1.prepare(NOTE_ROOM).bind(row.merchant, now),
  ]);
  return gone!.results.length;
}

/** How much of a merchant is in quarantine, and how much has made room while there was any. */
export async function quarantineUsageOf(d1: D1Database, merchant: string) {
  const [row] = await drizzle(d1).select().from(quarantineUsage).where(eq(quarantineUsage.merchant, merchant));
  const { requests = 0, bytes = 0, dropped = 0, droppedAt = null } = row ?? {};
  const [maxRequests, maxBytes] = [CAPS.quarantineRequests, CAPS.quarantineBytes];
  return { requests, bytes, maxRequests, maxBytes, dropped, droppedAt };
}

/** One quarantined request of a merchant. */
export async function quarantinedById(db: D1Database, merchant: string, id: string): Promise<Quarantined | undefined> {
  const [row] = await drizzle(db).select().from(quarantine).where(isQuarantined(merchant, id));
  return row;
}

/** That a row is this one of a merchant's. */
export function isQuarantined(merchant: string, id: string) {
  return and(eq(quarantine.merchant, merchant), eq(quarantine.id, id));
}
