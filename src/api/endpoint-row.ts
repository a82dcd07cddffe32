import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { endpoints } from "../store/schema.ts";
import type { ApiEnv } from "./api-env.ts";

export type EndpointRow = typeof endpoints.$inferSelect;

/** Whether a row is the caller's endpoint of an id. */
export function isEndpoint(c: Context<ApiEnv>, id: string) {
  return and(eq(endpoints.merchant, c.get("merchant")), eq(endpoints.id, id));
}

/** The caller's endpoint of an id; null where there is none. */
export async function readEndpoint(c: Context<ApiEnv>, id: string): Promise<EndpointRow | null> {
  const [row = null] = await drizzle(c.env.DB).select().from(endpoints).where(isEndpoint(c, id));
  return row;
}
