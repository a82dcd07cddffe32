import { idFrom } from "../event/ids.ts";
import { CAPS } from "../platform/caps.ts";
import { log } from "../platform/log.ts";
import { DELIVERIES_OF_ROW, UNFINISHED } from "./event-deliveries.ts";

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** What was unfinished when its body was to go is over after 14 days. */
const LOOKED_BACK_MS = 15 * DAY_MS;
/** So many merchants are looked at in one run, and so many rows written: 5.8 million a day. */
const MERCHANTS_A_RUN = 50;
const ROWS_A_RUN = 20_000;
/** So many rows are read, and written at most, by one statement. */
const BITE = 1_000;

const MERCHANTS = `SELECT m.id, coalesce(s.bodies_to, '') AS bodiesTo, coalesce(s.at, 0) AS tidyAt FROM merchants m
  LEFT JOIN sweeps s ON s.merchant = m.id WHERE coalesce(s.at, 0) <= ?1 ORDER BY coalesce(s.at, 0) LIMIT ${MERCHANTS_A_RUN}`;

const NOTE = `INSERT INTO sweeps (merchant, bodies_to, at) VALUES (?1, ?2, ?3)
  ON CONFLICT (merchant) DO UPDATE SET bodies_to = excluded.bodies_to, at = excluded.at`;

const END_OF_BODIES = `SELECT id FROM events WHERE merchant = ?1 AND id > ?2 AND id < ?3 ORDER BY id LIMIT 1 OFFSET ${BITE - 1}`;

const DROP_BODIES = `UPDATE events SET template = NULL WHERE merchant = ?1 AND id > ?2 AND id <= ?3
  AND template IS NOT NULL AND sequence IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM ${DELIVERIES_OF_ROW} AND d.status IN ${UNFINISHED})`;

/** What goes by its age, and which of it is over. An event goes after the last of its deliveries. */
const AGING = [
  { table: "deliveries", prefix: "dlv", isOver: `status NOT IN ${UNFINISHED}` },
  {
    table: "events",
    prefix: "evt",
    isOver: `sequence IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${DELIVERIES_OF_ROW})`,
  },
  { table: "jobs", prefix: "job", isOver: "status <> 'running'" },
] as const;

/** What a merchant piles up, by number: the oldest of what is over make room. */
const PILES = [
  { table: "audit", isOver: "true", cap: CAPS.auditLines },
  { table: "jobs", isOver: "status <> 'running'", cap: CAPS.jobsKept },
  { table: "api_keys", isOver: "revoked_at IS NOT NULL", cap: CAPS.revokedKeys },
] as const;

/**
 * Deletes what is older than it is kept: bodies of events and quarantined requests after PAYLOAD_DAYS, the log and its
 * jobs after LOG_DAYS, and what is more than a merchant may pile up. Whatever is unfinished stays until it is over: once
 * a day the sweep of the bodies goes back by 15 days. In bites, of so many rows a run; goes on where it was in the next.
 * Every row that goes is a row billed, and a body's event is written once more when the body goes. Throws where D1 does.
 */
export async function tidyLog(env: Env, now: number): Promise<void> {
  const [bodiesBefore, logBefore] = [now - daysOf(env.PAYLOAD_DAYS), now - daysOf(env.LOG_DAYS)];
  if (!(bodiesBefore >= 0 && logBefore >= 0 && bodiesBefore < now && logBefore < now)) {
    log.error("retention.misconfigured", { payloadDays: env.PAYLOAD_DAYS, logDays: env.LOG_DAYS });
    return;
  }
  await env.DB.prepare("DELETE FROM parked WHERE at < ?").bind(logBefore).run();
  const { results } = await env.DB.prepare(MERCHANTS)
    .bind(now - HOUR_MS)
    .all<{ id: string; bodiesTo: string; tidyAt: number }>();
  const lookedBack = idFrom("evt", Math.max(0, bodiesBefore - LOOKED_BACK_MS));
  let rows = ROWS_A_RUN;
  for (const { id: merchant, bodiesTo, tidyAt } of results) {
    const bodies = await dropBodies(env.DB, merchant, bodiesTo, idFrom("evt", bodiesBefore), rows);
    rows -= bodies.rows;
    const requests = { table: "quarantine", isOver: "true", merchant, before: idFrom("qua", bodiesBefore) };
    rows -= await deleteOld(env.DB, requests, rows);
    for (const { table, prefix, isOver } of AGING) {
      rows -= await deleteOld(env.DB, { table, isOver, merchant, before: idFrom(prefix, logBefore) }, rows);
    }
    for (const { table, isOver, cap } of PILES) {
      const before = await env.DB.prepare(
        `SELECT id FROM ${table} WHERE merchant = ?1 AND ${isOver} ORDER BY id DESC LIMIT 1 OFFSET ${cap - 1}`,
      )
        .bind(merchant)
        .first<string>("id");
      rows -= before === null ? 0 : await deleteOld(env.DB, { table, isOver, merchant, before }, rows);
    }
    if (rows <= 0) {
      // Whose log was too much for this run is the next one's, behind those that wait longer.
      await env.DB.prepare(NOTE)
        .bind(merchant, bodies.to, now - HOUR_MS)
        .run();
      break;
    }
    const isNewDay = Math.floor(tidyAt / DAY_MS) < Math.floor(now / DAY_MS);
    await env.DB.prepare(NOTE)
      .bind(merchant, isNewDay ? lookedBack : bodies.to, now)
      .run();
  }
}

/** Drops the bodies of events from an id on; returns how far that came, and how many rows it looked at. */
async function dropBodies(
  db: D1Database,
  merchant: string,
  from: string,
  before: string,
  budget: number,
): Promise<{ to: string; rows: number }> {
  let [to, rows] = [from, 0];
  while (rows < budget && to < before) {
    const end = (await db.prepare(END_OF_BODIES).bind(merchant, to, before).first<string>("id")) ?? before;
    const { meta } = await db.prepare(DROP_BODIES).bind(merchant, to, end).run();
    rows += end === before ? meta.changes : BITE;
    to = end;
  }
  return { to, rows };
}

/** Deletes a merchant's rows of before an id that are over; returns how many. */
async function deleteOld(
  db: D1Database,
  { table, isOver, merchant, before }: { table: string; isOver: string; merchant: string; before: string },
  budget: number,
): Promise<number> {
  const statement = `DELETE FROM ${table} WHERE merchant = ?1 AND id IN (
    SELECT id FROM ${table} WHERE merchant = ?1 AND id < ?2 AND ${isOver} ORDER BY id LIMIT ${BITE})`;
  let rows = 0;
  while (rows < budget) {
    const { meta } = await db.prepare(statement).bind(merchant, before).run();
    rows += meta.changes;
    if (meta.changes < BITE) {
      break;
    }
  }
  return rows;
}

/** So many days in ms, as a var of the Worker says them; NaN where it says nothing. */
export function daysOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text) * DAY_MS;
}
