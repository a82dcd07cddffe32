import { createRoute, z } from "@hono/zod-openapi";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { EmailName } from "../channels/email/own-sender.ts";
import { randomId } from "../event/ids.ts";
import { eraseSome } from "../outbox/erasing.ts";
import { forget } from "../store/config.ts";
import { newErasure } from "../store/erasures.ts";
import { apiKeys, channelAccounts, endpointHosts, erasures, jobs, merchants, sources } from "../store/schema.ts";
import { emailsToday } from "../store/email-counts.ts";
import { usageOf } from "../store/usage.ts";
import { ALL_SCOPES, createKey } from "./api-keys.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { audited, changing, namesOf } from "./audit.ts";
import { needsAdmin } from "./authenticate.ts";
import { invalid } from "./field-errors.ts";
import { body, found, IdParam, Instant, json, ListQuery, page, pageBy, pageOf, problems, toIso } from "./schemas.ts";

const NewMerchant = z
  .strictObject({
    name: z.string().min(1).max(200).optional(),
    region: z
      .enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"])
      .optional()
      .openapi({ description: "Where its Durable Objects are made; fixed." }),
    jurisdiction: z.enum(["eu", "fedramp"]).optional().openapi({ description: "Where its data may be; fixed." }),
    alertEmail: z.email().optional(),
    monthlyEventLimit: z.int().min(1).optional(),
    emailName: EmailName.optional().openapi({
      description: "What its mail at the operator's domains begins with; by its id if none is given. Fixed.",
    }),
    dailyEmailLimit: z.int().min(0).optional().openapi({
      description: "Emails a day (UTC) from the operator's domains; EMAILS_A_DAY if none is given.",
    }),
  })
  .openapi("NewMerchant");

const Merchant = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    status: z.enum(["active", "suspended"]),
    region: z.string().nullable(),
    jurisdiction: z.string().nullable(),
    alertEmail: z.string().nullable(),
    monthlyEventLimit: z.int().nullable(),
    emailName: z.string().nullable(),
    dailyEmailLimit: z.int().nullable(),
    createdAt: Instant,
  })
  .openapi("Merchant");

const MerchantWithUsage = Merchant.extend({
  usage: z.object({ month: Instant, events: z.int(), emailsToday: z.int() }).openapi({
    description:
      "Events of this month (UTC), from the start of `month`; counted every 5 minutes. Emails of today (UTC) from the operator's domains.",
  }),
}).openapi("MerchantWithUsage");

const create = createRoute({
  method: "post",
  path: "/v1/merchants",
  operationId: "createMerchant",
  summary: "Make a merchant and its first API key, shown once",
  ...needsAdmin(),
  request: { body: body(NewMerchant) },
  responses: {
    201: json(Merchant.extend({ apiKey: z.string() }), "The merchant"),
    ...problems(400, 401, 413, 415, 422),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/merchants",
  operationId: "listMerchants",
  summary: "List merchants",
  ...needsAdmin(),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(Merchant), "A page"), ...problems(401, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/merchants/{id}",
  operationId: "getMerchant",
  summary: "Show a merchant, and how many events it has this month",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 200: json(MerchantWithUsage, "The merchant"), ...problems(401, 404) },
});

const suspend = createRoute({
  method: "post",
  path: "/v1/merchants/{id}/suspend",
  operationId: "suspendMerchant",
  summary: "Refuse a merchant's calls and events, and send nothing of it, until it is resumed",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 200: json(Merchant, "The merchant"), ...problems(401, 404) },
});

const resume = createRoute({
  method: "post",
  path: "/v1/merchants/{id}/resume",
  operationId: "resumeMerchant",
  summary: "Serve a suspended merchant again",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 200: json(Merchant, "The merchant"), ...problems(401, 404) },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/merchants/{id}",
  operationId: "deleteMerchant",
  summary: "Delete a merchant with its keys, sources, endpoints, users and channels, and then its log",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 204: { description: "It is gone" }, ...problems(401, 404) },
});

