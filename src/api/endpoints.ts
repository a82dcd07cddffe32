import { createRoute, z } from "@hono/zod-openapi";
import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { randomId } from "../event/ids.ts";
import { forgetGate } from "../outbox/gates.ts";
import { CAPS } from "../platform/caps.ts";
import { newEndpointSecret } from "../platform/keys.ts";
import { ProblemError } from "../platform/problem.ts";
import { hasFewer, insertWhere } from "../store/capped.ts";
import { forget } from "../store/config.ts";
import { fits, growthBy, requireFits, type Growth } from "../store/configuration-size.ts";
import { firstSecret, isAsRead, openSecrets } from "../store/endpoint-secrets.ts";
import { optimistically } from "../store/optimistic.ts";
import { endpoints } from "../store/schema.ts";
import { ensureSigningKey } from "../store/signing-keys.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { changing, namesOf, type Change } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { changeEndpoint } from "./endpoint-change.ts";
import { isEndpoint, isFewAt, readEndpoint, requireFewAt, type EndpointRow } from "./endpoint-row.ts";
import { Endpoint, EndpointChange, EndpointWithHealth, NewEndpoint, OwnIdParam } from "./endpoint-schema.ts";
import { OVERLAP_SECONDS, secretColumns } from "./endpoint-secrets.ts";
import { healthOf } from "./endpoint-state.ts";
import { afterChange, hostToAwait, showEndpoint, showEndpoints } from "./endpoint-verification.ts";
import { withPublicUrl } from "./public-url.ts";
import { body, found, IdParam, json, ListQuery, page, pageBy, pageOf, problems } from "./schemas.ts";
import { keptHeaders, nextHeaders } from "./secret-headers.ts";

const EndpointWithSecret = Endpoint.extend({ secret: z.string() });

const EXAMPLE = {
  url: "https://shop.example/webhooks",
  eventTypes: ["payment.*", "refund.succeeded"],
  description: "The shop",
};

const create = createRoute({
  method: "post",
  path: "/v1/endpoints",
  operationId: "createEndpoint",
  summary: "Register a webhook URL",
  ...needsScope("config:write"),
  request: { body: body(NewEndpoint, EXAMPLE) },
  responses: {
    201: json(EndpointWithSecret, "The endpoint and its secret"),
    ...problems(400, 401, 403, 413, 415, 422),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/endpoints",
  operationId: "listEndpoints",
  summary: "List endpoints",
  ...needsScope("config:write"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(Endpoint), "A page"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/endpoints/{id}",
  operationId: "getEndpoint",
  summary: "Show an endpoint",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(EndpointWithHealth, "The endpoint, and how well it answers"), ...problems(401, 403, 404) },
});

const change = createRoute({
  method: "patch",
  path: "/v1/endpoints/{id}",
  operationId: "updateEndpoint",
  summary: "Change an endpoint",
  ...needsScope("config:write"),
  request: { params: IdParam, body: body(EndpointChange, { eventTypes: ["payment.*", "dispute.*"], maxHold: 600 }) },
  responses: { 200: json(Endpoint, "The endpoint"), ...problems(400, 401, 403, 404, 413, 415, 422) },
});

const upsert = createRoute({
  method: "put",
  path: "/v1/endpoints/{id}",
  operationId: "putEndpoint",
  summary:
    "Make an endpoint under an id of your own, or replace it; if the body has no secret, an endpoint that exists keeps its own",
  ...needsScope("config:write"),
  request: { params: OwnIdParam, body: body(NewEndpoint, EXAMPLE) },
  responses: { 200: json(EndpointWithSecret, "The endpoint"), ...problems(400, 401, 403, 413, 415, 422) },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/endpoints/{id}",
  operationId: "deleteEndpoint",
  summary: "Delete an endpoint; its pending deliveries are canceled",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 204: { description: "It is gone" }, ...problems(401, 403, 404) },
});

/** When an endpoint was made, in epoch ms, and its id, which the merchant may have chosen. */
const CURSOR = /^\d{15}[A-Za-z0-9_-]{1,64}$/;

const publicUrl = withPublicUrl("url");

