import { createRoute, z } from "@hono/zod-openapi";

import { cutOf, metrics, type MetricsRow } from "../store/metrics.ts";
import type { Api } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { invalid } from "./field-errors.ts";
import { Instant, json, problems, Since, toIso } from "./schemas.ts";

const DAY_MS = 24 * 3_600_000;

const Seconds = z.number().nullable();

const Figures = z
  .object({
    finished: z.int().openapi({ description: "N, how many deliveries are delivered, bounced or exhausted." }),
    delivered: z.int().openapi({ description: "M, how many of those are delivered." }),
    dsr: z.number().nullable().openapi({ description: "Delivery success rate: M ÷ N × 100, in percent." }),
    adt: Seconds.openapi({
      description: "Average delivery time: mean seconds from accepted to delivered, over the M.",
    }),
    p50: Seconds,
    p95: Seconds,
    p99: Seconds,
    ownTime: Seconds.openapi({
      description: "Paybell's share of the average delivery time: mean seconds from accepted to the first attempt.",
    }),
    receiverTime: Seconds.openapi({
      description: "The receivers' share of the average delivery time: the rest of it.",
    }),
  })
  .openapi("Figures");

const show = createRoute({
  method: "get",
  path: "/v1/metrics",
  operationId: "getMetrics",
  summary: "How many deliveries succeeded, and how fast",
  ...needsScope("log:read"),
  request: {
    query: z.strictObject({
      from: Since.optional().openapi({ description: "A day before `to` by default." }),
      to: Since.optional().openapi({ description: "Now by default." }),
      by: z.enum(["channel", "endpoint", "provider"]).optional(),
    }),
  },
  responses: {
    200: json(
      Figures.extend({
        from: Instant,
        to: Instant,
        cut: z.boolean().openapi({
          description: "Whether `from` is later than was asked for: the newest 100,000 deliveries are looked at.",
        }),
        groups: z.array(Figures.extend({ name: z.string() })).optional(),
      }),
      "Over the deliveries accepted in [from, to)",
    ),
    ...problems(401, 403, 422),
  },
});

/** `/v1/metrics`. */
export function metricRoutes(app: Api): void {
  app.openapi(show, async (c) => {
    const { from, to, by } = c.req.valid("query");
    const end = to === undefined ? Date.now() : Date.parse(to);
    const asked = { from: from === undefined ? end - DAY_MS : Date.parse(from), to: end };
    if (asked.from > asked.to) {
      throw invalid("/from", "too_late", "It is later than `to`");
    }
    const cut = await cutOf(c.env.DB, c.get("merchant"), asked);
    const range = { ...asked, from: cut ?? asked.from };
    const [all] = await metrics(c.env.DB, c.get("merchant"), range, "all");
    const groups = by && (await metrics(c.env.DB, c.get("merchant"), range, by));
    return c.json(
      {
        from: toIso(range.from),
        to: toIso(range.to),
        cut: cut !== null,
        ...toFigures(all),
        ...(groups && { groups: groups.map((row) => ({ name: row.name, ...toFigures(row) })) }),
      },
      200,
    );
  });
}

function toFigures(row: MetricsRow | undefined): z.infer<typeof Figures> {
  const { finished = 0, delivered = 0 } = row ?? {};
  const mean = (totalMs: number | null | undefined) => (delivered === 0 ? null : (totalMs ?? 0) / delivered / 1000);
  const seconds = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : ms / 1000);
  return {
    finished,
    delivered,
    dsr: finished === 0 ? null : (delivered * 100) / finished,
    adt: mean(row?.totalMs),
    p50: seconds(row?.p50Ms),
    p95: seconds(row?.p95Ms),
    p99: seconds(row?.p99Ms),
    ownTime: mean(row?.ownMs),
    receiverTime: row ? mean((row.totalMs ?? 0) - (row.ownMs ?? 0)) : null,
  };
}
