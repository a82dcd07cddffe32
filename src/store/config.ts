import { and, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import type { Channel } from "../event/channels.ts";
import type { Authenticity } from "../event/event.ts";
import type { Payload } from "../event/envelope.ts";
import type { Filter } from "../event/filter.ts";
import type { Ordering } from "../outbox/contract.ts";
import { open } from "../platform/secret-box.ts";
import { among } from "./among.ts";
import { copiesOf, copyOf, freshCopy, hasCopy, type Found, type Loaded } from "./copies.ts";
import { HEADER_COLUMNS, type StoredHeaders } from "./endpoint-headers.ts";
import { openSecrets, type SigningSecret } from "./endpoint-secrets.ts";
import { Gathered } from "./gathered.ts";
import {
  apiKeys,
  channelAccounts,
  endpoints,
  merchants,
  sources,
  usage,
  type EndpointStatus,
  type Scope,
} from "./schema.ts";
import { openSigningKeys } from "./signing-keys.ts";
import { monthOf } from "./usage.ts";

export { forget, type Found } from "./copies.ts";

/** An endpoint with what signs its webhooks opened, the newest first: as planning and delivery use it. */
export interface Endpoint {
  id: string;
  merchant: string;
  url: string;
  status: EndpointStatus;
  /** The host that has to be verified before it is sent anything; null: none. */
  awaitsHost: string | null;
  /** Whether its gate is to be asked before every attempt and told of each. */
  watch: boolean;
  /** How many attempts Paybell makes a second at most. `null`: no limit. */
  rateLimit: number | null;
  /** Its own secrets, then its merchant's keys, if it wants their signatures too. */
  secrets: SigningSecret[];
  /** Event types and families of them that it wants; null: all. */
  eventTypes: string[] | null;
  /** As stored, the secret ones too; null: they are long, and looked up where they are sent (`headersOf`). */
  headers: StoredHeaders | null;
  ordering: Ordering;
  maxHoldSeconds: number;
  /** Delays before the second and later attempts; null: the default schedule. */
  retryScheduleSeconds: number[] | null;
  timeoutSeconds: number;
  includeStale: boolean;
  /** `true`: only live events; `false`: only test events; `null`: both. */
  livemode: boolean | null;
  compat: "svix" | null;
  /** Only events that it lets through; null: all. */
  filter: Filter | null;
  payload: Payload;
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
  /** What an event has to reach for people to hear of it. */
  minAuthenticity: Authenticity;
  /** By what the provider's API is asked about what it posts, as the enricher has it. */
  credential: Record<string, unknown> | null;
}

/** A merchant's account at the provider of a channel, with its secrets opened. */
export interface ChannelAccount {
  merchant: string;
  channel: Channel;
  provider: string;
  /** As the provider's adapter has it: settings and secrets together. */
  account: Record<string, unknown>;
  updatedAt: number;
}

/** What planning and delivery need to know of a merchant. */
export interface MerchantConfig {
  id: string;
  name: string | null;
  status: "active" | "suspended";
  /** What its mail at the operator's domains begins with; null: by its id. */
  emailName: string | null;
  /** Emails a day from the operator's domains; null: as many as the operator lets everybody. */
  dailyEmailLimit: number | null;
  /** Where it wants to be told of what goes wrong. */
  alertEmail: string | null;
  /** It has had as many events this month as it may, by the count of some minutes ago. */
  isOverQuota: boolean;
  endpoints: Endpoint[];
  /** At most one a channel. */
  accounts: ChannelAccount[];
}

/** An API key as it authenticates: whose it is and what it may do. */
export interface ApiKey {
  id: string;
  merchant: string;
  merchantStatus: "active" | "suspended";
  scopes: Scope[];
}

/** A merchant with its endpoints and accounts, from this isolate's copy. `now`: epoch ms. */
export async function merchantConfig(env: Env, id: string, now = Date.now()): Promise<Found<MerchantConfig | null>> {
  const found = await merchantConfigs(env, [id], now);
  return found.ok ? { ok: true, value: found.value.get(id) ?? null } : found;
}

/** Several merchants: those of which the copy is old in one round trip. */
export async function merchantConfigs(
  env: Env,
  ids: string[],
  now = Date.now(),
): Promise<Found<Map<string, MerchantConfig>>> {
  const found = await copiesOf(ids.map(keyOfMerchant), now, async (keys) =>
    loadMerchants(
      env,
      ids.filter((id) => keys.includes(keyOfMerchant(id))),
    ),
  );
  return found.ok ? { ok: true, value: new Map([...found.value.values()].map((one) => [one.id, one])) } : found;
}

/** A merchant as D1 has it now, past this isolate's copy, which stays as good as it is where D1 fails. */
export async function freshConfig(env: Env, id: string, now = Date.now()): Promise<Found<MerchantConfig | null>> {
  const key = keyOfMerchant(id);
  return freshCopy(key, now, async () => (await loadMerchants(env, [id])).get(key)!);
}

/** A source with its secrets opened. `isGathered`: whoever asks has been refused too often. */
export async function sourceById(
  env: Env,
  id: string,
  now = Date.now(),
  isGathered = false,
): Promise<Found<Source | null>> {
  const key = `source/${id}`;
  return copyOf(key, now, async () => {
    const row = await gatheredSources.one(env, id, isGathered && !hasCopy(key));
    return row ? { merchant: row.merchant, value: await openSource(env, row) } : null;
  });
}

/** The API key of a hash; null where there is none or it was revoked. `isGathered`: as of {@link sourceById}. */
export async function keyByHash(
  env: Env,
  hash: string,
  now = Date.now(),
  isGathered = false,
): Promise<Found<ApiKey | null>> {
  const key = `key/${hash}`;
  return copyOf(key, now, async () => {
    const row = await gatheredKeys.one(env, hash, isGathered && !hasCopy(key));
    return row ? { merchant: row.merchant, value: row } : null;
  });
}

const gatheredSources = new Gathered(loadSources);
const gatheredKeys = new Gathered(loadKeys);

async function loadSources(env: Env, ids: string[]): Promise<Map<string, typeof sources.$inferSelect>> {
  const rows = await drizzle(env.DB)
    .select()
    .from(sources)
    .where(sql`${sources.id} in ${among(ids)}`);
  return new Map(rows.map((row) => [row.id, row]));
}

async function loadKeys(env: Env, hashes: string[]): Promise<Map<string, ApiKey>> {
  const { id, merchant, scopes, hash } = apiKeys;
  const rows = await drizzle(env.DB)
    .select({ hash, id, merchant, merchantStatus: merchants.status, scopes })
    .from(apiKeys)
    .innerJoin(merchants, eq(merchants.id, merchant))
    .where(and(sql`${hash} in ${among(hashes)}`, isNull(apiKeys.revokedAt)));
  return new Map(rows.map(({ hash, ...key }) => [hash, key]));
}

function keyOfMerchant(id: string): string {
  return `merchant/${id}`;
}

async function loadMerchants(env: Env, ids: string[]): Promise<Map<string, Loaded<MerchantConfig | null>>> {
  const db = drizzle(env.DB);
  const isOverQuota = sql<number>`exists (select 1 from ${usage} where ${usage.merchant} = ${merchants.id}
    and ${usage.month} = ${monthOf(Date.now())} and ${usage.events} >= ${merchants.monthlyEventLimit})`;
  const wanted = among(ids);
  const [merchantRows, endpointRows, accountRows] = await db.batch([
    db
      .select({
        id: merchants.id,
        name: merchants.name,
        status: merchants.status,
        emailName: merchants.emailName,
        dailyEmailLimit: merchants.dailyEmailLimit,
        alertEmail: merchants.alertEmail,
        signingKeys: merchants.signingKeys,
        isOverQuota,
      })
      .from(merchants)
      .where(sql`${merchants.id} in ${wanted}`),
    db
      .select({ ...getTableColumns(endpoints), ...HEADER_COLUMNS })
      .from(endpoints)
      .where(sql`${endpoints.merchant} in ${wanted}`),
    db
      .select()
      .from(channelAccounts)
      .where(sql`${channelAccounts.merchant} in ${wanted}`),
  ]);
  const found = new Map(merchantRows.map((row) => [row.id, row]));
  const byMerchant = Map.groupBy(
    await Promise.all(endpointRows.map((row) => openEndpoint(env, row, found.get(row.merchant)))),
    ({ merchant }) => merchant,
  );
  const accounts = await Promise.all(accountRows.map((row) => openAccount(env, row)));
  return new Map(
    ids.map((merchant) => {
      const row = found.get(merchant);
      const value = row && {
        id: row.id,
        name: row.name,
        status: row.status,
        emailName: row.emailName,
        dailyEmailLimit: row.dailyEmailLimit,
        alertEmail: row.alertEmail,
        isOverQuota: row.isOverQuota === 1,
        endpoints: byMerchant.get(merchant) ?? [],
        accounts: accounts.filter((account) => account.merchant === merchant),
      };
      return [keyOfMerchant(merchant), { merchant, value: value ?? null }];
    }),
  );
}

async function openEndpoint(
  env: Env,
  row: typeof endpoints.$inferSelect & { isInline: number },
  merchant: Parameters<typeof openSigningKeys>[1] | undefined,
): Promise<Endpoint> {
  const {
    secret: _,
    previousSecrets: __,
    signatures,
    eventTypes,
    headers,
    secretHeaders,
    isInline,
    retrySchedule,
    ...rest
  } = row;
  const keys = signatures === "hmac+ed25519" && merchant ? await openSigningKeys(env, merchant) : [];
  return {
    ...rest,
    eventTypes: eventTypes ?? null,
    headers: isInline === 1 ? { headers, secretHeaders } : null,
    secrets: [...(await openSecrets(env, row)), ...keys],
    retryScheduleSeconds: retrySchedule ?? null,
  };
}

async function openAccount(env: Env, row: typeof channelAccounts.$inferSelect): Promise<ChannelAccount> {
  const { merchant, channel, provider, settings, secrets, updatedAt } = row;
  const opened = await open(env, accountRow(row), secrets);
  return { merchant, channel, provider, account: { ...settings, ...(JSON.parse(opened) as object) }, updatedAt };
}

/** What an account's secrets are sealed under. */
export function accountRow({ merchant, channel }: { merchant: string; channel: Channel }): string {
  return `${merchant}/channel/${channel}`;
}

async function openSource(env: Env, row: typeof sources.$inferSelect): Promise<Source> {
  const { id, merchant, provider, config, userFrom, userPrefix, minAuthenticity } = row;
  const newestFirst = row.secrets.toSorted((a, b) => b.createdAt - a.createdAt);
  const secrets = await Promise.all(newestFirst.map(({ sealed }) => open(env, id, sealed)));
  const opened = row.credential === null ? null : await open(env, credentialRow(id), row.credential);
  const credential = opened === null ? null : (JSON.parse(opened) as Record<string, unknown>);
  return { id, merchant, provider, secrets, config, userFrom, userPrefix, minAuthenticity, credential };
}

/** What a source's credential is sealed under. */
export function credentialRow(source: string): string {
  return `${source}/credential`;
}
