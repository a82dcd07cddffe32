import { and, eq, sql, type SQL } from "drizzle-orm";

import { rotate, validAt } from "../platform/rotation.ts";
import { open, seal, type EncryptionKeys } from "../platform/secret-box.ts";
import { endpoints } from "./schema.ts";

type Row = typeof endpoints.$inferSelect;
type Columns = Pick<Row, "secret" | "previousSecrets">;
type Secrets = Columns & Pick<Row, "merchant" | "id">;

/** What signs webhooks: `whsec_`, or `whsk_`. `expiresAt`: epoch ms until which it does; null: until it is replaced. */
export interface SigningSecret {
  secret: string;
  expiresAt: number | null;
}

/** A window over the change of a secret, in epoch ms: the one that is replaced signs until `until`. */
export interface Overlap {
  now: number;
  until: number;
}

/** What an endpoint's secrets are sealed under: its id is the merchant's own. */
export function rowOf({ merchant, id }: { merchant: string; id: string }): string {
  return `${merchant}/${id}`;
}

/** An endpoint's secrets, opened, the newest first. Some may have expired since the row was written. */
export async function openSecrets(keys: EncryptionKeys, row: Secrets): Promise<SigningSecret[]> {
  return (await openAll(keys, row)).map(({ secret, expiresAt }) => ({ secret, expiresAt }));
}

/** The columns of an endpoint that has one secret and never had another. */
export async function firstSecret(
  keys: EncryptionKeys,
  key: Pick<Row, "merchant" | "id">,
  secret: string,
): Promise<Columns> {
  return { secret: await seal(keys.ENCRYPTION_KEY, rowOf(key), secret), previousSecrets: [] };
}

/**
 * The columns of a row once `secret` is its newest. The newest until now signs on through the overlap; the same one
 * again changes nothing, and an older one is the newest again. Null: too many would be valid.
 */
export async function replaceSecret(
  keys: EncryptionKeys,
  row: Secrets,
  secret: string,
  overlap: Overlap,
): Promise<Columns | null> {
  const all = await openAll(keys, row);
  if (all[0]?.secret === secret) {
    return toColumns(validAt(all, overlap.now));
  }
  const next = { secret, sealed: await seal(keys.ENCRYPTION_KEY, rowOf(row), secret), expiresAt: null };
  const others = all.filter((one) => one.secret !== secret);
  const rotated = rotate(others, next, overlap);
  return rotated && toColumns(rotated);
}

/** Where a row's secrets are still those that were read: nobody has replaced or re-sealed them since. */
export function isAsRead({ merchant, id, secret, previousSecrets }: Secrets): SQL | undefined {
  return and(
    eq(endpoints.merchant, merchant),
    eq(endpoints.id, id),
    eq(endpoints.secret, secret),
    eq(endpoints.previousSecrets, previousSecrets),
  );
}

/** The column of replaced secrets without those that have expired at `now` (epoch ms). */
export function unexpired(now: number): SQL {
  return sql`(select json_group_array(json(value)) from json_each(${endpoints.previousSecrets})
    where value->>'expiresAt' > ${now})`;
}

type Opened = SigningSecret & { sealed: string };

async function openAll(keys: EncryptionKeys, row: Secrets): Promise<Opened[]> {
  const sealed = [{ sealed: row.secret, expiresAt: null }, ...row.previousSecrets];
  return Promise.all(sealed.map(async (one) => ({ ...one, secret: await open(keys, rowOf(row), one.sealed) })));
}

/** The newest is the one without an end, and there always is one. */
function toColumns([newest, ...previous]: Opened[]): Columns {
  return {
    secret: newest!.sealed,
    previousSecrets: previous.map(({ sealed, expiresAt }) => ({ sealed, expiresAt: expiresAt! })),
  };
}
