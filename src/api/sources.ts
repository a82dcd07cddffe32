import { createRoute, z } from "@hono/zod-openapi";
import { and, eq, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteUpdateSetSource } from "drizzle-orm/sqlite-core";
import type { Context } from "hono";

import { randomId } from "../event/ids.ts";
import { CAPS } from "../platform/caps.ts";
import { publicOrigin } from "../platform/own-hosts.ts";
import { ProblemError, type FieldError } from "../platform/problem.ts";
import { seal } from "../platform/secret-box.ts";
import { providerOf } from "../providers/index.ts";
import { textFault } from "../providers/secret-faults.ts";
import { MAX_SECRETS } from "../providers/signature.ts";
import { hasFewer, insertWhere } from "../store/capped.ts";
import { forget } from "../store/config.ts";
import { fits, growthBy, requireFits } from "../store/configuration-size.ts";
import { sources } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { changing, namesOf, type Change } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { fieldErrors, invalid, requireNone } from "./field-errors.ts";
import {
  body,
  defined,
  found,
  idForm,
  IdParam,
  json,
  ListQuery,
  page,
  pageBy,
  pageOf,
  problems,
  toIso,
} from "./schemas.ts";
import { credentialFaults, sealCredential } from "./source-credential.ts";
import { NewSource, Secret, Source, SourceChange } from "./source-schema.ts";

type Row = typeof sources.$inferSelect;

const EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const create = createRoute({
  method: "post",
  path: "/v1/sources",
  operationId: "createSource",
  summary: "Make a source: an ingest URL for one provider account",
  ...needsScope("config:write"),
  request: {
    body: body(NewSource, { provider: "stripe", secrets: [EXAMPLE_SECRET], userFrom: "/data/object/customer" }),
  },
  responses: { 201: json(Source, "The source"), ...problems(400, 401, 403, 413, 415, 422) },
});

const list = createRoute({
  method: "get",
  path: "/v1/sources",
  operationId: "listSources",
  summary: "List sources",
  ...needsScope("config:write"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(Source), "A page"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/sources/{id}",
  operationId: "getSource",
  summary: "Show a source",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Source, "The source"), ...problems(401, 403, 404) },
});

const change = createRoute({
  method: "patch",
  path: "/v1/sources/{id}",
  operationId: "updateSource",
  summary: "Change a source",
  ...needsScope("config:write"),
  request: {
    params: IdParam,
    body: body(SourceChange, { minAuthenticity: "signed", description: "Our account in Ireland" }),
  },
  responses: { 200: json(Source, "The source"), ...problems(400, 401, 403, 404, 413, 415, 422) },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/sources/{id}",
  operationId: "deleteSource",
  summary: "Delete a source; its ingest URL then answers 404",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 204: { description: "It is gone" }, ...problems(401, 403, 404) },
});

const addSecret = createRoute({
  method: "post",
  path: "/v1/sources/{id}/secrets",
  operationId: "addSourceSecret",
  summary: "Add a signing secret; a request that any of the source's secrets fits is taken",
  ...needsScope("config:write"),
  request: { params: IdParam, body: body(z.strictObject({ secret: Secret }), { secret: EXAMPLE_SECRET }) },
  responses: { 201: json(Source, "The source"), ...problems(400, 401, 403, 404, 413, 415, 422) },
});

const removeSecret = createRoute({
  method: "delete",
  path: "/v1/sources/{id}/secrets/{secretId}",
  operationId: "deleteSourceSecret",
  summary: "Remove a signing secret",
  ...needsScope("config:write"),
  request: { params: IdParam.extend({ secretId: z.string().max(64) }) },
  responses: { 200: json(Source, "The source"), ...problems(401, 403, 404) },
});

