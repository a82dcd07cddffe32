import { createRoute } from "@hono/zod-openapi";
import { and, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { V } from "../outbox/contract.ts";
import { gateOf } from "../outbox/gates.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { forget } from "../store/config.ts";
import { loggedHealth } from "../store/endpoint-health.ts";
import { endpoints, type EndpointStatus } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { changing } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { isEndpoint, readEndpoint } from "./endpoint-row.ts";
import { Endpoint, type Health } from "./endpoint-schema.ts";
import { showEndpoint } from "./endpoint-verification.ts";
import { found, IdParam, isoOrNull, json, problems, toIso } from "./schemas.ts";

const pause = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/pause",
  operationId: "pauseEndpoint",
  summary: "Pause an endpoint: Paybell sends it nothing, and its deliveries wait in order",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Endpoint, "The endpoint"), ...problems(401, 403, 404, 409) },
});

const resume = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/resume",
  operationId: "resumeEndpoint",
  summary:
    "Resume a paused endpoint: what waited goes out in order, at first at 10 a second or the endpoint's rate limit, whichever is less",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Endpoint, "The endpoint"), ...problems(401, 403, 404, 409) },
});

const enable = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/enable",
  operationId: "enableEndpoint",
  summary: "Enable a disabled endpoint; what waited goes out as after a pause",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Endpoint, "The endpoint"), ...problems(401, 403, 404, 409) },
});

/** `/v1/endpoints/{id}/pause`, `/resume`, `/enable`. */
export function endpointStateRoutes(app: Api): void {
  app.openapi(pause, async (c) => c.json(await move(c, c.req.valid("param").id, ["enabled"], "paused"), 200));
  app.openapi(resume, async (c) => c.json(await move(c, c.req.valid("param").id, ["paused"], "enabled"), 200));
  app.openapi(enable, async (c) =>
    c.json(await move(c, c.req.valid("param").id, ["disabled", "paused"], "enabled"), 200),
  );
}

/**
 * Moves an endpoint from one of some states to another; one that is there already stays. What waits is let go once it
 * is enabled, also where an earlier call got only half of that done.
 */
async function move(c: Context<ApiEnv>, id: string, from: EndpointStatus[], to: "enabled" | "paused") {
  const merchant = c.get("merchant");
  const changes = { status: to, disabledReason: null, disabledAt: null, updatedAt: Date.now() };
  const moving = drizzle(c.env.DB)
    .update(endpoints)
    .set(changes)
    .where(and(isEndpoint(c, id), inArray(endpoints.status, from)));
  await changing(c, { action: to === "paused" ? "endpoint.paused" : "endpoint.enabled", target: id }, moving);
  forget(merchant);
  const row = found(await readEndpoint(c, id));
  if (row.status !== to) {
    throw new ProblemError("wrong_status", { detail: `The endpoint is ${row.status}.` });
  }
  if (to === "enabled") {
    await (await gateOf(c.env, merchant, id)).open({ v: V, merchant, endpoint: id });
  }
  return showEndpoint(c.env, row);
}

/** How an endpoint does: what its gate knows of it, and the log. */
export async function healthOf(env: Env, merchant: string, endpoint: string): Promise<Health> {
  const [logged, gate] = await Promise.all([
    loggedHealth(env.DB, { merchant, endpoint }),
    gateOf(env, merchant, endpoint)
      .then((gate) => gate.show())
      .catch((error: unknown) => {
        log.warn("gate.show_failed", { endpoint, error });
        return null;
      }),
  ]);
  const successes = [logged.lastSuccessAt, gate?.lastSuccessAt ?? null].filter((at) => at !== null);
  const nextProbeAt = gate?.nextProbeAt ?? null;
  return {
    breaker: gate?.breaker ?? "unknown",
    pending: logged.pending,
    oldestPendingAt: isoOrNull(logged.oldestPendingAt),
    lastSuccessAt: successes.length > 0 ? toIso(Math.max(...successes)) : null,
    lastFailure: gate?.lastFailure ? { ...gate.lastFailure, at: toIso(gate.lastFailure.at) } : null,
    nextAttemptAt: logged.pending > 0 ? isoOrNull(nextProbeAt ?? logged.nextAttemptAt) : null,
  };
}
