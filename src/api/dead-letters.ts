import { createRoute, z } from "@hono/zod-openapi";
import { eq, getTableColumns, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { ProblemError } from "../platform/problem.ts";
import { redrive, type DeadLetter as Row } from "../store/dead-letters.ts";
import { deadLetters } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { needsAdmin } from "./authenticate.ts";
import {
  found,
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

const MAX_SHOWN_CHARS = 4_096;

const DeadLetter = z
  .object({
    id: z.string(),
    queue: z.enum(["deliveries", "backup"]),
    kind: z.string().openapi({ example: "accept" }),
    at: Instant.openapi({ description: "When the queue gave the message up." }),
    attempts: z.int(),
    body: z.string().openapi({ description: "The start of the message." }),
    error: z.string().nullable().openapi({ description: "Why it failed the last time, where that is known." }),
    redrivenAt: Instant.nullable().openapi({
      description: "When the message was put back into its queue. `null`: it has not been.",
    }),
  })
  .openapi("DeadLetter");

const list = createRoute({
  method: "get",
  path: "/v1/admin/dead-letters",
  operationId: "listDeadLetters",
  summary: "List messages that a queue has given up",
  ...needsAdmin(),
  request: { query: ListQuery },
  responses: { 200: json(pageOf(DeadLetter), "A page"), ...problems(401, 422) },
});

const again = createRoute({
  method: "post",
  path: "/v1/admin/dead-letters/{id}/redrive",
  operationId: "redriveDeadLetter",
  summary: "Put a message of the backup queue back into it now",
  ...needsAdmin(),
  request: { params: IdParam },
  responses: { 200: json(DeadLetter, "The message"), ...problems(401, 404, 409, 503) },
});

/** When a message was sent, and its id, which its queue gave it. */
const CURSOR = /^dead_[0-9a-z]{10}.+$/;

/** `/v1/admin/dead-letters`, for the operator. */
export function deadLetterRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const query = c.req.valid("query");
    const cut = pageBy(deadLetters.id, query, CURSOR);
    const rows = await drizzle(c.env.DB)
      .select({
        ...getTableColumns(deadLetters),
        body: sql<string>`substr(${deadLetters.body}, 1, ${MAX_SHOWN_CHARS})`,
      })
      .from(deadLetters)
      .where(cut.after)
      .orderBy(cut.order)
      .limit(cut.rows);
    return c.json(page(rows.map(toDeadLetter), query.limit), 200);
  });

  app.openapi(again, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select()
      .from(deadLetters)
      .where(eq(deadLetters.id, c.req.valid("param").id));
    const letter = found(row);
    if (letter.queue !== "backup") {
      throw new ProblemError("not_redrivable", { detail: "Its outbox sends again what it was about." });
    }
    if (letter.redrivenAt !== null) {
      throw new ProblemError("not_redrivable", { detail: "Somebody has already sent this message around again." });
    }
    const now = Date.now();
    if ((await redrive(c.env, letter, now)) === "failed") {
      throw new ProblemError("unavailable", { detail: "The queue does not take it; it stays here." });
    }
    return c.json(toDeadLetter({ ...letter, redrivenAt: now }), 200);
  });
}

function toDeadLetter({ at, redrivenAt, body, ...row }: Row): z.infer<typeof DeadLetter> {
  return {
    ...row,
    at: toIso(at),
    body: body.slice(0, MAX_SHOWN_CHARS),
    redrivenAt: isoOrNull(redrivenAt),
  };
}
