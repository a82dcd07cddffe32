import { and, eq, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { endpoints } from "../store/schema.ts";
import type { ApiEnv } from "./api-env.ts";
import { invalid } from "./field-errors.ts";

export type EndpointRow = typeof endpoints.$inferSelect;

/** Whether a row is the caller's endpoint of an id. */
export function isEndpoint(c: Context<ApiEnv>, id: string) {
  return and(eq(endpoints.merchant, c.get("merchant")), eq(endpoints.id, id));
}

/** So many endpoints of a merchant may lead to one URL: for other events, another payload, another secret. */
const MAX_OF_URL = 5;

/** Whether an endpoint may come to lead to a URL: not many others of its merchant do. */
export function isFewAt({ merchant, id }: Pick<EndpointRow, "merchant" | "id">, url: string): SQL {
  return sql`(select count(*) from ${endpoints} where ${endpoints.merchant} = ${merchant} and ${endpoints.id} <> ${id}
    and ${endpoints.url} = ${url}) < ${MAX_OF_URL}`;
}

/** Refuses an endpoint that may not come to lead to a URL, by {@link isFewAt}. Throws the problem `invalid`. */
export async function requireFewAt(env: Env, key: Pick<EndpointRow, "merchant" | "id">, url: string): Promise<void> {
  const { isFew } = await drizzle(env.DB).get<{ isFew: number }>(sql`select ${isFewAt(key, url)} as isFew`);
  if (isFew === 0) {
    throw invalid("/url", "too_many_of_url", `${MAX_OF_URL} endpoints of yours lead there already.`);
  }
}

/** The caller's endpoint of an id; null where there is none. */
export async function readEndpoint(c: Context<ApiEnv>, id: string): Promise<EndpointRow | null> {
  const [row = null] = await drizzle(c.env.DB).select().from(endpoints).where(isEndpoint(c, id));
  return row;
}
