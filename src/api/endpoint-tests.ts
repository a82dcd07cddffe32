import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { EventTypeName, toPaymentEvent } from "../event/canonical.ts";
import { viewOf } from "../event/envelope.ts";
import type { EventType } from "../event/event-types.ts";
import { passes } from "../event/filter.ts";
import { acceptTest } from "../ingest/test-event.ts";
import { ProblemError } from "../platform/problem.ts";
import { freshConfig, type Endpoint } from "../store/config.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { Filter } from "./endpoint-schema.ts";
import { NewEvent } from "./event-schema.ts";
import { body, found, IdParam, json, problems } from "./schemas.ts";

const test = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/test",
  operationId: "testEndpoint",
  summary: "Send a made-up event to an endpoint, and to nobody else",
  description:
    "The event goes the way of every event, but past the endpoint's filter and event types. It is a test event (`livemode` is false), its provider is `paybell`, and metrics leave it out.",
  ...needsScope("config:write"),
  request: {
    params: IdParam,
    body: {
      ...body(z.strictObject({ type: EventTypeName.default("payment.succeeded") }), { type: "refund.succeeded" }),
      required: false,
    },
  },
  responses: {
    202: json(
      z.object({ event: z.string(), delivery: z.string() }),
      "The event is on its way; the delivery shows what became of it",
    ),
    ...problems(400, 401, 403, 404, 413, 415, 422, 503),
  },
});

const tryFilter = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/filter/test",
  operationId: "testEndpointFilter",
  summary: "Try a filter on an event, without sending anything",
  ...needsScope("config:write"),
  request: {
    params: IdParam,
    body: body(
      z.strictObject({
        event: NewEvent,
        filter: Filter.optional().openapi({ description: "The filter to try. The endpoint's own by default." }),
      }),
      {
        event: { type: "payment.succeeded", data: { payment: { id: "p_77" } } },
        filter: { "data.payment.id": { $in: ["p_77", "p_78"] } },
      },
    ),
  },
  responses: {
    200: json(z.object({ matches: z.boolean() }), "Whether the event passes the filter"),
    ...problems(400, 401, 403, 404, 413, 415, 422, 503),
  },
});

/** What merchants try their endpoints with. */
export function endpointTestRoutes(app: Api): void {
  app.openapi(test, async (c) => {
    const endpoint = await endpointOf(c, c.req.valid("param").id);
    const type = (c.req.valid("json").type ?? "payment.succeeded") as EventType;
    const request = { env: c.env, ctx: c.executionCtx };
    const sent = await acceptTest(request, c.get("merchant"), endpoint, type, Date.now());
    if (sent === null) {
      throw new ProblemError("unavailable");
    }
    return c.json(sent, 202);
  });

  app.openapi(tryFilter, async (c) => {
    const endpoint = await endpointOf(c, c.req.valid("param").id);
    const { event, filter = endpoint.filter } = c.req.valid("json");
    const matches = filter === null || passes(filter, viewOf(toPaymentEvent(event, Date.now())));
    return c.json({ matches }, 200);
  });
}

async function endpointOf(c: Context<ApiEnv>, id: string): Promise<Endpoint> {
  const config = await freshConfig(c.env, c.get("merchant"));
  if (!config.ok) {
    throw new ProblemError("unavailable");
  }
  return found(config.value?.endpoints.find((one) => one.id === id));
}
