import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { forgetPerson } from "../event/forgotten.ts";
import { idFrom, randomId } from "../event/ids.ts";
import { CAPS } from "../platform/caps.ts";
import { hasFewer, insertWhere } from "./capped.ts";
import { DELIVERIES_OF_ROW, UNFINISHED } from "./event-deliveries.ts";
import { daysOf } from "./retention.ts";
import { erasures } from "./schema.ts";

const DAY_MS = 24 * 3_600_000;
/** What was on its way when the erasure was asked for is over after 14 days, and in the log a day later at most. */
const REPEATED_FOR_MS = 15 * DAY_MS;
/** How many rows of the log one step looks at, how many it deletes, and how many bodies it rewrites. */
const LOOKED_AT = 10_000;
const BITE = 1_000;
const BODIES = 50;
/** So many erasures are gone on with by one run of the cron. */
const AT_ONCE = 10;

/** Something that has to go from the log: all of a user, or of a whole merchant (null). Times in epoch ms. */
export interface Erasure {
  id: string;
  merchant: string;
  user: string | null;
  /** The last id of the log that was seen to in this pass: deliveries come first, then events; empty: none yet. */
  place: string;
  /** This pass looks at what was accepted from then on. */
  since: number;
  createdAt: number;
}

/** The outbox of what was erased: none, its name would tell of the user. */
export const NO_OUTBOX = "";

/** Whoever asks again meanwhile begins it anew: what a bite of the old one would write down then is void. */
const AS_IT_WAS = "WHERE id = ? AND created_at = ?";

const ERASE_DELIVERIES = `UPDATE deliveries SET user = NULL, outbox = '${NO_OUTBOX}', attempts = (
    SELECT json_group_object(key, json(json_remove(value, '$.response', '$.error', '$.message'))) FROM json_each(attempts))
  WHERE merchant = ?1 AND id > ?2 AND id <= ?3 AND user = ?4 AND status NOT IN ${UNFINISHED}`;

const EVENTS_TO_ERASE = `SELECT id, template FROM events WHERE merchant = ?1 AND id > ?2 AND id <= ?3 AND user = ?4
  AND sequence IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${DELIVERIES_OF_ROW} AND d.status IN ${UNFINISHED})
  ORDER BY id LIMIT ${BODIES}`;

const ERASE_EVENTS = `UPDATE events SET user = NULL, outbox = '${NO_OUTBOX}', template = (
    SELECT value->>'template' FROM json_each(?2) WHERE value->>'id' = events.id)
  WHERE merchant = ?1 AND id IN (SELECT value->>'id' FROM json_each(?2))`;

/** A job that runs goes on as it is: without its user it would be one for all users. */
const ERASE_JOBS = `UPDATE jobs SET filter = json_remove(filter, '$.user')
  WHERE merchant = ?1 AND filter->>'user' = ?2 AND started_at < ?3 AND status <> 'running'`;

/**
 * What belongs to a merchant, in the order in which it goes: people before the log. Its deletion takes some of it at
 * once, but calls that were under way may have made more.
 */
const TABLES = [
  { name: "endpoints", id: "id" },
  { name: "endpoint_hosts", id: "host" },
  { name: "users", id: "id" },
  { name: "suppressions", id: "channel, address_hash" },
  { name: "api_keys", id: "id" },
  { name: "sources", id: "id" },
  { name: "channel_accounts", id: "channel" },
  { name: "jobs", id: "id" },
  { name: "quarantine", id: "id" },
  { name: "deliveries", id: "id" },
  { name: "events", id: "id" },
  { name: "audit", id: "id" },
  { name: "usage", id: "month" },
  { name: "email_counts", id: "merchant" },
  { name: "sweeps", id: "merchant" },
] as const;

/** The row of an erasure that is asked for now: of a user, or of the whole merchant (null). */
export function newErasure(merchant: string, user: string | null, now: number): typeof erasures.$inferSelect {
  return { id: randomId("era", now), merchant, user, place: "", since: 0, dueAt: now, createdAt: now };
}

/** That a user's erasure was asked for, and has not come to its last pass. */
export function isOpen(merchant: string, user: string) {
  return sql`exists (select 1 from ${erasures} where merchant = ${merchant} and user = ${user})`;
}

/**
 * The statements that write down a user's erasure, where the merchant has room for it: the first returns its id if it
 * is a new one. A user whose erasure is open keeps that one: the second begins it again from now, and returns its id
 * and since when; nothing where there is no room.
 */
export function askFor(d1: D1Database, erasure: typeof erasures.$inferSelect & { user: string }) {
  const { merchant, user, place, dueAt, createdAt } = erasure;
  const hasRoom = hasFewer(erasures, merchant, CAPS.erasures);
  return {
    adding: insertWhere(d1, erasures, erasure, sql`not ${isOpen(merchant, user)} and ${hasRoom}`).returning({
      id: erasures.id,
    }),
    renewing: drizzle(d1)
      .update(erasures)
      .set({ place, dueAt, createdAt })
      .where(and(eq(erasures.merchant, merchant), eq(erasures.user, user)))
      .returning({ id: erasures.id, since: erasures.since }),
  };
}

/**
 * Erasures with something to do: the oldest of each merchant first, and of the merchants those that wait longest, so
 * that no number of them holds up another merchant's.
 */
export async function dueErasures(db: D1Database, now: number): Promise<Erasure[]> {
  const { results } = await db
    .prepare(
      `SELECT id, merchant, user, place, since, created_at AS createdAt FROM erasures WHERE due_at <= ?
       ORDER BY row_number() OVER (PARTITION BY merchant ORDER BY created_at, id), due_at LIMIT ${AT_ONCE}`,
    )
    .bind(now)
    .all<Erasure>();
  return results;
}

