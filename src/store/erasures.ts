import { forgetPerson } from "../event/forgotten.ts";
import { idFrom, randomId } from "../event/ids.ts";
import { DELIVERIES_OF_ROW, UNFINISHED } from "./event-deliveries.ts";
import type { erasures } from "./schema.ts";

const DAY_MS = 24 * 3_600_000;
/** What was on its way when the erasure was asked for is over after 14 days, and in the log a day later at most. */
const REPEATED_FOR_MS = 15 * DAY_MS;
/** How many rows of the log one step looks at or deletes, and how many bodies it rewrites. */
const BITE = 1_000;
const BODIES = 50;

/** Something that has to go from the log: all of a user, or of a whole merchant (null). Times in epoch ms. */
export interface Erasure {
  id: string;
  merchant: string;
  user: string | null;
  /** The last id of the log that was seen to in this pass: deliveries come first, then events; empty: none yet. */
  place: string;
  createdAt: number;
}

/** The outbox of what was erased: none, its name would tell of the user. */
export const NO_OUTBOX = "";

const ERASE_DELIVERIES = `UPDATE deliveries SET user = NULL, outbox = '${NO_OUTBOX}', attempts = (
    SELECT json_group_object(key, json(json_remove(value, '$.response', '$.error', '$.message'))) FROM json_each(attempts))
  WHERE merchant = ?1 AND id > ?2 AND id <= ?3 AND user = ?4 AND status NOT IN ${UNFINISHED}`;

const EVENTS_TO_ERASE = `SELECT id, template FROM events WHERE merchant = ?1 AND id > ?2 AND id <= ?3 AND user = ?4
  AND sequence IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${DELIVERIES_OF_ROW}
    AND d.status IN ${UNFINISHED}) ORDER BY id LIMIT ${BODIES}`;

const ERASE_EVENTS = `UPDATE events SET user = NULL, outbox = '${NO_OUTBOX}', template = (
    SELECT value->>'template' FROM json_each(?2) WHERE value->>'id' = events.id)
  WHERE merchant = ?1 AND id IN (SELECT value->>'id' FROM json_each(?2))`;

/** What belongs to a merchant besides its configuration, in the order in which it goes. */
const TABLES = [
  { name: "deliveries", id: "id" },
  { name: "events", id: "id" },
  { name: "audit", id: "id" },
  { name: "usage", id: "month" },
  { name: "sweeps", id: "merchant" },
] as const;

/** The row of an erasure that is asked for now: of a user, or of the whole merchant (null). */
export function newErasure(merchant: string, user: string | null, now: number): typeof erasures.$inferInsert & Erasure {
  return { id: randomId("era", now), merchant, user, place: "", dueAt: now, createdAt: now };
}

/** Erasures with something to do, the longest due first: at most 10. */
export async function dueErasures(db: D1Database, now: number): Promise<Erasure[]> {
  const { results } = await db
    .prepare(
      `SELECT id, merchant, user, place, created_at AS createdAt FROM erasures
       WHERE due_at <= ? ORDER BY due_at LIMIT 10`,
    )
    .bind(now)
    .all<Erasure>();
  return results;
}

/**
 * Goes one bite on with an erasure. Of a user only what was accepted before it was asked for; what is unfinished stays
 * until it is over, so a pass is repeated daily for 15 days. Returns how it stands then; null: the pass is done.
 */
export async function eraseBite(db: D1Database, erasure: Erasure, now: number): Promise<Erasure | null> {
  const place =
    erasure.user === null
      ? await deleteBite(db, erasure, now)
      : await forgetBite(db, { ...erasure, user: erasure.user });
  if (place !== null) {
    await db.prepare("UPDATE erasures SET place = ? WHERE id = ?").bind(place, erasure.id).run();
    return { ...erasure, place };
  }
  await db.batch(
    isLast(erasure, now)
      ? [db.prepare("DELETE FROM erasures WHERE id = ?").bind(erasure.id), ...endOf(db, erasure, now)]
      : [db.prepare("UPDATE erasures SET place = '', due_at = ? WHERE id = ?").bind(now + DAY_MS, erasure.id)],
  );
  return null;
}

/** The merchant's audit says when a user was erased; of a merchant that is erased nothing stays. */
function endOf(db: D1Database, { id, merchant, user }: Erasure, now: number): D1PreparedStatement[] {
  const statement = db.prepare(
    "INSERT INTO audit (merchant, id, at, actor, action, target, fields) VALUES (?, ?, ?, 'paybell', 'user.erased', ?, '[]')",
  );
  return user === null ? [] : [statement.bind(merchant, randomId("aud", now), now, id)];
}

function isLast({ createdAt }: Erasure, now: number): boolean {
  return now >= createdAt + REPEATED_FOR_MS;
}

/** Deletes up to a bite of a merchant's rows. The audit stays until the last pass. Null: nothing is left. */
async function deleteBite(db: D1Database, erasure: Erasure, now: number): Promise<string | null> {
  for (const { name, id } of TABLES) {
    if (name === "audit" && !isLast(erasure, now)) {
      continue;
    }
    const { meta } = await db
      .prepare(
        `DELETE FROM ${name} WHERE merchant = ?1 AND ${id} IN (SELECT ${id} FROM ${name} WHERE merchant = ?1 LIMIT ${BITE})`,
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
  const { merchant, user, place, createdAt } = erasure;
  const [deliveriesEnd, eventsEnd] = [idFrom("dlv", createdAt), idFrom("evt", createdAt)];
  if (place < deliveriesEnd) {
    const to = (await endOfBite(db, "deliveries", merchant, place, deliveriesEnd)) ?? deliveriesEnd;
    await db.prepare(ERASE_DELIVERIES).bind(merchant, place, to, user).run();
    return to;
  }
  const from = place === deliveriesEnd ? "" : place;
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
    .prepare(`SELECT id FROM ${table} WHERE merchant = ? AND id > ? AND id < ? ORDER BY id LIMIT 1 OFFSET ${BITE - 1}`)
    .bind(merchant, from, to)
    .first<string>("id");
}
