import { createRoute, z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { REACHED } from "../event/channels.ts";
import { randomId } from "../event/ids.ts";
import { CAPS } from "../platform/caps.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { beginJob, jobName, NO_PROGRESS, readJob, type Job as Row } from "../store/jobs.ts";
import { jobs, type JobFilter } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { readEndpoint } from "./endpoint-row.ts";
import { invalid } from "./field-errors.ts";
import {
  body,
  found,
  idForm,
  IdParam,
  Instant,
  isoOrNull,
  json,
  ListQuery,
  page,
  pageBy,
  pageOf,
  problems,
  Since,
  toIso,
} from "./schemas.ts";

/** Bodies of events are kept for so long. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;

const PerSecond = z.int().min(1).max(100).default(10).openapi({
  description: "How many deliveries a second the job sends at most. The endpoint's own limit holds as well.",
});

const Until = Since.openapi({ description: "Accepted before this time; by default, and at the latest, now." });

const Recovery = z
  .strictObject({
    since: Since.openapi({ description: "Accepted at this time or later; at most 30 days ago." }),
    until: Until.optional(),
    include: z
      .array(z.enum(["exhausted", "retrying", "canceled", "skipped"]))
      .min(1)
      .default(["exhausted"])
      .openapi({
        description:
          "Which deliveries are sent again, by their status. `retrying`: those that wait for their next attempt are attempted now. `skipped`: those that Paybell decided not to send, such as those of stale events.",
      }),
    perSecond: PerSecond,
  })
  .openapi("Recovery");

const BulkRetry = z
  .strictObject({
    status: z.enum(["exhausted", "retrying", "canceled", "bounced", "skipped", "delivered"]).openapi({
      description:
        "Which deliveries are sent again, by their status. `retrying`: those that wait for their next attempt are attempted now.",
    }),
    endpoint: z.string().max(64).optional(),
    channel: z.enum(["webhook", ...REACHED]).optional(),
    type: z.string().max(128).optional().openapi({ description: "The type of the event." }),
    user: z.string().max(128).optional(),
    since: Since.openapi({ description: "Accepted at this time or later; at most 30 days ago." }),
    until: Until.optional(),
    perSecond: PerSecond,
  })
  .refine(({ status, endpoint }) => (status !== "delivered" && status !== "skipped") || endpoint !== undefined, {
    path: ["endpoint"],
    message: "What was delivered or skipped is sent again to one endpoint only",
  })
  .openapi("BulkRetry");

const Job = z
  .object({
    id: z.string(),
    kind: z.enum(["recover", "retry"]),
    status: z.enum(["running", "done", "canceled", "failed"]),
    error: z
      .string()
      .nullable()
      .openapi({ description: "Why it failed: merchant_suspended, merchant_deleted or endpoint_disabled." }),
    filter: z.object({
      statuses: z.array(z.string()),
      since: Instant,
      until: Instant,
      endpoint: z.string().optional(),
      channel: z.string().optional(),
      type: z.string().optional(),
      user: z.string().optional(),
    }),
    perSecond: z.int(),
    looked: z.int().openapi({ description: "How many deliveries the job has found so far." }),
    queued: z.int().openapi({ description: "How many of those it sends again." }),
    skipped: z.int().openapi({ description: "How many of those it does not send again; `skippedBecause` says why." }),
    skippedBecause: z.record(z.string(), z.int()).openapi({ example: { body_gone: 2 } }),
    delivered: z
      .int()
      .openapi({ description: "How many of the queued ones were delivered by the attempt that the job asked for." }),
    position: z.string().nullable().openapi({ description: "The last delivery that the job has dealt with." }),
    startedAt: Instant,
    finishedAt: Instant.nullable(),
  })
  .openapi("Job");

const recover = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/recover",
  operationId: "recoverEndpoint",
  summary: "Send an endpoint again what it missed, oldest first",
  ...needsScope("events:write"),
  request: { params: IdParam, body: body(Recovery, { since: "2026-11-23T12:00:00.000Z" }) },
  responses: { 202: json(Job, "The job that does it"), ...problems(400, 401, 403, 404, 413, 415, 422, 429) },
});

const retry = createRoute({
  method: "post",
  path: "/v1/deliveries/retry",
  operationId: "retryDeliveries",
  summary: "Send again all deliveries that fit the filter, oldest first",
  ...needsScope("events:write"),
  request: {
    body: body(BulkRetry, { status: "exhausted", type: "payment.succeeded", since: "2026-11-23T12:00:00.000Z" }),
  },
  responses: { 202: json(Job, "The job that does it"), ...problems(400, 401, 403, 413, 415, 422, 429) },
});

const list = createRoute({
  method: "get",
  path: "/v1/jobs",
  operationId: "listJobs",
  summary: "List jobs that send deliveries again",
  ...needsScope("log:read"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(Job), "A page"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/jobs/{id}",
  operationId: "getJob",
  summary: "Show how far a job is",
  ...needsScope("log:read"),
  request: { params: IdParam },
  responses: { 200: json(Job, "The job"), ...problems(401, 403, 404) },
});

const cancel = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/cancel",
  operationId: "cancelJob",
  summary: "Cancel a job; what is already on its way is still attempted",
  ...needsScope("events:write"),
  request: { params: IdParam },
  responses: { 200: json(Job, "The job"), ...problems(401, 403, 404, 409) },
});

/** `/v1/jobs`, and what begins them. */
export function jobRoutes(app: Api): void {
  app.openapi(recover, async (c) => {
    const { include, perSecond, ...range } = c.req.valid("json");
    const { id: endpoint } = found(await readEndpoint(c, c.req.valid("param").id));
    const filter = { statuses: [...new Set(include)], ...rangeOf(range), endpoint };
    return c.json(await begin(c, "recover", filter, perSecond), 202);
  });

  app.openapi(retry, async (c) => {
    const { status, perSecond, since, until, ...rest } = c.req.valid("json");
    const filter = { statuses: [status], ...rangeOf({ since, until }), ...rest };
    return c.json(await begin(c, "retry", filter, perSecond), 202);
  });

  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(jobs.id, query, idForm("job"));
    const rows = await drizzle(c.env.DB)
      .select()
      .from(jobs)
      .where(and(eq(jobs.merchant, c.get("merchant")), cut.after))
      .orderBy(cut.order)
      .limit(cut.rows);
    return c.json(page(rows.map(toJob), query.limit), 200);
  });

  app.openapi(show, async (c) => c.json(toJob(found(await read(c, c.req.valid("param").id))), 200));

  app.openapi(cancel, async (c) => {
    const { id } = found(await read(c, c.req.valid("param").id));
    const [merchant, now] = [c.get("merchant"), Date.now()];
    const [row] = await drizzle(c.env.DB)
      .update(jobs)
      .set({ status: "canceled", updatedAt: now, finishedAt: now })
      .where(and(eq(jobs.merchant, merchant), eq(jobs.id, id), eq(jobs.status, "running")))
      .returning();
    if (!row) {
      throw new ProblemError("job_over");
    }
    await c.env.REPLAY_JOB.getByName(jobName(row))
      .cancel()
      .catch((error: unknown) => log.warn("job.cancel_failed", { job: id, error }));
    return c.json(toJob((await read(c, id)) ?? row), 200);
  });
}

