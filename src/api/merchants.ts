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
import { audited, changing, namesOf, type Change } from "./audit.ts";
import { needsAdmin, needsKey } from "./authenticate.ts";
import { invalid } from "./field-errors.ts";
import {
  body,
  defined,
  found,
  idForm,
  IdParam,
  Instant,
  json,
  ListQuery,
  page,
  pageBy,
  pageOf,
  problems,
  toIso,
} from "./schemas.ts";

const Name = z.string().min(1).max(200);
const AlertEmail = z
  .email()
  .openapi({ description: "Where Paybell tells the merchant that an endpoint is disabled, and the like." });
const MonthlyEventLimit = z.int().min(1).openapi({
  description: "How many events the merchant itself may post in a month; those of providers are always taken.",
});
const DailyEmailLimit = z.int().min(0).openapi({
  description:
    "How many emails the merchant may send in a day (UTC) from the operator's domains. By default, the operator's setting EMAILS_A_DAY.",
});

const MerchantChange = z
  .strictObject({
    name: Name.nullable().optional(),
    alertEmail: AlertEmail.nullable().optional(),
    monthlyEventLimit: MonthlyEventLimit.nullable().optional(),
    dailyEmailLimit: DailyEmailLimit.nullable().optional(),
  })
  .openapi("MerchantChange");

const NewMerchant = z
  .strictObject({
    name: Name.optional(),
    region: z
      .enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"])
      .optional()
      .openapi({ description: "Where Paybell keeps the events of this merchant; it cannot be changed later." }),
    jurisdiction: z
      .enum(["eu", "fedramp"])
      .optional()
      .openapi({ description: "In which jurisdiction the data of this merchant stays; it cannot be changed later." }),
    alertEmail: AlertEmail.optional(),
    monthlyEventLimit: MonthlyEventLimit.optional(),
    emailName: EmailName.optional().openapi({
      description:
        "What the merchant's addresses at the operator's email domains begin with; made from its id by default. It cannot be changed later.",
    }),
    dailyEmailLimit: DailyEmailLimit.optional(),
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
      "`events`: how many events came in this month (UTC), which began at `month`; counted every 5 minutes. `emailsToday`: how many emails went out today (UTC) from the operator's domains.",
  }),
}).openapi("MerchantWithUsage");

const create = createRoute({
  method: "post",
  path: "/v1/merchants",
  operationId: "createMerchant",
  summary: "Make a merchant and its first API key, which is shown only once",
  ...needsAdmin(),
  request: { body: body(NewMerchant, { name: "Shop", alertEmail: "ops@shop.example", monthlyEventLimit: 100_000 }) },
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

const showOwn = createRoute({
  method: "get",
  path: "/v1/merchant",
  operationId: "getOwnMerchant",
  summary: "Show the merchant that the key belongs to, and how many events it has this month",
  ...needsKey(),
  responses: { 200: json(MerchantWithUsage, "The merchant"), ...problems(401, 403) },
});

const change = createRoute({
  method: "patch",
  path: "/v1/merchants/{id}",
  operationId: "updateMerchant",
  summary: "Change a merchant; what the body does not name stays",
  ...needsAdmin(),
  request: {
    params: IdParam,
    body: body(MerchantChange, { alertEmail: "ops@shop.example", monthlyEventLimit: 200_000 }),
  },
  responses: { 200: json(Merchant, "The merchant"), ...problems(400, 401, 404, 413, 415, 422) },
});

const suspend = createRoute({
  method: "post",
  path: "/v1/merchants/{id}/suspend",
  operationId: "suspendMerchant",
  summary: "Suspend a merchant: until it is resumed, Paybell refuses its calls and events, and sends nothing for it",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 200: json(Merchant, "The merchant"), ...problems(401, 404) },
});

const resume = createRoute({
  method: "post",
  path: "/v1/merchants/{id}/resume",
  operationId: "resumeMerchant",
  summary: "Resume a suspended merchant",
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

/** `/v1/merchants`, for the operator, and `/v1/merchant`, where a merchant sees itself. */
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
    const cut = pageBy(merchants.id, query, idForm("mer"));
    const rows = await drizzle(c.env.DB).select().from(merchants).where(cut.after).orderBy(cut.order).limit(cut.rows);
    return c.json(page(rows.map(toMerchant), query.limit), 200);
  });

  app.openapi(show, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await withUsage(c.env.DB, id), 200);
  });

  app.openapi(showOwn, async (c) => c.json(await withUsage(c.env.DB, c.get("merchant")), 200));

  app.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const fields = defined(c.req.valid("json"));
    const row = await update(c, id, { action: "merchant.updated", fields: namesOf(fields) }, fields);
    return c.json(toMerchant(found(row)), 200);
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
  return toMerchant(found(await update(c, id, { action }, { status })));
}

/** Changes a merchant, with the row of the audit. Undefined: there is none of that id. */
async function update(
  c: Context<ApiEnv>,
  id: string,
  change: Omit<Change, "target" | "merchant">,
  fields: Partial<typeof merchants.$inferInsert>,
) {
  const db = drizzle(c.env.DB);
  // A body may name nothing, but the statement has to set something.
  const updating = db
    .update(merchants)
    .set({ id, ...fields })
    .where(eq(merchants.id, id))
    .returning();
  const [row] = await changing(c, { ...change, target: id, merchant: id }, updating);
  forget(id);
  return row;
}

/** A merchant as the API shows it, with its events of this month. Throws the problem `not_found`. */
async function withUsage(db: D1Database, id: string): Promise<z.infer<typeof MerchantWithUsage>> {
  const [row] = await drizzle(db).select().from(merchants).where(eq(merchants.id, id));
  const merchant = toMerchant(found(row));
  const [{ month, events }, today] = await Promise.all([usageOf(db, id, Date.now()), emailsToday(db, id, Date.now())]);
  return { ...merchant, usage: { month: toIso(month), events, emailsToday: today } };
}

function toMerchant({ createdAt, signingKeys: _, ...row }: typeof merchants.$inferSelect) {
  return { ...row, createdAt: toIso(createdAt) };
}