/** `/v1/merchants`, for the operator. */
export function merchantRoutes(app: Api): void {
  app.openapi(create, async (c) => {
    const input = c.req.valid("json");
    const db = drizzle(c.env.DB);
    if (input.emailName !== undefined) {
      await requireFree(db, input.emailName);
    }
    const row: typeof merchants.$inferSelect = {
      id: randomId("mer"),
      name: input.name ?? null,
      status: "active",
      region: input.region ?? null,
      jurisdiction: input.jurisdiction ?? null,
      alertEmail: input.alertEmail ?? null,
      monthlyEventLimit: input.monthlyEventLimit ?? null,
      createdAt: Date.now(),
      signingKeys: [],
      emailName: input.emailName ?? null,
      dailyEmailLimit: input.dailyEmailLimit ?? null,
    };
    const { key, row: keyRow } = await createKey(row.id, ALL_SCOPES, null);
    const change = { action: "merchant.created", target: row.id, merchant: row.id, fields: namesOf(input) } as const;
    await db.batch([db.insert(merchants).values(row), audited(c, change), db.insert(apiKeys).values(keyRow)]);
    return c.json({ ...toMerchant(row), apiKey: key }, 201);
  });

  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(merchants.id, query);
    const rows = await drizzle(c.env.DB).select().from(merchants).where(cut.after).orderBy(cut.order).limit(cut.rows);
    return c.json(page(rows.map(toMerchant), query.limit), 200);
  });

  app.openapi(show, async (c) => {
    const { id } = c.req.valid("param");
    const [row] = await drizzle(c.env.DB).select().from(merchants).where(eq(merchants.id, id));
    const merchant = toMerchant(found(row));
    const [{ month, events }, today] = await Promise.all([
      usageOf(c.env.DB, id, Date.now()),
      emailsToday(c.env.DB, id, Date.now()),
    ]);
    return c.json({ ...merchant, usage: { month: toIso(month), events, emailsToday: today } }, 200);
  });

  app.openapi(suspend, async (c) => c.json(await setStatus(c, c.req.valid("param").id, "suspended"), 200));
  app.openapi(resume, async (c) => c.json(await setStatus(c, c.req.valid("param").id, "active"), 200));

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const db = drizzle(c.env.DB);
    const [row] = await db.select({ id: merchants.id }).from(merchants).where(eq(merchants.id, id));
    found(row);
    const erasure = newErasure(id, null, Date.now());
    await db.batch([
      db.delete(merchants).where(eq(merchants.id, id)),
      audited(c, { action: "merchant.deleted", target: id, merchant: id }),
      db.delete(erasures).where(eq(erasures.merchant, id)),
      db.insert(erasures).values(erasure),
      db.delete(apiKeys).where(eq(apiKeys.merchant, id)),
      db.delete(sources).where(eq(sources.merchant, id)),
      db.delete(channelAccounts).where(eq(channelAccounts.merchant, id)),
      db.delete(endpointHosts).where(eq(endpointHosts.merchant, id)),
      db.delete(jobs).where(eq(jobs.merchant, id)),
    ]);
    forget(id);
    c.executionCtx.waitUntil(eraseSome(c.env, [erasure], Date.now()));
    return c.body(null, 204);
  });
}

/** Throws the problem `invalid` where another merchant has the name; of two at once the index refuses one. */
async function requireFree(db: ReturnType<typeof drizzle>, emailName: string): Promise<void> {
  const [taken] = await db.select({ id: merchants.id }).from(merchants).where(eq(merchants.emailName, emailName));
  if (taken) {
    throw invalid("/emailName", "taken", "Another merchant has this name.");
  }
}

async function setStatus(c: Context<ApiEnv>, id: string, status: "active" | "suspended") {
  const action = status === "active" ? "merchant.resumed" : "merchant.suspended";
  const setting = drizzle(c.env.DB).update(merchants).set({ status }).where(eq(merchants.id, id)).returning();
  const [row] = await changing(c, { action, target: id, merchant: id }, setting);
  forget(id);
  return toMerchant(found(row));
}

function toMerchant({ createdAt, signingKeys: _, ...row }: typeof merchants.$inferSelect) {
  return { ...row, createdAt: toIso(createdAt) };
}
