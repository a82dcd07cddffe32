import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { log } from "../platform/log.ts";
import { open, type EncryptionKeys } from "../platform/secret-box.ts";
import { copyOf, type Found } from "./copies.ts";
import { endpoints } from "./schema.ts";

/** What an endpoint wants sent besides what every webhook has: the secret values still sealed. */
export interface StoredHeaders {
  headers: Record<string, string> | null;
  secretHeaders: Record<string, string> | null;
}

type Named = { merchant: string; id: string };

/**
 * Headers longer than this are not loaded with the configuration, but where they are sent: earlier releases took
 * megabytes of them. What can be stored now is shorter, sealed too.
 */
const INLINE_BYTES = 20_000;

const isInline = sql`coalesce(octet_length(${endpoints.headers}), 0)
  + coalesce(octet_length(${endpoints.secretHeaders}), 0) <= ${INLINE_BYTES}`;

/** The columns of an endpoint's headers, null where they are long, and whether that is so. */
export const HEADER_COLUMNS = {
  headers: sql<StoredHeaders["headers"]>`iif(${isInline}, ${endpoints.headers}, null)`.mapWith(endpoints.headers),
  secretHeaders: sql<StoredHeaders["secretHeaders"]>`iif(${isInline}, ${endpoints.secretHeaders}, null)`.mapWith(
    endpoints.secretHeaders,
  ),
  isInline: sql<number>`${isInline}`,
};

/** What this isolate has opened, as long as the copy that it belongs to. */
const opened = new WeakMap<StoredHeaders, Record<string, string>>();

/**
 * All headers of an endpoint, opened when they are first sent. `stored`: as the configuration has them; null: they are
 * looked up. Not ok: D1 does not answer, or a key is gone.
 */
export async function headersOf(
  env: Env,
  { merchant, id, headers: stored }: Named & { headers: StoredHeaders | null },
  now = Date.now(),
): Promise<Found<Record<string, string>>> {
  if (stored !== null) {
    try {
      return { ok: true, value: await openOnce(env, { merchant, id }, stored) };
    } catch (error) {
      log.warn("store.load_failed", { error });
      return { ok: false, reason: "unavailable" };
    }
  }
  const found = await copyOf(`headers/${merchant}/${id}`, now, async () => {
    const { headers, secretHeaders } = endpoints;
    const [row] = await drizzle(env.DB)
      .select({ headers, secretHeaders })
      .from(endpoints)
      .where(and(eq(endpoints.merchant, merchant), eq(endpoints.id, id)));
    return row ? { merchant, value: await openAll(env, { merchant, id }, row) } : null;
  });
  return found.ok ? { ok: true, value: found.value ?? {} } : found;
}

/** What the values of an endpoint's secret headers are sealed under. */
export function headerRow({ merchant, id }: Named): string {
  return `${merchant}/${id}/headers`;
}

/** Secret headers, opened. Throws where a key is gone. */
export async function openHeaders(
  keys: EncryptionKeys,
  row: Named,
  sealed: Record<string, string>,
): Promise<Record<string, string>> {
  const all = Object.entries(sealed).map(async ([name, value]) => {
    return [name, await open(keys, headerRow(row), value)] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

async function openOnce(env: Env, row: Named, stored: StoredHeaders): Promise<Record<string, string>> {
  const known = opened.get(stored);
  if (known !== undefined) {
    return known;
  }
  const value = await openAll(env, row, stored);
  opened.set(stored, value);
  return value;
}

async function openAll(env: Env, row: Named, { headers, secretHeaders }: StoredHeaders) {
  return { ...headers, ...(await openHeaders(env, row, secretHeaders ?? {})) };
}
