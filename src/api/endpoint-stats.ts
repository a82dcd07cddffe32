import { createRoute, z } from "@hono/zod-openapi";

import { timeOf } from "../event/ids.ts";
import { endpointStats } from "../store/endpoint-stats.ts";
import type { Api } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { STATUSES } from "./delivery-view.ts";
import { readEndpoint } from "./endpoint-row.ts";
import { invalid } from "./field-errors.ts";
import { found, IdParam, Instant, isoOrNull, json, problems, Since, toIso } from "./schemas.ts";

const MAX_AGE_MS = 28 * 24 * 3_600_000;

const Milliseconds = z.number().nullable();

const EndpointStats = z
  .object({
    since: Instant.openapi({ description: "Deliveries accepted from this time on are counted; see `cut`." }),
    cut: z.boolean().openapi({
      description: "Whether `since` is later than was asked for: the newest 10,000 of all deliveries are looked at.",
    }),
    deliveries: z.object(Object.fromEntries(STATUSES.map((status) => [status, z.int()])) as StatusCounts),
    successRate: z.number().nullable().openapi({
      description: "Delivered ÷ (delivered, bounced or exhausted) × 100, in percent.",
    }),
    attempts: z.int(),
    attemptDurationMs: z.object({ p50: Milliseconds, p95: Milliseconds, p99: Milliseconds }),
    lastSuccessAt: Instant.nullable(),
    lastFailureAt: Instant.nullable(),
  })
  .openapi("EndpointStats");

type StatusCounts = Record<(typeof STATUSES)[number], z.ZodInt>;

const show = createRoute({
  method: "get",
  path: "/v1/endpoints/{id}/stats",
  operationId: "getEndpointStats",
  summary: "Show how many deliveries an endpoint took, and how fast",
  ...needsScope("log:read"),
  request: {
    params: IdParam,
    query: z.strictObject({
      since: Since.optional().openapi({ description: "28 days ago by default, and at the earliest." }),
    }),
  },
  responses: {
    200: json(EndpointStats, "Over the deliveries accepted since then"),
    ...problems(401, 403, 404, 422),
  },
});

/** `/v1/endpoints/{id}/stats`. */
export function endpointStatsRoutes(app: Api): void {
  app.openapi(show, async (c) => {
    const [merchant, now, given] = [c.get("merchant"), Date.now(), c.req.valid("query").since];
    const since = given === undefined ? now - MAX_AGE_MS : Date.parse(given);
    if (since < now - MAX_AGE_MS) {
      throw invalid("/since", "too_early", "Statistics go back 28 days");
    }
    const { id } = found(await readEndpoint(c, c.req.valid("param").id));
    const stats = await endpointStats(c.env.DB, merchant, id, since);
    const counts = Object.fromEntries(STATUSES.map((status) => [status, stats.statuses[status] ?? 0]));
    const deliveries = counts as Record<(typeof STATUSES)[number], number>;
    const finished = deliveries.delivered + deliveries.bounced + deliveries.exhausted;
    return c.json(
      {
        since: toIso(stats.cutAt === null ? since : timeOf(stats.cutAt)),
        cut: stats.cutAt !== null,
        deliveries,
        successRate: finished === 0 ? null : (deliveries.delivered * 100) / finished,
        attempts: stats.attempts,
        attemptDurationMs: { p50: stats.p50Ms, p95: stats.p95Ms, p99: stats.p99Ms },
        lastSuccessAt: isoOrNull(stats.lastSuccessAt),
        lastFailureAt: isoOrNull(stats.lastFailureAt),
      },
      200,
    );
  });
}
