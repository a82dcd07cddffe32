import { createRoute, z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { randomId } from "../event/ids.ts";
import { auditRow } from "../store/audit.ts";
import { audit } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { needsScope } from "./authenticate.ts";
import { idForm, Instant, json, ListQuery, page, pageBy, pageOf, problems, toIso } from "./schemas.ts";

/** A change of configuration: what was done (`endpoint.updated`) to which id, and the names of the fields it set. */
export interface Change {
  action: `${string}.${string}`;
  target: string | null;
  fields?: string[];
  /** The caller's own merchant, unless it says so: the operator has none. */
  merchant?: string;
}

const Entry = z
  .object({
    id: z.string(),
    at: Instant,
    actor: z.string().openapi({
      description:
        "Who made the change: the id of an API key, `admin` for the operator, or `paybell` for Paybell itself.",
    }),
    action: z.string().openapi({ example: "endpoint.updated" }),
    target: z.string().nullable().openapi({ description: "The id of what was changed." }),
    fields: z.array(z.string()).openapi({ description: "Which fields were set; never what they hold." }),
  })
  .openapi("AuditEntry");

const list = createRoute({
  method: "get",
  path: "/v1/audit",
  operationId: "listAudit",
  summary: "List who changed what in the configuration",
  ...needsScope("keys:write"),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(Entry), "A page"), ...problems(401, 403, 422) },
});

/** `/v1/audit`. */
export function auditRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(audit.id, query, idForm("aud"));
    const rows = await drizzle(c.env.DB)
      .select()
      .from(audit)
      .where(and(eq(audit.merchant, c.get("merchant")), cut.after))
      .orderBy(cut.order)
      .limit(cut.rows);
    const all = rows.map(({ merchant: _, at, ...row }) => ({ ...row, at: toIso(at) }));
    return c.json(page(all, query.limit), 200);
  });
}

/** The {@link auditRow} of a change that a caller makes. */
export function audited(c: Context<ApiEnv>, { action, target, fields = [], merchant = c.get("merchant") }: Change) {
  return auditRow(c.env.DB, { merchant, actor: c.get("keyId"), action, target, fields });
}

/** Makes a change with its audit row in one batch. Returns what the statement does. */
export async function changing<T extends BatchItem<"sqlite">>(
  c: Context<ApiEnv>,
  change: Change,
  statement: T,
): Promise<T["_"]["result"]> {
  const [result] = await drizzle(c.env.DB).batch([statement, audited(c, change)]);
  return result;
}

/** Writes down a change that was made elsewhere. */
export async function noted(c: Context<ApiEnv>, { action, target, fields = [], merchant = c.get("merchant") }: Change) {
  const now = Date.now();
  const row = { merchant, id: randomId("aud", now), at: now, actor: c.get("keyId"), action, target, fields };
  await drizzle(c.env.DB).insert(audit).values(row);
}

/** The names of the fields that an input gives, sorted. */
export function namesOf(input: object): string[] {
  return Object.entries(input)
    .flatMap(([name, value]) => (value === undefined ? [] : name))
    .toSorted();
}
