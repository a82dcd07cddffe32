import { z } from "@hono/zod-openapi";
import { asc, desc, gt, lt, type SQLWrapper } from "drizzle-orm";

import type { IdPrefix } from "../event/ids.ts";
import { ProblemError } from "../platform/problem.ts";
import { invalid } from "./field-errors.ts";

/** Shapes that several resources share. */
const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string().optional(),
    requestId: z.string(),
    errors: z
      .array(z.object({ path: z.string().describe("JSON Pointer"), code: z.string(), message: z.string() }))
      .optional(),
  })
  .openapi("Problem");

export const Instant = z.iso.datetime().openapi({ example: "2026-11-23T12:00:00.000Z" });

/** An instant in a query, from which on a list or a range goes. Not before 1970: ids have no such time. */
export const Since = z.iso
  .datetime({ offset: true, abort: true, error: "An RFC 3339 time with its zone, such as 2026-11-23T12:00:00Z" })
  .refine((text) => Date.parse(text) >= 0, "A time from 1970 on")
  .openapi({ description: "Accepted at this time or later." });

/** A whole page holds at most this many. */
const MAX_LIMIT = 100;

/** The query that every list takes. A misspelled filter would show everything, so an unknown one is refused. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(50),
  after: z.string().max(256).optional().openapi({ description: "The `next` of the page before." }),
  order: z.enum(["asc", "desc"]).default("desc").openapi({ description: "By time; newest first by default." }),
});

export type ListQuery = z.infer<typeof ListQuery>;

export const IdParam = z.object({ id: z.string().min(1).max(128) });

/** A page of a list. `next`: the cursor of the page after it; null at the end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next: z.string().nullable() });
}

/** A JSON answer of a route. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body of a route, with one that it takes. */
export function body<T extends z.ZodType>(schema: T, example: z.input<T>) {
  return { required: true, content: { "application/json": { schema, example } } };
}

/** What is said of the problems of a status in the OpenAPI document. */
export const PROBLEM_DESCRIPTIONS = {
  400: "The body is not JSON.",
  401: "The call carries no valid key, or the wrong kind of key; `detail` says which kind it takes.",
  403: "The key lacks the scope that the call needs, or the operator has suspended the merchant.",
  404: "It does not exist, or it belongs to somebody else.",
  409: "The call does not fit the current state; `detail` says why.",
  413: "The body is larger than 256 KiB.",
  415: "The content type of the body is not application/json.",
  422: "Something in the input is not valid; `errors` lists every fault with its field.",
  429: "Too many calls, or a limit is reached; nothing was done.",
  500: "A fault of Paybell's; `requestId` finds it in the operator's log.",
  503: "Paybell cannot do this at the moment; call again.",
  508: "The event has come through too many installations of Paybell: it goes around in a ring.",
} as const;

/** The problems that a route answers with, by status. */
export function problems<S extends keyof typeof PROBLEM_DESCRIPTIONS>(...statuses: S[]) {
  const entries = statuses.map((status) => [
    status,
    { description: PROBLEM_DESCRIPTIONS[status], content: { "application/problem+json": { schema: Problem } } },
  ]);
  return Object.fromEntries(entries) as Record<
    S,
    { description: string; content: { "application/problem+json": { schema: typeof Problem } } }
  >;
}

export function toIso(at: number): string {
  return new Date(at).toISOString();
}

export function isoOrNull(at: number | null): string | null {
  return at === null ? null : toIso(at);
}

/** What ids made here look like. */
export function idForm(prefix: IdPrefix | "evt"): RegExp {
  return new RegExp(`^${prefix}_[0-9a-z]{26}$`);
}

/** The cursor that a caller goes on after. Throws the problem `invalid` where no list has handed it out so. */
export function checkCursor(after: string | undefined, form: RegExp): void {
  if (after !== undefined && !form.test(after)) {
    throw invalid("/after", "invalid_cursor", "Send the `next` of the page before, unchanged");
  }
}

/**
 * How a page is cut out of a list by a column: where it begins, in which order, and one row too many. `form`: of the
 * list's cursors. Throws the problem `invalid` for a cursor of another form.
 */
export function pageBy(
  column: SQLWrapper,
  { limit, after, order }: Pick<ListQuery, "limit" | "after" | "order">,
  form: RegExp,
) {
  checkCursor(after, form);
  const [isAfter, by] = order === "asc" ? [gt, asc] : [lt, desc];
  return { after: after === undefined ? undefined : isAfter(column, after), order: by(column), rows: limit + 1 };
}

/** Cuts one row too many off a page: it says that there is a next one. */
export function page<T extends { id: string }>(rows: T[], limit: number): { data: T[]; next: string | null } {
  const data = rows.slice(0, limit);
  return { data, next: rows.length > limit ? data.at(-1)!.id : null };
}

/** The fields of an input that were given. */
export function defined<T extends object>(input: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The row that was asked for. Throws the problem `not_found` where there is none. */
export function found<T>(row: T | null | undefined): T {
  if (row === null || row === undefined) {
    throw new ProblemError("not_found");
  }
  return row;
}