/** `/v1/endpoints`. */
export function endpointRoutes(app: Api): void {
  app.openapi(create, async (c) => c.json(await put(c, randomId("ep"), c.req.valid("json")), 201), publicUrl);

  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(sql`printf('%015d', ${endpoints.createdAt}) || ${endpoints.id}`, query, CURSOR);
    const rows = await drizzle(c.env.DB)
      .select()
      .from(endpoints)
      .where(and(eq(endpoints.merchant, c.get("merchant")), cut.after))
      .orderBy(cut.order)
      .limit(cut.rows);
    const { data, next } = page(rows, query.limit);
    const last = next === null ? undefined : data.at(-1);
    const position = last ? String(last.createdAt).padStart(15, "0") + last.id : null;
    return c.json({ data: await showEndpoints(c.env, data), next: position }, 200);
  });

  app.openapi(show, async (c) => {
    const row = found(await readEndpoint(c, c.req.valid("param").id));
    return c.json({ ...(await showEndpoint(c.env, row)), health: await healthOf(c.env, row.merchant, row.id) }, 200);
  });

  app.openapi(
    change,
    async (c) => {
      const row = await changeEndpoint(c, c.req.valid("param").id, c.req.valid("json"));
      return c.json(await showEndpoint(c.env, row), 200);
    },
    publicUrl,
  );

  app.openapi(
    upsert,
    async (c) => {
      return c.json(await put(c, c.req.valid("param").id, c.req.valid("json")), 200);
    },
    publicUrl,
  );

  app.openapi(remove, async (c) => {
    const { merchant, id } = found(await readEndpoint(c, c.req.valid("param").id));
    const deleting = drizzle(c.env.DB).delete(endpoints).where(isEndpoint(c, id));
    await changing(c, { action: "endpoint.deleted", target: id }, deleting);
    forget(merchant);
    await forgetGate(c.env, merchant, id);
    return c.body(null, 204);
  });
}

/**
 * Makes or replaces an endpoint; what the input leaves out has its default, but the secret stays. Another secret is
 * rotated in: the one until now signs on for a while.
 */
async function put(c: Context<ApiEnv>, id: string, input: z.infer<typeof NewEndpoint>) {
  const key = { merchant: c.get("merchant"), id };
  return optimistically(async () => {
    const [before, now] = [await readEndpoint(c, id), Date.now()];
    const kept = before && (await openSecrets(c.env, before))[0]!.secret;
    const secret = input.secret ?? kept ?? newEndpointSecret();
    const columns = await nextHeaders(
      c.env,
      { ...key, headers: null },
      { headers: input.headers ?? null, secretHeaders: input.secretHeaders ?? null },
      before && keptHeaders(before, input.url),
    );
    const row: EndpointRow = {
      ...key,
      url: input.url,
      status: "enabled",
      disabledReason: null,
      disabledAt: null,
      watch: false,
      rateLimit: input.rateLimit ?? null,
      ...(before ? await secretColumns(c.env, before, secret, OVERLAP_SECONDS) : await firstSecret(c.env, key, secret)),
      eventTypes: input.eventTypes ?? null,
      ordering: input.ordering ?? "user",
      maxHoldSeconds: input.maxHold ?? 3600,
      retrySchedule: input.retrySchedule ?? null,
      timeoutSeconds: input.timeoutSeconds ?? 10,
      includeStale: input.includeStale ?? false,
      livemode: input.livemode ?? null,
      compat: input.compat ?? null,
      filter: input.filter ?? null,
      payload: input.payload ?? "full",
      ...columns,
      awaitsHost: await hostToAwait(c.env, key.merchant, before, input.url),
      signatures: input.signatures ?? "hmac",
      description: input.description ?? null,
      createdAt: now,
      updatedAt: now,
    };
    if (row.signatures === "hmac+ed25519") {
      await ensureSigningKey(c.env, key.merchant);
    }
    const action = before ? "endpoint.replaced" : "endpoint.created";
    const growth = growthBy(endpoints, row, isEndpoint(c, id));
    const written = await write(c, row, before, growth, { action, target: id, fields: namesOf(input) });
    if (!written) {
      await requireFits(c.env.DB, key.merchant, growth);
    }
    if (!written && before?.url !== input.url) {
      await requireFewAt(c.env, key, input.url);
    }
    if (!written && !before && !(await readEndpoint(c, id))) {
      throw new ProblemError("too_many_endpoints", { detail: `A merchant has at most ${CAPS.endpoints}: delete one.` });
    }
    if (written) {
      afterChange(c, before, written);
    }
    return written && { ...(await showEndpoint(c.env, written)), secret };
  });
}

/**
 * Writes a row and returns it as it is then: of the one that it replaces it leaves what is no setting, such as the
 * status. Null: that one's secrets, or the host that it awaits, are others than they were, or a new one would be one
 * too many.
 */
async function write(
  c: Context<ApiEnv>,
  row: EndpointRow,
  before: EndpointRow | null,
  growth: Growth,
  change: Change,
): Promise<EndpointRow | null> {
  const { status: _, disabledReason: __, disabledAt: ___, watch: ____, createdAt: _____, ...settings } = row;
  const isPlace = before ? sql`true` : hasFewer(endpoints, row.merchant, CAPS.endpoints);
  const isFew = before?.url === row.url ? sql`true` : isFewAt(row, row.url);
  const writing = insertWhere(c.env.DB, endpoints, row, and(isPlace, isFew, fits(row.merchant, growth))!)
    .onConflictDoUpdate({
      target: [endpoints.merchant, endpoints.id],
      set: settings,
      setWhere: before ? and(isAsRead(before), sql`${endpoints.awaitsHost} is ${before.awaitsHost}`)! : sql`false`,
    })
    .returning();
  const [written = null] = await changing(c, change, writing);
  forget(row.merchant);
  return written;
}
