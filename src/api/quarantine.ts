import { createRoute, z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { takeSigned } from "../ingest/ingest.ts";
import { readSigned } from "../ingest/reading.ts";
import type { Quarantined } from "../outbox/contract.ts";
import { ProblemError } from "../platform/problem.ts";
import { merchantConfig, sourceById } from "../store/config.ts";
import { isQuarantined, listed, openRequest, quarantinedById, quarantineUsageOf } from "../store/quarantine.ts";
import { quarantine } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { changing } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import {
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
  toIso,
} from "./schemas.ts";

const QuarantinedRequest = z
  .object({
    id: z.string(),
    source: z.string(),
    reason: z.enum(["unparseable", "unreadable", "altered", "unconfirmed"]).openapi({
      description:
        "`unparseable`: signed, but no event that Paybell can read. `unreadable`: signed, but Paybell failed to read it; replay it once that is mended. `altered`: the id is known with other content. `unconfirmed`: the provider's API does not know what the request names.",
    }),
    event: z.string().nullable().openapi({ description: "The event that already has this id." }),
    receivedAt: Instant,
    replayedAt: Instant.nullable().openapi({
      description: "When Paybell took the request in after all. `null`: it has not.",
    }),
  })
  .openapi("QuarantinedRequest");

const Usage = z
  .object({
    requests: z.int(),
    bytes: z.int().openapi({ description: "As stored, which is a third more than what came in." }),
    maxRequests: z.int(),
    maxBytes: z.int(),
    dropped: z
      .int()
      .openapi({ description: "How many of the oldest requests were removed to make room for newer ones." }),
    droppedAt: Instant.nullable().openapi({
      description: "When a request was last removed for that reason. `null`: never.",
    }),
  })
  .openapi("QuarantineUsage");

const WithBody = QuarantinedRequest.extend({
  body: z.string().openapi({ description: "The bytes of the request as they came, in base64." }),
}).openapi("QuarantinedRequestWithBody");

const Replayed = z
  .object({
    data: z.array(
      z.object({ id: z.string(), sequence: z.int().nullable(), status: z.enum(["accepted", "duplicate", "conflict"]) }),
    ),
  })
  .openapi("Replayed");

const list = createRoute({
  method: "get",
  path: "/v1/quarantine",
  operationId: "listQuarantine",
  summary: "List signed requests that became no event",
  ...needsScope("log:read"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(QuarantinedRequest).extend({ usage: Usage }), "A page"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/quarantine/{id}",
  operationId: "getQuarantined",
  summary: "Show a request that became no event, with its bytes",
  ...needsScope("log:read"),
  request: { params: IdParam },
  responses: { 200: json(WithBody, "The request"), ...problems(401, 403, 404) },
});

const replay = createRoute({
  method: "post",
  path: "/v1/quarantine/{id}/replay",
  operationId: "replayQuarantined",
  summary: "Read a request once more that became no event, as if it came now",
  ...needsScope("events:write"),
  request: { params: IdParam },
  responses: { 200: json(Replayed, "What became of the events in it"), ...problems(401, 403, 404, 409, 503) },
});

/** `/v1/quarantine`. */
export function quarantineRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(quarantine.id, query, idForm("qua"));
    const merchant = c.get("merchant");
    const [rows, usage] = await Promise.all([
      drizzle(c.env.DB)
        .select(listed)
        .from(quarantine)
        .where(and(eq(quarantine.merchant, merchant), cut.after))
        .orderBy(cut.order)
        .limit(cut.rows),
      quarantineUsageOf(c.env.DB, merchant),
    ]);
    const shown = page(rows.map(toQuarantined), query.limit);
    return c.json({ ...shown, usage: { ...usage, droppedAt: isoOrNull(usage.droppedAt) } }, 200);
  });

  app.openapi(show, async (c) => {
    const row = found(await quarantinedById(c.env.DB, c.get("merchant"), c.req.valid("param").id));
    return c.json({ ...toQuarantined(row), body: row.body }, 200);
  });

  app.openapi(replay, async (c) => {
    const row = found(await quarantinedById(c.env.DB, c.get("merchant"), c.req.valid("param").id));
    const [source, config] = await Promise.all([sourceById(c.env, row.source), merchantConfig(c.env, row.merchant)]);
    if (!source.ok || !config.ok || config.value === null) {
      throw new ProblemError("unavailable");
    }
    if (source.value === null) {
      throw new ProblemError("not_replayable", { detail: "Its source is gone." });
    }
    const request = await openRequest(c.env, row);
    const context = { env: c.env, ctx: c.executionCtx };
    const now = Date.now();
    const read = await readSigned(source.value, request);
    const signed = read.ok && { request, events: read.events, now, receivedAt: row.receivedAt };
    const taken = signed && (await takeSigned(context, config.value, source.value, signed));
    if (!taken) {
      throw new ProblemError("not_replayable", { detail: "It still is no event that can be read." });
    }
    const data = taken.map((one) => {
      if (!("id" in one)) {
        throw new ProblemError("unavailable", { detail: "Not all of it was taken: replay it again." });
      }
      return { id: one.id, sequence: one.sequence, status: one.status };
    });
    const noting = drizzle(c.env.DB)
      .update(quarantine)
      .set({ replayedAt: now })
      .where(isQuarantined(row.merchant, row.id));
    await changing(c, { action: "quarantine.replayed", target: row.id }, noting);
    return c.json({ data }, 200);
  });
}

type Listed = Omit<Quarantined, "body" | "request" | "hash">;

function toQuarantined({
  id,
  source,
  reason,
  event,
  receivedAt,
  replayedAt,
}: Listed): z.infer<typeof QuarantinedRequest> {
  return { id, source, reason, event, receivedAt: toIso(receivedAt), replayedAt: isoOrNull(replayedAt) };
}
