import { createRoute, z } from "@hono/zod-openapi";
import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { randomId } from "../event/ids.ts";
import { CAPS } from "../platform/caps.ts";
import { hashOf, newApiKey } from "../platform/keys.ts";
import { ProblemError } from "../platform/problem.ts";
import { hasFewer, insertWhere } from "../store/capped.ts";
import { forget } from "../store/config.ts";
import { apiKeys, type Scope } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { changing, namesOf } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
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
  toIso,
} from "./schemas.ts";

export const ALL_SCOPES: Scope[] = ["events:write", "log:read", "config:write", "people:write", "keys:write"];

/** A key's first characters, by which people tell keys apart. */
const PREFIX_LENGTH = 10;

const Scopes = z.array(z.enum(ALL_SCOPES)).min(1);

const NewApiKey = z.strictObject({ name: z.string().min(1).max(200).optional(), scopes: Scopes }).openapi("NewApiKey");

const ApiKey = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    prefix: z.string(),
    scopes: Scopes,
    createdAt: Instant,
    revokedAt: Instant.nullable(),
  })
  .openapi("ApiKey");

const create = createRoute({
  method: "post",
  path: "/v1/api-keys",
  operationId: "createApiKey",
  summary: "Make an API key, which is shown only once and can do no more than the key that makes it",
  ...needsScope("keys:write"),
  request: { body: body(NewApiKey, { name: "Dashboard", scopes: ["log:read"] }) },
  responses: {
    201: json(ApiKey.extend({ apiKey: z.string() }), "The key"),
    ...problems(400, 401, 403, 413, 415, 422),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/api-keys",
  operationId: "listApiKeys",
  summary: "List API keys, revoked ones too",
  ...needsScope("keys:write"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(ApiKey), "A page"), ...problems(401, 403, 422) },
});

const revoke = createRoute({
  method: "delete",
  path: "/v1/api-keys/{id}",
  operationId: "revokeApiKey",
  summary: "Revoke an API key; within 5 seconds no call with it is taken",
  ...needsScope("keys:write"),
  request: { params: IdParam },
  responses: { 204: { description: "It is revoked" }, ...problems(401, 403, 404) },
});

/** A new key of a merchant and the row that stores it, hashed. */
export async function createKey(
  merchant: string,
  scopes: Scope[],
  name: string | null,
): Promise<{ key: string; row: typeof apiKeys.$inferSelect }> {
  const key = newApiKey();
  const row = {
    hash: await hashOf(key),
    id: randomId("key"),
    merchant,
    name,
    prefix: key.slice(0, PREFIX_LENGTH),
    scopes,
    createdAt: Date.now(),
    revokedAt: null,
  };
  return { key, row };
}

/** `/v1/api-keys`. */
export function apiKeyRoutes(app: Api): void {
  app.openapi(create, async (c) => {
    const { name, scopes } = c.req.valid("json");
    const excess = scopes.find((scope) => !c.get("scopes").includes(scope));
    if (excess !== undefined) {
      throw new ProblemError("missing_scope", { detail: `A key without ${excess} cannot make one with it.` });
    }
    const { key, row } = await createKey(c.get("merchant"), scopes, name ?? null);
    const change = { action: "key.created", target: row.id, fields: namesOf(c.req.valid("json")) } as const;
    const room = hasFewer(apiKeys, row.merchant, CAPS.apiKeys, sql`revoked_at is null`);
    const made = await changing(c, change, insertWhere(c.env.DB, apiKeys, row, room).returning({ id: apiKeys.id }));
    if (made.length === 0) {
      throw new ProblemError("too_many_api_keys", {
        detail: `A merchant has at most ${CAPS.apiKeys} keys that are not revoked: revoke one that is no longer used.`,
      });
    }
    return c.json({ ...toApiKey(row), apiKey: key }, 201);
  });

  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(apiKeys.id, query, idForm("key"));
    const rows = await drizzle(c.env.DB)
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.merchant, c.get("merchant")), cut.after))
      .orderBy(cut.order)
      .limit(cut.rows);
    return c.json(page(rows.map(toApiKey), query.limit), 200);
  });

  app.openapi(revoke, async (c) => {
    const [merchant, { id }] = [c.get("merchant"), c.req.valid("param")];
    const revoking = drizzle(c.env.DB)
      .update(apiKeys)
      .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${Date.now()})` })
      .where(and(eq(apiKeys.merchant, merchant), eq(apiKeys.id, id)))
      .returning({ id: apiKeys.id });
    const [row] = await changing(c, { action: "key.revoked", target: id }, revoking);
    found(row);
    forget(merchant);
    return c.body(null, 204);
  });
}

function toApiKey({ id, name, prefix, scopes, createdAt, revokedAt }: typeof apiKeys.$inferSelect) {
  return {
    id,
    name,
    prefix,
    scopes,
    createdAt: toIso(createdAt),
    revokedAt: isoOrNull(revokedAt),
  };
}
