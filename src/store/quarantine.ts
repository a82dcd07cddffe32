import { and, eq, getTableColumns } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import type { Quarantined } from "../outbox/contract.ts";
import { fromBase64, toBase64 } from "../platform/base64.ts";
import { open, seal } from "../platform/secret-box.ts";
import { quarantine } from "./schema.ts";

/** A request as its provider signed it: what an adapter reads. */
interface Came<Body extends Uint8Array = Uint8Array> {
  body: Body;
  headers: Headers;
  url: string;
}

/** What a list shows of a quarantined request: all but the request. */
const { body: _, request: __, hash: ___, ...listed } = getTableColumns(quarantine);
export { listed };

/** The columns that hold a request: the bytes in base64, the rest sealed, since a header may be a secret. */
export async function closeRequest(env: Env, id: string, { body, headers, url }: Came) {
  const rest = JSON.stringify({ url, headers: [...headers] });
  return { body: toBase64(body), request: await seal(env.ENCRYPTION_KEY, id, rest) };
}

/** The request of a row, as it came. Throws where its key is gone. */
export async function openRequest(
  env: Env,
  { id, body, request }: Quarantined,
): Promise<Came<Uint8Array<ArrayBuffer>>> {
  const { url, headers } = JSON.parse(await open(env, id, request)) as { url: string; headers: [string, string][] };
  return { body: fromBase64(body) ?? new Uint8Array(), headers: new Headers(headers), url };
}

/** Writes a row; the same bytes of a source once. Throws where D1 does. */
export async function keepQuarantined(db: D1Database, row: Quarantined): Promise<void> {
  await drizzle(db).insert(quarantine).values(row).onConflictDoNothing();
}

/** One quarantined request of a merchant. */
export async function quarantinedById(db: D1Database, merchant: string, id: string): Promise<Quarantined | undefined> {
  const [row] = await drizzle(db).select().from(quarantine).where(isQuarantined(merchant, id));
  return row;
}

/** That a row is this one of a merchant's. */
export function isQuarantined(merchant: string, id: string) {
  return and(eq(quarantine.merchant, merchant), eq(quarantine.id, id));
}
