import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { idFrom, timeOfPart, timePart } from "../event/ids.ts";
import { among } from "./among.ts";
import { D1_NOW, ON_TIME_MS } from "./log.ts";
import { events } from "./schema.ts";

/** How far D1's clock may step back, as when another machine takes over, without an event being passed. */
const MARGIN_MS = 2_000;
/** The feed shows what is older than this. */
export const HELD_BACK_MS = ON_TIME_MS + MARGIN_MS;

/** A page holds bodies of about this many bytes at most, and one body at least. */
const MAX_PAGE_BYTES = 1_000_000;
/** Late events among those that are not: so many are passed over at a time. */
const PASSED_OVER = 200;

/** Ids are written in Crockford's base 32. */
const POSITION = /^[0-9a-hjkmnp-tv-z]{10}(evt_[0-9a-hjkmnp-tv-z]{26})?$/;
const EVENT = /^evt_[0-9a-hjkmnp-tv-z]{26}$/;

export interface FeedPage {
  rows: (typeof events.$inferSelect)[];
  /** Where to go on. Whatever appears from now on has a later position. */
  next: string;
  /** There is nothing more at the moment. */
  isCaughtUp: boolean;
}

/**
 * Reads a merchant's events in the order in which they can be relied on: none ever appears before a position that was
 * handed out.
 *
 * An event's position is its time of receipt, as its id has it, if it was written within {@link ON_TIME_MS} of that;
 * else the time of its writing, which the statement that writes it notes (`late_at`; only such rows are in an index,
 * so that the others cost nothing). The feed shows positions older than {@link HELD_BACK_MS}. So whatever is written
 * after it was read is either on time, and its position not yet shown, or late, and its position is now. Both times are
 * those of D1's one clock; only the margin depends on it being right.
 *
 * `after`: a position, "" for the beginning. `heldBackMs`: for tests.
 */
export async function readFeed(
  db: D1Database,
  merchant: string,
  { after, limit, heldBackMs = HELD_BACK_MS }: { after: string; limit: number; heldBackMs?: number },
): Promise<FeedPage> {
  const [at, id] = [timeOfPart(after.slice(0, 10)), after.slice(10)];
  // What this isolate's clock says only saves reading what is held back anyway.
  const bound = Date.now() - heldBackMs;
  const start = [id, idFrom("evt", at)].toSorted().at(-1)!;
  const walk = limit + PASSED_OVER;
  const [clock, walked, late] = await db.batch<Found & { now: number }>([
    db.prepare(`SELECT ${D1_NOW} AS now`),
    db
      .prepare(
        `SELECT id, late_at AS lateAt, octet_length(template) AS size FROM events
         WHERE merchant = ? AND id > ? AND id < ? ORDER BY id LIMIT ?`,
      )
      .bind(merchant, start, idFrom("evt", bound), walk),
    db
      .prepare(
        `SELECT id, late_at AS lateAt, octet_length(template) AS size FROM events INDEXED BY events_late
         WHERE merchant = ? AND late_at IS NOT NULL AND (late_at, id) > (?, ?) AND late_at < ?
         ORDER BY late_at, id LIMIT ?`,
      )
      .bind(merchant, at, id, bound, limit),
  ]);
  const shown = timePart(Math.max(0, Math.min(clock!.results[0]!.now - heldBackMs, bound)));
  const last = walked!.results.length === walk ? walked!.results.at(-1)!.id : null;
  const until = last === null ? shown : [shown, positionOf(last, null)].toSorted()[0]!;
  const found = [...walked!.results.filter(({ lateAt }) => lateAt === null), ...late!.results]
    .map((one) => ({ ...one, position: positionOf(one.id, one.lateAt) }))
    .filter(({ position }) => position <= until)
    .toSorted((a, b) => (a.position < b.position ? -1 : 1));
  const page = fitting(found.slice(0, limit));
  const isWhole = page.length === found.length && page.length < limit;
  const next = isWhole ? until : page.at(-1)!.position;
  return {
    rows: await read(db, merchant, page),
    next: next > after ? next : after,
    isCaughtUp: isWhole && until === shown,
  };
}

/** The position that a cursor stands for: what the feed gave as `next`, or an event's id. Null: it is neither. */
export function positionFrom(cursor: string): string | null {
  if (EVENT.test(cursor)) return positionOf(cursor, null);
  return POSITION.test(cursor) ? cursor : null;
}

interface Found {
  id: string;
  lateAt: number | null;
  /** Bytes of the template; null where it is no longer kept. */
  size: number | null;
}

function positionOf(id: string, lateAt: number | null): string {
  return `${lateAt === null ? id.slice("evt_".length, "evt_".length + 10) : timePart(lateAt)}${id}`;
}

/** As many of a page as fit, the first at least. */
function fitting<T extends Found>(page: T[]): T[] {
  let bytes = 0;
  const end = page.findIndex(({ size }, index) => {
    bytes += size ?? 0;
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return end === -1 ? page : page.slice(0, end);
}

async function read(db: D1Database, merchant: string, page: Found[]): Promise<FeedPage["rows"]> {
  if (page.length === 0) {
    return [];
  }
  const ids = page.map(({ id }) => id);
  const rows = await drizzle(db)
    .select()
    .from(events)
    .where(and(eq(events.merchant, merchant), sql`${events.id} in ${among(ids)}`));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
