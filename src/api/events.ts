import { createRoute, z } from "@hono/zod-openapi";
import { and, eq, getTableColumns, gte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { toPaymentEvent } from "../event/canonical.ts";
import { bodyFor } from "../event/envelope.ts";
import { idFrom } from "../event/ids.ts";
import type { Taken } from "../ingest/accept.ts";
import { acceptPosted } from "../ingest/posted.ts";
import { hopsOf } from "../platform/hops.ts";
import { ProblemError } from "../platform/problem.ts";
import { toRecord } from "../store/delivery-list.ts";
import { events } from "../store/schema.ts";
import { quotaExceeded } from "../store/usage.ts";
import type { Api } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { Delivery, deliveriesOf, toDelivery } from "./delivery-view.ts";
import { NewEvents } from "./event-schema.ts";
import { nextOfFeed } from "./feed.ts";
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

const Accepted = z
  .object({
    id: z.string(),
    sequence: z.int().nullable().openapi({
      description:
        "The event's place among those of its user. `null`: Paybell has taken the event in, but not numbered it yet.",
    }),
    status: z.enum(["accepted", "duplicate"]),
  })
  .openapi("Accepted");

const BatchResult = z
  .object({
    id: z.string().nullable(),
    sequence: z.int().nullable(),
    status: z.enum(["accepted", "duplicate", "conflict", "refused", "unavailable"]),
  })
  .openapi("BatchResult");

const Event = z
  .object({
    id: z.string(),
    type: z.string(),
    user: z.string().nullable(),
    payment: z.string().nullable(),
    source: z.string(),
    provider: z.string().nullable(),
    livemode: z.boolean(),
    stale: z.boolean(),
    sequence: z.int().nullable(),
    acceptedAt: Instant,
    occurredAt: Instant,
    alteredAt: Instant.nullable().openapi({
      description: "When the same id came again with different content. `null`: it never has.",
    }),
  })
  .openapi("Event");

const EventWithDeliveries = Event.extend({
  body: z.unknown().openapi({
    description:
      "The body that Paybell sends to endpoints, without `previous`, which differs from endpoint to endpoint.",
  }),
  deliveries: z.array(Delivery),
}).openapi("EventWithDeliveries");

const EXAMPLE = {
  id: "order-77-paid",
  type: "payment.succeeded",
  user: "u_1",
  livemode: true,
  timestamp: "2026-11-23T12:00:00.000Z",
  data: { payment: { id: "p_77", amount: { value: "1999", currency: "EUR" } } },
};

const post = createRoute({
  method: "post",
  path: "/v1/events",
  operationId: "postEvents",
  summary: "Post a canonical event, or up to 100",
  ...needsScope("events:write"),
  request: {
    body: body(NewEvents, EXAMPLE),
    headers: z.object({
      "idempotency-key": z
        .string()
        .regex(/^[\x21-\x7e]{1,255}$/, "1 to 255 visible characters of ASCII")
        .optional(),
    }),
  },
  responses: {
    202: json(
      z.union([Accepted, z.object({ data: z.array(BatchResult) })]),
      "What became of the event, or of each event",
    ),
    ...problems(400, 401, 403, 409, 413, 415, 422, 429, 503, 508),
  },
});

const Filter = ListQuery.extend({
  since: Since.optional(),
  wait: z.coerce.number().int().min(0).max(20).optional().openapi({
    description:
      "Only with order=asc: reads the feed (docs/feed.md), and waits up to this many seconds while there are no events yet.",
  }),
});

const list = createRoute({
  method: "get",
  path: "/v1/events",
  operationId: "listEvents",
  summary: "List events",
  ...needsScope("log:read"),
  request: { query: Filter },
  responses: {
    200: json(
      pageOf(
        Event.extend({
          body: z.unknown().optional().openapi({ description: "The body that endpoints get; only in the feed." }),
        }),
      ),
      "A page; in the feed `next` is never null",
    ),
    ...problems(401, 403, 422),
  },
});

const show = createRoute({
  method: "get",
  path: "/v1/events/{id}",
  operationId: "getEvent",
  summary: "Show an event with its deliveries",
  ...needsScope("log:read"),
  request: { params: IdParam },
  responses: { 200: json(EventWithDeliveries, "The event"), ...problems(401, 403, 404) },
});

/** A list has no bodies: a page of them would be megabytes. */
const { template: _, ...listed } = getTableColumns(events);
type Listed = Omit<typeof events.$inferSelect, "template">;

/** `/v1/events`. */
export function eventRoutes(app: Api): void {
  app.openapi(post, async (c) => {
    const now = Date.now();
    const hops = await hopsOf(c.env, c.req.raw.headers);
    const input = c.req.valid("json");
    const key = c.req.valid("header")["idempotency-key"];
    const isBatch = Array.isArray(input);
    const posted = (isBatch ? input : [input]).map((one, index) => {
      const id = one.id ?? (isBatch ? undefined : key);
      if (id === undefined) {
        const path = isBatch ? `/${index}/id` : "/id";
        throw invalid(path, "required", "An event needs an id, or the Idempotency-Key header");
      }
      // The same whether the id came in the body or in the header.
      return { id, input: { ...one, id }, event: toPaymentEvent(one, now) };
    });
    refuseRepeated(posted.map(({ id }) => id));
    const request = { env: c.env, ctx: c.executionCtx };
    const taken = await acceptPosted(request, c.get("merchant"), posted, { hops, now });
    if (taken === "over-quota") {
      throw quotaExceeded(now);
    }
    if (!isBatch) {
      return c.json(single(taken[0]!), 202);
    }
    const data = taken.map(({ status, ...one }) => {
      return "id" in one ? { id: one.id, sequence: one.sequence, status } : { id: null, sequence: null, status };
    });
    return c.json({ data }, 202);
  });

  app.openapi(list, async (c) => {
    const { since, wait, ...query } = c.req.valid("query");
    if (wait !== undefined) {
      const { rows, next } = await nextOfFeed(c.env.DB, c.get("merchant"), { ...query, since, wait });
      return c.json({ data: rows.map((row) => ({ ...toEvent(row), body: bodyOf(row) })), next }, 200);
    }
    const cut = pageBy(events.id, query, idForm("evt"));
    const start = since === undefined ? undefined : gte(events.id, idFrom("evt", Date.parse(since)));
    const rows = await drizzle(c.env.DB)
      .select(listed)
      .from(events)
      .where(and(eq(events.merchant, c.get("merchant")), cut.after, start))
      .orderBy(cut.order)
      .limit(cut.rows);
    return c.json(page(rows.map(toEvent), query.limit), 200);
  });

  app.openapi(show, async (c) => {
    const [merchant, { id }] = [c.get("merchant"), c.req.valid("param")];
    const db = drizzle(c.env.DB);
    const [[row], deliveryRows] = await db.batch([
      db
        .select()
        .from(events)
        .where(and(eq(events.merchant, merchant), eq(events.id, id))),
      deliveriesOf(db, merchant, id),
    ]);
    const event = found(row);
    return c.json(
      {
        ...toEvent(event),
        body: bodyOf(event),
        deliveries: deliveryRows.map((delivery) => toDelivery(toRecord({ delivery, event }))),
      },
      200,
    );
  });
}

/** Refuses a batch that names two events by one id. Throws the problem `invalid`. */
function refuseRepeated(ids: string[]): void {
  const index = ids.findIndex((id, i) => ids.indexOf(id) < i);
  if (index !== -1) {
    throw invalid(`/${index}/id`, "repeated", `The event at ${ids.indexOf(ids[index]!)} has this id too`);
  }
}

function single(taken: Taken): z.infer<typeof Accepted> {
  switch (taken.status) {
    case "accepted":
    case "duplicate":
      return { id: taken.id, sequence: taken.sequence, status: taken.status };
    case "conflict":
      throw new ProblemError("idempotency_conflict", { detail: `The id belongs to the event ${taken.id}.` });
    case "refused":
      throw new ProblemError("too_many_requests", { detail: "This user's outbox is full." });
    case "unavailable":
      throw new ProblemError("unavailable");
  }
}

/** What endpoints are sent, but for `previous`; null where it is no longer kept. */
function bodyOf({ template }: typeof events.$inferSelect): unknown {
  return template === null ? null : JSON.parse(bodyFor(template, null));
}

function toEvent({
  merchant: _,
  outbox: __,
  template: ___,
  lateAt: ____,
  ...event
}: Listed & { template?: unknown }): z.infer<typeof Event> {
  return {
    ...event,
    acceptedAt: toIso(event.acceptedAt),
    occurredAt: toIso(event.occurredAt),
    alteredAt: isoOrNull(event.alteredAt),
  };
}
