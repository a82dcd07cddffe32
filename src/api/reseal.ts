import { createRoute, z } from "@hono/zod-openapi";

import { ProblemError } from "../platform/problem.ts";
import { resealSome } from "../store/reseal.ts";
import type { Api } from "./api-env.ts";
import { needsAdmin } from "./authenticate.ts";
import { json, problems } from "./schemas.ts";

const Resealed = z
  .object({
    resealed: z.int().openapi({
      description:
        "How many values this call has encrypted with the current key. A value that somebody changes at the same moment is left for the next call.",
    }),
    left: z.int().openapi({
      description: "How many values are still encrypted with the previous key. Call again until there are none.",
    }),
    unaddressed: z.int().openapi({
      description:
        "How many addresses Paybell no longer sends to. It keeps only a hash of each, made with the key of that time, so these cannot be encrypted again.",
    }),
  })
  .openapi("Resealed");

const reseal = createRoute({
  method: "post",
  path: "/v1/admin/reseal",
  operationId: "reseal",
  summary: "Encrypt some of what was encrypted with the previous key again, with the current one",
  ...needsAdmin(),
  responses: { 200: json(Resealed, "How much is done, and how much is left"), ...problems(401, 409) },
});

/** `/v1/admin/reseal`, for the operator: docs/runbook.md. */
export function resealRoutes(app: Api): void {
  app.openapi(reseal, async (c) => {
    const previousKey = c.env.ENCRYPTION_KEY_PREVIOUS;
    if (previousKey === undefined) {
      throw new ProblemError("no_previous_key", { detail: "The Worker secret ENCRYPTION_KEY_PREVIOUS is not set." });
    }
    return c.json(await resealSome(c.env, previousKey), 200);
  });
}