/** `/v1/sources`. */
export function sourceRoutes(app: Api): void {
  app.openapi(create, async (c) => {
    const { provider, secrets = [], credential, ...fields } = c.req.valid("json");
    requireNone([
      ...configFaults(provider, fields.config),
      ...(await secretFaults(provider, secrets, fields.config, (index) => `/secrets/${index}`)),
      ...(await credentialFaults(c.env, { merchant: c.get("merchant"), provider }, credential)),
    ]);
    const id = randomId("src");
    const row: Row = {
      id,
      merchant: c.get("merchant"),
      provider,
      secrets: await Promise.all(secrets.map((secret) => sealSecret(c.env, id, secret))),
      config: fields.config ?? null,
      userFrom: fields.userFrom ?? null,
      userPrefix: fields.userPrefix ?? null,
      minAuthenticity: fields.minAuthenticity ?? "fetched",
      description: fields.description ?? null,
      createdAt: Date.now(),
      credential: credential ? await sealCredential(c.env, id, credential) : null,
    };
    const change = { action: "source.created", target: id, fields: namesOf(c.req.valid("json")) } as const;
    const growth = growthBy(sources, row, eq(sources.id, id));
    const room = and(hasFewer(sources, row.merchant, CAPS.sources), fits(row.merchant, growth))!;
    const made = await changing(c, change, insertWhere(c.env.DB, sources, row, room).returning({ id: sources.id }));
    if (made.length === 0) {
      await requireFits(c.env.DB, row.merchant, growth);
      throw new ProblemError("too_many_sources", {
        detail: `A merchant has at most ${CAPS.sources} sources: delete one that is no longer used.`,
      });
    }
    return c.json(toSource(row, publicOrigin(c.env, c.req.url)), 201);
  });

  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(sources.id, query, idForm("src"));
    const rows = await drizzle(c.env.DB)
      .select()
      .from(sources)
      .where(and(eq(sources.merchant, c.get("merchant")), cut.after))
      .orderBy(cut.order)
      .limit(cut.rows);
    const all = rows.map((row) => toSource(row, publicOrigin(c.env, c.req.url)));
    return c.json(page(all, query.limit), 200);
  });

  app.openapi(show, async (c) =>
    c.json(toSource(await read(c, c.req.valid("param").id), publicOrigin(c.env, c.req.url)), 200),
  );

  app.openapi(change, async (c) => {
    const row = await read(c, c.req.valid("param").id);
    const { credential, ...fields } = c.req.valid("json");
    requireNone([...configFaults(row.provider, fields.config), ...(await credentialFaults(c.env, row, credential))]);
    const change = { action: "source.updated", fields: namesOf(defined(c.req.valid("json"))) } as const;
    const changed = await update(c, row.id, change, {
      ...defined(fields),
      ...(credential !== undefined && {
        credential: credential && (await sealCredential(c.env, row.id, credential)),
      }),
      provider: row.provider,
    });
    return c.json(toSource(found(changed), publicOrigin(c.env, c.req.url)), 200);
  });

  app.openapi(remove, async (c) => {
    const { id } = await read(c, c.req.valid("param").id);
    const deleting = drizzle(c.env.DB).delete(sources).where(eq(sources.id, id));
    await changing(c, { action: "source.deleted", target: id }, deleting);
    forget(c.get("merchant"));
    return c.body(null, 204);
  });

  app.openapi(addSecret, async (c) => {
    const { id, provider, config } = await read(c, c.req.valid("param").id);
    requireNone(await secretFaults(provider, [c.req.valid("json").secret], config, () => "/secret"));
    const secret = JSON.stringify(await sealSecret(c.env, id, c.req.valid("json").secret));
    const row = await update(
      c,
      id,
      { action: "source.secret_added", fields: ["secrets"] },
      { secrets: sql`json_insert(${sources.secrets}, '$[#]', json(${secret}))` },
      sql`json_array_length(${sources.secrets}) < ${MAX_SECRETS}`,
    );
    if (!row) {
      throw invalid("/secret", "too_many", `A source has at most ${MAX_SECRETS} secrets`);
    }
    return c.json(toSource(row, publicOrigin(c.env, c.req.url)), 201);
  });

  app.openapi(removeSecret, async (c) => {
    const { id, secretId } = c.req.valid("param");
    const each = sql`json_each(${sources.secrets})`;
    const row = await update(
      c,
      id,
      { action: "source.secret_removed", fields: ["secrets"] },
      { secrets: sql`(select json_group_array(json(value)) from ${each} where value->>'id' <> ${secretId})` },
      sql`exists (select 1 from ${each} where value->>'id' = ${secretId})`,
    );
    return c.json(toSource(found(row), publicOrigin(c.env, c.req.url)), 200);
  });
}

/** What is wrong with a source's config: it is what its provider says that it may be; most have none. */
function configFaults(provider: string, config: Record<string, unknown> | undefined): FieldError[] {
  if (config === undefined) {
    return [];
  }
  const schema = providerOf(provider)?.config ?? z.strictObject({});
  const { error } = schema.safeParse(config);
  return error ? fieldErrors(error.issues, ["config"]) : [];
}

/** What is wrong with secrets: they are what their provider signs with. */
async function secretFaults(
  provider: string,
  secrets: string[],
  config: Record<string, unknown> | null | undefined,
  pathOf: (index: number) => string,
): Promise<FieldError[]> {
  const faultOf = providerOf(provider)?.secretFault ?? textFault;
  const faults = await Promise.all(secrets.map(async (secret) => faultOf(secret, config)));
  return faults.flatMap((message, index) =>
    message === null ? [] : [{ path: pathOf(index), code: "invalid_secret", message }],
  );
}

/**
 * Changes what is named, in one statement, so that two changes at once both hold. Undefined: there is none such. Throws
 * the problem `configuration_too_large`.
 */
async function update(
  c: Context<ApiEnv>,
  id: string,
  change: Omit<Change, "target">,
  changes: SQLiteUpdateSetSource<typeof sources>,
  where?: SQL,
): Promise<Row | undefined> {
  const merchant = c.get("merchant");
  const isRow = and(eq(sources.merchant, merchant), eq(sources.id, id));
  const growth = growthBy(sources, changes, isRow);
  const updating = drizzle(c.env.DB)
    .update(sources)
    .set(changes)
    .where(and(isRow, where, fits(merchant, growth)))
    .returning();
  const [row] = await changing(c, { ...change, target: id }, updating);
  forget(merchant);
  if (!row) {
    await requireFits(c.env.DB, merchant, growth);
  }
  return row;
}

async function read(c: Context<ApiEnv>, id: string): Promise<Row> {
  const [row] = await drizzle(c.env.DB)
    .select()
    .from(sources)
    .where(and(eq(sources.id, id), eq(sources.merchant, c.get("merchant"))));
  return found(row);
}

async function sealSecret(env: Env, source: string, secret: string): Promise<Row["secrets"][number]> {
  return { id: randomId("sec"), sealed: await seal(env.ENCRYPTION_KEY, source, secret), createdAt: Date.now() };
}

function toSource({ merchant: _, secrets, credential, createdAt, ...row }: Row, origin: string) {
  return {
    ...row,
    hasCredential: credential !== null,
    ingestUrl: `${origin}/ingest/${row.id}`,
    status: secrets.length === 0 ? ("awaiting_secret" as const) : ("active" as const),
    secrets: secrets.map((secret) => ({ id: secret.id, createdAt: toIso(secret.createdAt) })),
    createdAt: toIso(createdAt),
  };
}
