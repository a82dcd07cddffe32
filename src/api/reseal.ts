import { createRoute, z } from "@hono/zod-openapi";

import { ProblemError } from "../platform/problem.ts";
import { resealSome } from "../store/reseal.ts";
import type { Api } from "./api-env.ts";
import { needsAdmin } from "./authenticate.ts";
import { json, problems } from "./schemas.ts";

const Resealed = z
  .object({
    resealed: z
      .int()
      .openapi({ description: "Taken up by this call; one that is changed at that very moment is left for the next." }),
    left: z.int().openapi({ description: "Still sealed with the previous key: call again until there are none." }),
    unaddressed: z.int().openapi({
      description: "Addresses that are not used again, of which only a hash is known: they hold under the key of then.",
    }),
  })
  .openapi("Resealed");

const reseal = createRoute({
  method: "post",
  path: "/v1/admin/reseal",
  operationId: "reseal",
  summary: "Seal anew some of what the previous encryption key has sealed",
  ...needsAdmin(),
  responses: { 200: json(Resealed, "How it stands"), ...problems(401, 409) },
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