/** Writes a job down and wakes its object. If that does not answer, the cron will. */
async function begin(c: Context<ApiEnv>, kind: Row["kind"], filter: JobFilter, perSecond: number) {
  const [merchant, now] = [c.get("merchant"), Date.now()];
  const row: Row = {
    ...NO_PROGRESS,
    merchant,
    id: randomId("job", now),
    kind,
    filter,
    perSecond,
    status: "running",
    error: null,
    startedAt: now,
    updatedAt: now,
    finishedAt: null,
  };
  if (!(await beginJob(c.env.DB, row))) {
    throw new ProblemError("too_many_jobs", {
      detail: `${CAPS.jobs} jobs may run at a time: wait until one ends, or cancel one.`,
    });
  }
  await c.env.REPLAY_JOB.getByName(jobName(row))
    .wake()
    .catch((error: unknown) => log.warn("job.wake_failed", { job: row.id, error }));
  return toJob(row);
}

/** The range of a job in epoch ms; not beyond now, so that it does not meet again what it sent itself. */
function rangeOf({ since, until }: { since: string; until?: string | undefined }): { since: number; until: number } {
  const now = Date.now();
  const range = { since: Date.parse(since), until: Math.min(until === undefined ? now : Date.parse(until), now) };
  if (range.since < now - MAX_AGE_MS) {
    throw invalid("/since", "too_early", "What was accepted more than 30 days ago can't be sent again");
  }
  if (range.since > range.until) {
    throw invalid("/since", "too_late", "It is later than `until`, or than now");
  }
  return range;
}

function read(c: Context<ApiEnv>, id: string): Promise<Row | null> {
  return readJob(c.env.DB, jobName({ merchant: c.get("merchant"), id }));
}

function toJob({ merchant: _, updatedAt: __, filter, startedAt, finishedAt, ...row }: Row): z.infer<typeof Job> {
  return {
    ...row,
    filter: { ...filter, since: toIso(filter.since), until: toIso(filter.until) },
    startedAt: toIso(startedAt),
    finishedAt: isoOrNull(finishedAt),
  };
}
