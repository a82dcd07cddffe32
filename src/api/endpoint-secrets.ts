import { createRoute, z } from "@hono/zod-openapi";
import { drizzle } from "drizzle-orm/d1";

import { newEndpointSecret } from "../platform/keys.ts";
import { ProblemError } from "../platform/problem.ts";
import { MAX_VALID, validAt } from "../platform/rotation.ts";
import { forget } from "../store/config.ts";
import { isAsRead, openSecrets, replaceSecret } from "../store/endpoint-secrets.ts";
import { optimistically } from "../store/optimistic.ts";
import { endpoints } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { changing } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { readEndpoint, type EndpointRow } from "./endpoint-row.ts";
import { EndpointSecret } from "./endpoint-schema.ts";
import { body, found, IdParam, Instant, json, problems, toIso } from "./schemas.ts";

/** How long a replaced secret signs on if the merchant does not say: a day to bring the new one everywhere. */
export const OVERLAP_SECONDS = 86_400;

const Secrets = z
  .object({
    secret: z.string(),
    previous: z.array(z.object({ secret: z.string(), expiresAt: Instant })).openapi({
      description: "Secrets that were replaced, the newest first. They sign beside the current one until they expire.",
    }),
  })
  .openapi("EndpointSecrets");

const Rotation = z
  .strictObject({
    secret: EndpointSecret.optional().openapi({
      description: "A secret that you already have. Without it, Paybell makes a new one.",
    }),
    overlapSeconds: z
      .int()
      .min(60)
      .max(604_800)
      .optional()
      .openapi({
        description: `For how many seconds the old secret signs beside the new one. ${OVERLAP_SECONDS} by default.`,
      }),
  })
  .openapi("SecretRotation");

const show = createRoute({
  method: "get",
  path: "/v1/endpoints/{id}/secret",
  operationId: "getEndpointSecret",
  summary: "Show the secrets that an endpoint's webhooks are signed with",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Secrets, "The secrets"), ...problems(401, 403, 404) },
});

const rotate = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/secret/rotate",
  operationId: "rotateEndpointSecret",
  summary: "Give an endpoint a new secret; for a while webhooks are signed with the old one too",
  ...needsScope("config:write"),
  request: { params: IdParam, body: { ...body(Rotation, { overlapSeconds: 3_600 }), required: false } },
  responses: { 200: json(Secrets, "The secrets"), ...problems(400, 401, 403, 404, 413, 415, 422) },
});

/** `/v1/endpoints/{id}/secret`. */
export function endpointSecretRoutes(app: Api): void {
  app.openapi(show, async (c) =>
    c.json(await toSecrets(c.env, found(await readEndpoint(c, c.req.valid("param").id))), 200),
  );

  app.openapi(rotate, async (c) => {
    const { secret = newEndpointSecret(), overlapSeconds = OVERLAP_SECONDS } = c.req.valid("json");
    const changed = await optimistically(async () => {
      const row = found(await readEndpoint(c, c.req.valid("param").id));
      const columns = await secretColumns(c.env, row, secret, overlapSeconds);
      const rotating = drizzle(c.env.DB)
        .update(endpoints)
        .set({ ...columns, updatedAt: Date.now() })
        .where(isAsRead(row))
        .returning();
      const [written] = await changing(c, { action: "endpoint.secret_rotated", target: row.id }, rotating);
      return written ?? null;
    });
    forget(changed.merchant);
    return c.json(await toSecrets(c.env, changed), 200);
  });
}

/** The columns of an endpoint once a secret is its newest. Throws the problem `too_many_secrets`. */
export async function secretColumns(env: Env, row: EndpointRow, secret: string, overlapSeconds: number) {
  const now = Date.now();
  const columns = await replaceSecret(env, row, secret, { now, until: now + overlapSeconds * 1000 });
  if (columns === null) {
    throw tooManySecrets(row.previousSecrets, now);
  }
  return columns;
}

/** The problem that no other may become valid before one of `replaced` has expired. */
export function tooManySecrets(replaced: { expiresAt: number | null }[], now: number): ProblemError {
  const ends = validAt(replaced, now).map(({ expiresAt }) => expiresAt ?? Infinity);
  return new ProblemError("too_many_secrets", {
    detail: `At most ${MAX_VALID} are valid at once; the next one expires at ${toIso(Math.min(...ends))}.`,
  });
}

async function toSecrets(env: Env, row: EndpointRow): Promise<z.infer<typeof Secrets>> {
  const [newest, ...previous] = validAt(await openSecrets(env, row), Date.now());
  return {
    secret: newest!.secret,
    previous: previous.map(({ secret, expiresAt }) => ({ secret, expiresAt: toIso(expiresAt!) })),
  };
}
