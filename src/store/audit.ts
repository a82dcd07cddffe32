import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { randomId } from "../event/ids.ts";
import { audit } from "./schema.ts";

/** A line of the audit but for its id and time. */
export type AuditLine = Omit<typeof audit.$inferInsert, "id" | "at">;

/**
 * The audit row of a change, for the D1 batch that makes it, right behind its statement: it is written if that
 * statement has changed anything.
 */
export function auditRow(d1: D1Database, { merchant, actor, action, target, fields }: AuditLine) {
  const now = Date.now();
  return drizzle(d1).insert(audit).select(sql`
    select ${merchant}, ${randomId("aud", now)}, ${now}, ${actor}, ${action}, ${target}, ${JSON.stringify(fields)}
    where changes() > 0`);
}
