import { and, eq, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import type { Ordering } from "../outbox/contract.ts";
import { log } from "../platform/log.ts";
import { open } from "../platform/secret-box.ts";
import { apiKeys, endpoints, merchants, sources, type Scope } from "./schema.ts";

/** An endpoint with its secrets opened, the newest first: as planning and delivery use it. */
export interface Endpoint {
  id: string;
  merchant: string;
  url: string;
  status: "enabled" | "disabled";
  secrets: string[];
  /** Event types that it wants; null: all. */
  eventTypes: string[] | null;
  headers: Record<string, string>;
  ordering: Ordering;
  maxHoldSeconds: number;
  /** Delays before the second and later attempts; null: the default schedule. */
  retryScheduleSeconds: number[] | null;
  timeoutSeconds: number;
  includeStale: boolean;
  /** Only events of this mode; null: both. */
  livemode: boolean | null;
  compat: "svix" | null;
}

/** A source with its secrets opened, the newest first. */
export interface Source {
  id: string;
  merchant: string;
  provider: string;
  secrets: string[];
  config: Record<string, unknown> | null;
  /** JSON Pointer into the provider's payload that names the user. */
  userFrom: string | null;
  userPrefix: string | null;
}

/** What planning and delivery need to know of a merchant. */
export interface MerchantConfig {
  id: string;
  status: "active" | "suspended";
  endpoints: Endpoint[];
}

/** An API key as it authenticates: whose it is and what it may do. */
export interface ApiKey {
  id: string;
  merchant: string;
  merchantStatus: "active" | "suspended";
  scopes: Scope[];
}

/** What was found; `value` is null where there is none. Not ok: D1 does not answer and no copy is young enough. */
export type Found<T> = { ok: true; value: T } | { ok: false; reason: "unavailable" };

/** A copy is as good as D1 for so long, and better than nothing for so long when D1 fails. */
const FRESH_MS = 5_000;
const STALE_MS = 3_600_000;
const MAX_COPIES = 5_000;

interface Copy {
  merchant: string;
  value: unknown;
  at: number;
}

/** Copies of this isolate by `kind/id`. */
const copies = new Map<string, Copy>();

/** A merchant with its endpoints, from this isolate's copy. `now`: epoch ms. */
export async function merchantConfig(env: Env, id: string, now = Date.now()): Promise<Found<MerchantConfig | null>> {
  const found = await merchantConfigs(env, [id], now);
  return found.ok ? { ok: true, value: found.value.get(id) ?? null } : found;
}

/** Several merchants with their endpoints: those of which the copy is old in one round trip. */
export async function merchantConfigs(
  env: Env,
  ids: string[],
  now = Date.now(),
): Promise<Found<Map<string, MerchantConfig>>> {
  const stale = ids.filter((id) => !isYoung(copies.get(`merchant/${id}`), FRESH_MS, now));
  if (stale.length > 0) {
    try {
      const loaded = await loadMerchants(env, stale);
      stale.forEach((id) => keep(`merchant/${id}`, { merchant: id, value: loaded.get(id) ?? null, at: now }));
    } catch (error) {
      log.warn("config.load_failed", { error: String(error) });
      if (!stale.every((id) => isYoung(copies.get(`merchant/${id}`), STALE_MS, now))) {
        return { ok: false, reason: "unavailable" };
      }
    }
  }
  const values = ids.map((id) => [id, copies.get(`merchant/${id}`)?.value as MerchantConfig | null] as const);
  return { ok: true, value: new Map(values.filter((pair): pair is [string, MerchantConfig] => pair[1] !== null)) };
}

/** A merchant as D1 has it now, past this isolate's copy, which stays as good as it is where D1 fails. */
export async function freshConfig(env: Env, id: string, now = Date.now()): Promise<Found<MerchantConfig | null>> {
  try {
    const value = (await loadMerchants(env, [id])).get(id) ?? null;
    keep(`merchant/${id}`, { merchant: id, value, at: now });
    return { ok: true, value };
  } catch (error) {
    log.warn("config.load_failed", { error: String(error) });
    return { ok: false, reason: "unavailable" };
  }
}

/** A source with its secrets opened. */
export async function sourceById(env: Env, id: string, now = Date.now()): Promise<Found<Source | null>> {
  return copyOf(`source/${id}`, now, async () => {
    const [row] = await drizzle(env.DB).select().from(sources).where(eq(sources.id, id));
    return row ? { merchant: row.merchant, value: await openSource(env, row) } : null;
  });
}

/** The API key of a hash; null where there is none or it was revoked. */
export async function keyByHash(env: Env, hash: string, now = Date.now()): Promise<Found<ApiKey | null>> {
  return copyOf(`key/${hash}`, now, async () => {
    const [row] = await drizzle(env.DB)
      .select({ id: apiKeys.id, merchant: apiKeys.merchant, merchantStatus: merchants.status, scopes: apiKeys.scopes })
      .from(apiKeys)
      .innerJoin(merchants, eq(merchants.id, apiKeys.merchant))
      .where(and(eq(apiKeys.hash, hash), isNull(apiKeys.revokedAt)));
    return row ? { merchant: row.merchant, value: row } : null;
  });
}

/** Forgets what this isolate knows of a merchant: a change that it made holds at once. */
export function forget(merchant: string): void {
  for (const [key, copy] of copies) {
    if (copy.merchant === merchant) {
      copies.delete(key);
    }
  }
}

async function copyOf<T>(
  key: string,
  now: number,
  load: () => Promise<{ merchant: string; value: T } | null>,
): Promise<Found<T | null>> {
  const copy = copies.get(key);
  if (copy && isYoung(copy, FRESH_MS, now)) {
    return { ok: true, value: copy.value as T };
  }
  try {
    const loaded = await load();
    if (loaded === null) {
      copies.delete(key);
      return { ok: true, value: null };
    }
    keep(key, { ...loaded, at: now });
    return { ok: true, value: loaded.value };
  } catch (error) {
    log.warn("config.load_failed", { error: String(error) });
    return copy && isYoung(copy, STALE_MS, now)
      ? { ok: true, value: copy.value as T }
      : { ok: false, reason: "unavailable" };
  }
}

async function loadMerchants(env: Env, ids: string[]): Promise<Map<string, MerchantConfig>> {
  const db = drizzle(env.DB);
  const wanted = sql`(select value from json_each(${JSON.stringify(ids)}))`;
  const [merchantRows, endpointRows] = await db.batch([
    db
      .select({ id: merchants.id, status: merchants.status })
      .from(merchants)
      .where(sql`${merchants.id} in ${wanted}`),
    db
      .select()
      .from(endpoints)
      .where(sql`${endpoints.merchant} in ${wanted}`),
  ]);
  const opened = await Promise.all(endpointRows.map((row) => openEndpoint(env, row)));
  const byMerchant = Map.groupBy(opened, ({ merchant }) => merchant);
  return new Map(
    merchantRows.map(({ id, status }) => [id, { id, status, endpoints: byMerchant.get(id) ?? [] }] as const),
  );
}

async function openEndpoint(env: Env, row: typeof endpoints.$inferSelect): Promise<Endpoint> {
  const { secret, eventTypes, headers, retrySchedule, ...rest } = row;
  return {
    ...rest,
    eventTypes: eventTypes ?? null,
    headers: headers ?? {},
    secrets: [await open(env.ENCRYPTION_KEY, rowOf(row), secret)],
    retryScheduleSeconds: retrySchedule ?? null,
  };
}

/** What an endpoint's secret is sealed under: its id is the merchant's own. */
export function rowOf({ merchant, id }: { merchant: string; id: string }): string {
  return `${merchant}/${id}`;
}

async function openSource(env: Env, row: typeof sources.$inferSelect): Promise<Source> {
  const { id, merchant, provider, config, userFrom, userPrefix } = row;
  const newestFirst = row.secrets.toSorted((a, b) => b.createdAt - a.createdAt);
  const secrets = await Promise.all(newestFirst.map(({ sealed }) => open(env.ENCRYPTION_KEY, id, sealed)));
  return { id, merchant, provider, secrets, config, userFrom, userPrefix };
}

function isYoung(copy: Copy | undefined, ageMs: number, now: number): boolean {
  return copy !== undefined && now - copy.at < ageMs;
}

function keep(key: string, copy: Copy): void {
  copies.delete(key);
  copies.set(key, copy);
  if (copies.size > MAX_COPIES) {
    copies.delete(copies.keys().next().value!);
  }
}
