import { and, eq, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { CAPS } from "../platform/caps.ts";
import { hasFewer, insertWhere } from "./capped.ts";
import { jobs, type JobStatus } from "./schema.ts";

/** A job that sends deliveries again, as D1 has it. */
export type Job = typeof jobs.$inferSelect;

/** What changes of a job while it runs. */
export type Progress = Pick<Job, "looked" | "queued" | "skipped" | "skippedBecause" | "delivered" | "position">;

/** How far a job is that has not begun. */
export const NO_PROGRESS: Progress = {
  looked: 0,
  queued: 0,
  skipped: 0,
  skippedBecause: {},
  delivered: 0,
  position: null,
};

/** The name of a job's Durable Object. */
export function jobName({ merchant, id }: { merchant: string; id: string }): string {
  return `${merchant}/${id}`;
}

/** The job of a name; null where there is none any more. */
export async function readJob(db: D1Database, name: string): Promise<Job | null> {
  const [row] = await drizzle(db).select().from(jobs).where(isNamed(name));
  return row ?? null;
}

/**
 * Writes how far a job is, and how it stands unless it has ended already: what it ended as stays. Returns the row as
 * it is then; null where there is none any more.
 */
export async function saveJob(
  db: D1Database,
  name: string,
  progress: Progress,
  { status, error = null }: { status: JobStatus; error?: string | null },
  now: number,
): Promise<Job | null> {
  const isRunning = sql`${jobs.status} = 'running'`;
  const [row] = await drizzle(db)
    .update(jobs)
    .set({
      ...progress,
      status: sql`iif(${isRunning}, ${status}, ${jobs.status})`,
      error: sql`iif(${isRunning}, ${error}, ${jobs.error})`,
      updatedAt: now,
      finishedAt: sql`coalesce(${jobs.finishedAt}, ${status === "running" ? null : now})`,
    })
    .where(isNamed(name))
    .returning();
  return row ?? null;
}

/** Writes a new job down; false where its merchant has as many that run as it may. */
export async function beginJob(db: D1Database, job: Job): Promise<boolean> {
  const room = hasFewer(jobs, job.merchant, CAPS.jobs, sql`status = 'running'`);
  return (await insertWhere(db, jobs, job, room).returning({ id: jobs.id })).length > 0;
}

/** Names of jobs that run but have written nothing since `before` (epoch ms): at most 100. */
export async function silentJobs(db: D1Database, before: number): Promise<string[]> {
  const rows = await drizzle(db)
    .select({ merchant: jobs.merchant, id: jobs.id })
    .from(jobs)
    .where(and(sql`${jobs.status} = 'running'`, lt(jobs.updatedAt, before)))
    .limit(100);
  return rows.map(jobName);
}

function isNamed(name: string) {
  const [merchant = "", id = ""] = name.split("/");
  return and(eq(jobs.merchant, merchant), eq(jobs.id, id));
}
