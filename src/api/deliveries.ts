import { createRoute, z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { isChannel, REACHED } from "../event/channels.ts";
import { partsOfDelivery } from "../event/ids.ts";
import { V } from "../outbox/contract.ts";
import { gateOf } from "../outbox/gates.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { isAwaited } from "../platform/verification.ts";
import { listDeliveries, toRecord, type DeliveryRecord } from "../store/delivery-list.ts";
import { NO_OUTBOX } from "../store/erasures.ts";
import { recordOf } from "../store/replay.ts";
import { deliveries, events } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { Delivery, STATUSES, toDelivery, toWaitingFor } from "./delivery-view.ts";
import { readEndpoint } from "./endpoint-row.ts";
import { checkCursor, found, IdParam, json, ListQuery, pageOf, problems, Since, toIso } from "./schemas.ts";

/** One status or several, separated by commas or as the same parameter again. */
const Statuses = z
  .union([z.string(), z.array(z.string())])
  .transform((given, context) => {
    const statuses = [given].flat().flatMap((one) => one.split(","));
    if (statuses.every(isStatus)) {
      return statuses;
    }
    context.addIssue({ code: "invalid_value", values: [...STATUSES], input: given });
    return z.NEVER;
  })
  .openapi({
    type: "array",
    items: { type: "string", enum: [...STATUSES] },
    description: "One status or several: `status=exhausted,canceled`, or the parameter again.",
    param: { style: "form", explode: false },
  });

const Filter = ListQuery.extend({
  status: Statuses.optional(),
  type: z.string().max(128).optional().openapi({ description: "The type of the event.", example: "payment.succeeded" }),
  endpoint: z.string().max(64).optional(),
  user: z.string().max(128).optional(),
  channel: z.enum(["webhook", ...REACHED]).optional(),
  event: z
    .string()
    .regex(/^evt_[0-9a-z]{26}$/, "The id of an event")
    .optional(),
  since: Since.optional(),
  until: Since.optional().openapi({ description: "Accepted before this time." }),
});

const list = createRoute({
  method: "get",
  path: "/v1/deliveries",
  operationId: "listDeliveries",
  summary: "List deliveries; a page may have fewer than `limit` and still be followed by another",
  ...needsScope("log:read"),
  request: { query: Filter },
  responses: { 200: json(pageOf(Delivery), "A page"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/deliveries/{id}",
  operationId: "getDelivery",
  summary: "Show a delivery with its attempts and what it waits for",
  ...needsScope("log:read"),
  request: { params: IdParam },
  responses: { 200: json(Delivery, "The delivery"), ...problems(401, 403, 404) },
});

const Retried = z
  .object({
    status: z.enum(["queued"]),
    detail: z.string().openapi({
      description: "When Paybell attempts it, in words: at once, or when the endpoint takes deliveries again.",
      example: "Paybell attempts it now.",
    }),
  })
  .openapi("Retried");

const retry = createRoute({
  method: "post",
  path: "/v1/deliveries/{id}/retry",
  operationId: "retryDelivery",
  summary: "Attempt a delivery now",
  description:
    "A delivery that waits for its next attempt is attempted now instead, at the head of its lane, and the attempt counts in its retry schedule. A finished delivery is sent again, outside its lane. Nothing is overtaken: while an earlier delivery of the lane is not finished, the answer is 409 `behind_another` and names that one.",
  ...needsScope("events:write"),
  request: { params: IdParam },
  responses: { 202: json(Retried, "Paybell attempts it"), ...problems(401, 403, 404, 409) },
});

const cancel = createRoute({
  method: "post",
  path: "/v1/deliveries/{id}/cancel",
  operationId: "cancelDelivery",
  summary: "Cancel a delivery that is not finished; the next one of its lane follows",
  ...needsScope("events:write"),
  request: { params: IdParam },
  responses: { 200: json(Delivery, "The delivery"), ...problems(401, 403, 404, 409) },
});

function isStatus(text: string): text is (typeof STATUSES)[number] {
  return (STATUSES as readonly string[]).includes(text);
}

/** The id of a delivery: that of its event, and its destination. */
const CURSOR = /^dlv_[0-9a-z]{26}_[A-Za-z0-9_-]{1,64}$/;

/** `/v1/deliveries`. */
export function deliveryRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const { since, until, status: statuses, ...filter } = c.req.valid("query");
    checkCursor(filter.after, CURSOR);
    const { rows, next } = await listDeliveries(c.env.DB, c.get("merchant"), {
      ...filter,
      statuses,
      since: since === undefined ? undefined : Date.parse(since),
      until: until === undefined ? undefined : Date.parse(until),
    });
    return c.json({ data: rows.map(toDelivery), next }, 200);
  });

  app.openapi(show, async (c) => {
    const shown = await read(c, c.req.valid("param").id);
    return c.json({ ...toDelivery(shown.row), waitingFor: await waitingNow(c.env, shown) }, 200);
  });

  app.openapi(retry, async (c) => {
    const { row, event } = await read(c, c.req.valid("param").id);
    const record = recordOf(event);
    if (record === null) {
      throw new ProblemError("not_found", { detail: "The body of the event is no longer kept." });
    }
    if (record.sequence === null) {
      throw new ProblemError("still_waiting", { detail: "The event still waits for its outbox." });
    }
    const detail = await whenAttempted(c, row.destination);
    const retried = await c.env.USER_OUTBOX.getByName(record.key).retry({
      v: V,
      record,
      delivery: row.id,
      destination: row.destination,
      previous: row.previous,
      payload: row.payload ?? undefined,
      attempts: Object.keys(row.attempts).length,
      counter: row.counter,
    });
    switch (retried.status) {
      case "queued":
        return c.json({ status: retried.status, detail }, 202);
      case "under_way":
        throw new ProblemError("still_waiting", { detail: "It is being attempted at this moment." });
      case "behind":
        throw new ProblemError("behind_another", {
          detail: `The delivery ${retried.delivery} comes before it in its lane: retry or cancel that one first.`,
        });
    }
  });

  app.openapi(cancel, async (c) => {
    const { row, outbox } = await read(c, c.req.valid("param").id);
    if (outbox === NO_OUTBOX) {
      throw new ProblemError("already_over", { detail: `Its status is ${row.status}.` });
    }
    const canceled = await c.env.USER_OUTBOX.getByName(outbox).cancel({ v: V, event: row.event, delivery: row.id });
    if (canceled.status === "over") {
      throw new ProblemError("already_over", { detail: `Its status is ${row.status}.` });
    }
    return c.json(toDelivery((await read(c, row.id)).row), 200);
  });
}

