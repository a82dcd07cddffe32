import { createRoute, z } from "@hono/zod-openapi";

import type { Api } from "./api-env.ts";
import { json } from "./schemas.ts";

const health = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  summary: "Tell whether Paybell is up",
  security: [],
  responses: { 200: json(z.object({ status: z.literal("ok") }), "It does") },
});

/** `/healthz`. */
export function healthRoutes(app: Api): void {
  app.openapi(health, (c) => c.json({ status: "ok" as const }, 200));
}