/**
 * Goes one bite on with an erasure. Of a user only what was accepted before it was asked for; what is unfinished stays
 * until it is over, so a pass is repeated daily for 15 days. Returns how it stands then; null: the pass is done.
 */
export async function eraseBite(env: Env, erasure: Erasure, now: number): Promise<Erasure | null> {
  const db = env.DB;
  const place =
    erasure.user === null
      ? await deleteBite(db, erasure, now)
      : await forgetBite(db, { ...erasure, user: erasure.user });
  if (place !== null) {
    await db
      .prepare(`UPDATE erasures SET place = ?, due_at = ? ${AS_IT_WAS}`)
      .bind(place, now, erasure.id, erasure.createdAt)
      .run();
    return { ...erasure, place };
  }
  await db.batch([
    ...(erasure.user === null ? [] : [db.prepare(ERASE_JOBS).bind(erasure.merchant, erasure.user, erasure.createdAt)]),
    ...(isLast(erasure, now) ? endOf(db, erasure, now) : [again(env, erasure, now)]),
  ]);
  return null;
}

/**
 * The next pass, in a day. It looks at what may have been on its way when the erasure was asked for: what was accepted
 * shortly before, or was sent again, which takes a body. At all of the log where PAYLOAD_DAYS makes no sense.
 */
function again(env: Env, { id, createdAt }: Erasure, now: number): D1PreparedStatement {
  const since = Math.max(0, createdAt - REPEATED_FOR_MS - daysOf(env.PAYLOAD_DAYS)) || 0;
  return env.DB.prepare(`UPDATE erasures SET place = '', since = ?, due_at = ? ${AS_IT_WAS}`).bind(
    since,
    now + DAY_MS,
    id,
    createdAt,
  );
}

/** The merchant's audit says when a user was erased; of a merchant that is erased nothing stays. */
function endOf(db: D1Database, { id, merchant, user, createdAt }: Erasure, now: number): D1PreparedStatement[] {
  const statement = db.prepare(
    `INSERT INTO audit (merchant, id, at, actor, action, target, fields)
     SELECT ?, ?, ?, 'paybell', 'user.erased', ?, '[]' WHERE changes() > 0`,
  );
  return [
    db.prepare(`DELETE FROM erasures ${AS_IT_WAS}`).bind(id, createdAt),
    ...(user === null ? [] : [statement.bind(merchant, randomId("aud", now), now, id)]),
  ];
}

function isLast({ createdAt }: Erasure, now: number): boolean {
  return now >= createdAt + REPEATED_FOR_MS;
}

/** The endpoints of a merchant that the next bite may delete, by their ids. */
export async function endpointsToGo(db: D1Database, merchant: string): Promise<string[]> {
  const { results } = await db
    .prepare(`SELECT id FROM endpoints WHERE merchant = ? ORDER BY id LIMIT ${BITE}`)
    .bind(merchant)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** Deletes up to a bite of a merchant's rows. The audit stays until the last pass. Null: nothing is left. */
async function deleteBite(db: D1Database, erasure: Erasure, now: number): Promise<string | null> {
  for (const { name, id } of TABLES) {
    if (name === "audit" && !isLast(erasure, now)) {
      continue;
    }
    const { meta } = await db
      .prepare(
        `DELETE FROM ${name} WHERE merchant = ?1 AND (${id}) IN (SELECT ${id} FROM ${name} WHERE merchant = ?1 ORDER BY ${id} LIMIT ${BITE})`,
      )
      .bind(erasure.merchant)
      .run();
    if (meta.changes > 0) {
      return name;
    }
  }
  return null;
}

/** Forgets a user in the next bite of the merchant's log; returns the id that it has come to, null at the end. */
async function forgetBite(db: D1Database, erasure: Erasure & { user: string }): Promise<string | null> {
  const { merchant, user, place, since, createdAt } = erasure;
  const [deliveriesEnd, eventsEnd] = [idFrom("dlv", createdAt), idFrom("evt", createdAt)];
  if (place < deliveriesEnd) {
    const from = place === "" ? idFrom("dlv", since) : place;
    const to = (await endOfBite(db, "deliveries", merchant, from, deliveriesEnd)) ?? deliveriesEnd;
    await db.prepare(ERASE_DELIVERIES).bind(merchant, from, to, user).run();
    return to;
  }
  const from = place === deliveriesEnd ? idFrom("evt", since) : place;
  const end = await endOfBite(db, "events", merchant, from, eventsEnd);
  const { results } = await db
    .prepare(EVENTS_TO_ERASE)
    .bind(merchant, from, end ?? eventsEnd, user)
    .all<{ id: string; template: string | null }>();
  if (results.length > 0) {
    const erased = results.map(({ id, template }) => ({ id, template: template && forgetPerson(template) }));
    await db.prepare(ERASE_EVENTS).bind(merchant, JSON.stringify(erased)).run();
  }
  return results.length === BODIES ? results.at(-1)!.id : end;
}

/** The id with which a bite of rows after `from` ends; null: there are no more than that before `to`. */
async function endOfBite(
  db: D1Database,
  table: "deliveries" | "events",
  merchant: string,
  from: string,
  to: string,
): Promise<string | null> {
  return db
    .prepare(
      `SELECT id FROM ${table} WHERE merchant = ? AND id > ? AND id < ? ORDER BY id LIMIT 1 OFFSET ${LOOKED_AT - 1}`,
    )
    .bind(merchant, from, to)
    .first<string>("id");
}