/**
 * When a delivery to a destination is attempted, in words for the caller. Throws the problem `not_found` where it is an
 * endpoint that is deleted.
 */
async function whenAttempted(c: Context<ApiEnv>, destination: string): Promise<string> {
  const now = "Paybell attempts it now.";
  if (isChannel(destination)) {
    return now;
  }
  const endpoint = await readEndpoint(c, destination);
  if (endpoint === null) {
    throw new ProblemError("not_found", { detail: "The endpoint of this delivery is deleted." });
  }
  if (endpoint.status !== "enabled") {
    const call = endpoint.status === "paused" ? "resume" : "enable";
    return `The endpoint is ${endpoint.status}. Paybell attempts it after POST /v1/endpoints/${destination}/${call}.`;
  }
  if (isAwaited(c.env, endpoint.awaitsHost)) {
    return `Paybell attempts it once the host ${endpoint.awaitsHost} has said that it wants webhooks (docs/endpoints.md).`;
  }
  if (!endpoint.watch) {
    return now;
  }
  const { breaker, nextProbeAt } = await (await gateOf(c.env, endpoint.merchant, destination)).show();
  return breaker === "closed"
    ? now
    : `The endpoint is failing, so Paybell leaves it alone${nextProbeAt === null ? "" : ` until ${toIso(nextProbeAt)}`} and then tries it with one delivery. This one is attempted once it is well.`;
}

/** A delivery with its event. `outbox`: the event's, which moves where a spilled event is taken in elsewhere. */
interface Found {
  row: DeliveryRecord;
  event: typeof events.$inferSelect | null;
  outbox: string;
}

async function read(c: Context<ApiEnv>, id: string): Promise<Found> {
  const merchant = c.get("merchant");
  const db = drizzle(c.env.DB);
  const [[row], [event = null]] = await db.batch([
    db
      .select()
      .from(deliveries)
      .where(and(eq(deliveries.merchant, merchant), eq(deliveries.id, id))),
    db
      .select()
      .from(events)
      .where(and(eq(events.merchant, merchant), eq(events.id, partsOfDelivery(id)?.event ?? ""))),
  ]);
  const delivery = found(row);
  return { row: toRecord({ delivery, event }), event, outbox: event?.outbox ?? delivery.outbox };
}

/**
 * What a delivery waits for at this moment, as its outbox says; as the log has it where that does not answer. The
 * outbox knows until when a retry waits, the log also whether the receiver asked for that.
 */
async function waitingNow(env: Env, { row: { status, waitingFor, event, id }, outbox }: Found) {
  if (status !== "pending" && status !== "retrying") {
    return null;
  }
  try {
    const { waitingFor: now } = await env.USER_OUTBOX.getByName(outbox).inspect({ v: V, event, delivery: id });
    return toWaitingFor(now?.reason === "backoff" && now.until === waitingFor?.until ? waitingFor : now);
  } catch (error) {
    log.warn("outbox.inspect_failed", { delivery: id, error });
    return toWaitingFor(waitingFor);
  }
}
