import { OpenAPIHono } from "@hono/zod-openapi";
import { except } from "hono/combine";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";

import { missingSecret } from "../platform/keys.ts";
import { log, placeOf } from "../platform/log.ts";
import { noteOwnHost } from "../platform/own-hosts.ts";
import { problem, ProblemError } from "../platform/problem.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { auditRoutes } from "./audit.ts";
import { channelRoutes } from "./channels.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { endpointStateRoutes } from "./endpoint-state.ts";
import { endpointSecretRoutes } from "./endpoint-secrets.ts";
import { endpointStatsRoutes } from "./endpoint-stats.ts";
import { endpointRoutes } from "./endpoints.ts";
import { endpointVerificationRoutes } from "./endpoint-verification.ts";
import { endpointTestRoutes } from "./endpoint-tests.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { fieldErrors } from "./field-errors.ts";
import { jobRoutes } from "./jobs.ts";
import { merchantRoutes } from "./merchants.ts";
import { metricRoutes } from "./metrics.ts";
import { serveOpenApi } from "./openapi.ts";
import { quarantineRoutes } from "./quarantine.ts";
import { resealRoutes } from "./reseal.ts";
import { signingKeyRoutes } from "./signing-keys.ts";
import { sourceRoutes } from "./sources.ts";
import { userRoutes } from "./users.ts";

/** The HTTP API with its error format, its routes and their OpenAPI document. */
export function createApp(): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) {
        throw new ProblemError("invalid", { errors: fieldErrors(result.error.issues) });
      }
    },
  });
  app.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    noteOwnHost(c.req.url);
    const missing = missingSecret(c.env);
    if (missing !== null) {
      log.error("configuration.secret_missing", { name: missing });
      throw new ProblemError("misconfigured", { detail: `The Worker secret ${missing} is missing or of no use.` });
    }
    await next();
    c.header("x-request-id", c.get("requestId"));
  });
  // Providers' machines read none of them, and they are a twentieth of what an event costs.
  app.use(except("/ingest/*", secureHeaders()));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problem("method_not_allowed", { headers: { allow: methods.join(", ") } }, c.get("requestId")),
    }),
  );
  app.use("/v1/*", async (c, next) => {
    await next();
    // Whatever is asked for with a key is for its holder: secrets, people, a merchant's events.
    c.header("cache-control", "no-store");
  });
  for (const routes of ROUTES) {
    routes(app);
  }
  serveOpenApi(app);
  app.notFound((c) => problem("not_found", {}, c.get("requestId")));
  app.onError((error, c) => {
    const requestId = c.get("requestId");
    if (error instanceof ProblemError) {
      return problem(error.code, error.details, requestId);
    }
    if (error instanceof HTTPException && error.status === 400) {
      return problem("invalid_json", {}, requestId);
    }
    // The route, not the path: that may name a person.
    const route = `${c.req.method} ${routePath(c, -1)}`;
    log.error("request.failed", { requestId, route, error, stack: placeOf(error) });
    return problem("internal", {}, requestId);
  });
  return app;
}

const ROUTES = [
  healthRoutes,
  merchantRoutes,
  apiKeyRoutes,
  sourceRoutes,
  endpointRoutes,
  endpointStateRoutes,
  endpointSecretRoutes,
  signingKeyRoutes,
  endpointVerificationRoutes,
  endpointTestRoutes,
  channelRoutes,
  userRoutes,
  eventRoutes,
  deliveryRoutes,
  metricRoutes,
  resealRoutes,
  auditRoutes,
  jobRoutes,
  endpointStatsRoutes,
  deadLetterRoutes,
  quarantineRoutes,
];
