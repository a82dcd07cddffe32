import { and, desc, eq, inArray, isNotNull, isNull, lt, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { timePart } from "../event/ids.ts";
import { MAX_SPENT_DEAD_LETTERS } from "../platform/caps.ts";
import type { BackupMessage, DeliveriesMessage } from "../outbox/contract.ts";
import { deadLetters } from "./schema.ts";

/** What is kept of a message that nobody needs: its outbox sends again. */
const MAX_KEPT_CHARS = 4_096;
/** So many go by one run of the cron for being too many. */
const BITE = 10_000;

/** A message that a queue has given up. */
export type DeadLetter = typeof deadLetters.$inferSelect;

/**
 * Keeps a message that is given up `at` (epoch ms); once, however often it is told. `attempts`: how often it was tried;
 * `error`: why it failed the last time, where that is known. Throws where D1 does: then it has to stay in its queue.
 */
export async function keepDead(
  db: D1Database,
  { id, timestamp, body }: Pick<Message<BackupMessage | DeliveriesMessage>, "id" | "timestamp" | "body">,
  given: Pick<DeadLetter, "at" | "attempts" | "error">,
): Promise<void> {
  const text = JSON.stringify(body);
  const what =
    "items" in body
      ? { queue: "deliveries" as const, kind: "deliveries", body: text.slice(0, MAX_KEPT_CHARS) }
      : { queue: "backup" as const, kind: body.kind, body: text };
  await drizzle(db)
    .insert(deadLetters)
    .values({ id: `dead_${timePart(timestamp.getTime())}${id}`, ...given, ...what })
    .onConflictDoNothing();
}

/**
 * Sends a dead letter around again: first into the queue, then out of what waits here, so that it is always in one
 * of them. Where the queue does not take it, that is noted and it stays.
 */
export async function redrive(env: Env, { id, body }: DeadLetter, now: number): Promise<"sent" | "failed"> {
  const error = await env.BACKUP.send(JSON.parse(body), { contentType: "json" }).then(() => null, String);
  // The queue has it now: what is left here is only shown.
  const change =
    error === null ? { redrivenAt: now, body: sql`substr(${deadLetters.body}, 1, ${MAX_KEPT_CHARS})` } : { error };
  await drizzle(env.DB).update(deadLetters).set(change).where(eq(deadLetters.id, id));
  return error === null ? "sent" : "failed";
}

/** Dead letters of `backup` that have waited since before `before` (epoch ms): at most 100, the oldest first. */
export async function waitingDead(db: D1Database, before: number): Promise<DeadLetter[]> {
  return drizzle(db)
    .select()
    .from(deadLetters)
    .where(and(sql`${deadLetters.queue} = 'backup'`, isNull(deadLetters.redrivenAt), lt(deadLetters.at, before)))
    .orderBy(deadLetters.at)
    .limit(100);
}

/**
 * Deletes dead letters that nobody needs any more, since they went around again or are only shown: those of before
 * `before` (epoch ms), and the oldest of more than {@link MAX_SPENT_DEAD_LETTERS}.
 */
export async function forgetDead(d1: D1Database, before: number): Promise<void> {
  const db = drizzle(d1);
  const isSpent = or(isNotNull(deadLetters.redrivenAt), eq(deadLetters.queue, "deliveries"));
  const excess = db
    .select({ id: deadLetters.id })
    .from(deadLetters)
    .where(isSpent)
    .orderBy(desc(deadLetters.id))
    .limit(BITE)
    .offset(MAX_SPENT_DEAD_LETTERS);
  await db.batch([
    db
      .delete(deadLetters)
      .where(
        or(lt(deadLetters.redrivenAt, before), and(eq(deadLetters.queue, "deliveries"), lt(deadLetters.at, before))),
      ),
    db.delete(deadLetters).where(inArray(deadLetters.id, excess)),
  ]);
}
