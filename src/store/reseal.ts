import type { Channel } from "../event/channels.ts";
import { log } from "../platform/log.ts";
import { markOf, open, reseal, seal } from "../platform/secret-box.ts";
import { accountRow, credentialRow } from "./config.ts";
import { headerRow } from "./endpoint-headers.ts";
import { rowOf } from "./endpoint-secrets.ts";
import { addressHash, addressRow, suppressionRow, type AddressedChannel } from "./people.ts";
import { signingRow } from "./signing-keys.ts";

/** So many values are sealed anew in one call, with two statements each at most: an invocation may ask D1 for 1,000. */
const BITE = 250;

/**
 * How a re-sealing stands. `resealed`: values taken up just now; `left`: those still under the previous key;
 * `unaddressed`: hashes of addresses that nobody knows.
 */
export interface Resealed {
  resealed: number;
  left: number;
  unaddressed: number;
}

/** A column that holds sealed texts, alone or inside JSON. `row`: what those of a row are sealed under, by its key. */
interface SealedColumn {
  table: string;
  key: string[];
  column: string;
  row: (key: string[]) => string;
  /** A column with the keyed hash of the address that `column` holds sealed, made with the same key. */
  hash?: { column: string; channel: AddressedChannel };
}

/** Everything that is sealed, but for `suppressions`, whose hashes are part of their keys. */
const COLUMNS: SealedColumn[] = [
  { table: "endpoints", key: ["merchant", "id"], column: "secret", row: endpointRow },
  { table: "endpoints", key: ["merchant", "id"], column: "previous_secrets", row: endpointRow },
  {
    table: "endpoints",
    key: ["merchant", "id"],
    column: "secret_headers",
    row: ([merchant, id]) => headerRow({ merchant: merchant!, id: id! }),
  },
  { table: "sources", key: ["id"], column: "secrets", row: ([id]) => id! },
  { table: "sources", key: ["id"], column: "credential", row: ([id]) => credentialRow(id!) },
  { table: "merchants", key: ["id"], column: "signing_keys", row: ([id]) => signingRow(id!) },
  { table: "quarantine", key: ["merchant", "id"], column: "request", row: ([, id]) => id! },
  {
    table: "channel_accounts",
    key: ["merchant", "channel"],
    column: "secrets",
    row: ([merchant, channel]) => accountRow({ merchant: merchant!, channel: channel as Channel }),
  },
  {
    table: "users",
    key: ["merchant", "id"],
    column: "email",
    row: ([merchant, user]) => addressRow({ merchant: merchant!, user: user! }, "email"),
    hash: { column: "email_hash", channel: "email" },
  },
  {
    table: "users",
    key: ["merchant", "id"],
    column: "phone",
    row: ([merchant, user]) => addressRow({ merchant: merchant!, user: user! }, "sms"),
    hash: { column: "phone_hash", channel: "sms" },
  },
];

/**
 * Seals anew, with the key that seals, up to {@link BITE} values that the previous key has sealed, and makes the hashes
 * beside them with it. Each is written only where it is still what was read: what is changed meanwhile is left to the
 * next call, which goes on where this one ended. Throws where D1 does.
 */
export async function resealSome(env: Env, previousKey: string): Promise<Resealed> {
  const mark = await markOf(previousKey);
  let resealed = await resealSuppressions(env, mark, BITE);
  for (const column of COLUMNS) {
    resealed += await resealColumn(env, mark, column, BITE - resealed);
  }
  const { left, unaddressed } = await countLeft(env.DB, mark);
  return { resealed, left, unaddressed };
}

async function resealColumn(env: Env, mark: string, sealed: SealedColumn, limit: number): Promise<number> {
  const { table, key, column, hash } = sealed;
  const { results } = await env.DB.prepare(
    `SELECT json_array(${key.join(", ")}) AS key, ${column} AS text FROM ${table} WHERE instr(${column}, ?1) > 0 LIMIT ?2`,
  )
    .bind(mark, limit)
    .all<{ key: string; text: string }>();
  const where = [`${column} = ?2`, ...key.map((name, i) => `${name} = ?${i + 4}`)].join(" AND ");
  const set = `${column} = ?1${hash ? `, ${hash.column} = ?3` : ""}`;
  return write(env.DB, table, results, async (row) => {
    const keys = JSON.parse(row.key) as string[];
    const text = await reseal(env, sealed.row(keys), row.text);
    const address = hash && (await open(env, sealed.row(keys), text));
    const hashed = hash ? await addressHash(env, keys[0]!, hash.channel, address!) : null;
    return [env.DB.prepare(`UPDATE ${table} SET ${set} WHERE ${where}`).bind(text, row.text, hashed, ...keys)];
  });
}

/** An address that is not used again. `user`: the one who has it, where it is known by its hash alone. */
interface Suppression {
  merchant: string;
  channel: AddressedChannel;
  hash: string;
  sealed: string;
  user: string | null;
}

/**
 * The hash of a suppression is part of its key, so it moves to a new row, and into the one that is there already under
 * the new hash. Before users are: what the release before wrote has no address but through a user of the same hash.
 */
async function resealSuppressions(env: Env, mark: string, limit: number): Promise<number> {
  const known = `s.merchant, s.channel, s.address_hash AS hash`;
  const ofUser = (channel: AddressedChannel, column: string) =>
    `SELECT * FROM (SELECT ${known}, u.${column} AS sealed, u.id AS user FROM suppressions s
      JOIN users u ON u.merchant = s.merchant AND u.${column}_hash = s.address_hash
      WHERE s.channel = '${channel}' AND s.address IS NULL GROUP BY s.merchant, s.address_hash LIMIT ?2)`;
  const { results } = await env.DB.prepare(
    `SELECT * FROM (SELECT ${known}, s.address AS sealed, NULL AS user FROM suppressions s
        WHERE instr(s.address, ?1) > 0 LIMIT ?2)
      UNION ALL ${ofUser("email", "email")} UNION ALL ${ofUser("sms", "phone")} LIMIT ?2`,
  )
    .bind(mark, limit)
    .all<Suppression>();
  return write(env.DB, "suppressions", results, (one) => moveSuppression(env, one));
}

async function moveSuppression(env: Env, one: Suppression): Promise<D1PreparedStatement[]> {
  const { merchant, channel, hash, sealed, user } = one;
  const before = { merchant, channel, addressHash: hash };
  const row = user === null ? suppressionRow(before) : addressRow({ merchant, user }, channel);
  const address = await open(env, row, sealed);
  const after = { ...before, addressHash: await addressHash(env, merchant, channel, address) };
  const again = await seal(env.ENCRYPTION_KEY, suppressionRow(after), address);
  const isOne = `merchant = ?1 AND channel = ?2 AND address_hash = ?3`;
  if (after.addressHash === hash) {
    const set = `UPDATE suppressions SET address = ?4 WHERE ${isOne}`;
    return [env.DB.prepare(set).bind(merchant, channel, hash, again)];
  }
  return [
    env.DB.prepare(
      `INSERT INTO suppressions (merchant, channel, address_hash, reason, created_at, address)
        SELECT merchant, channel, ?4, reason, created_at, ?5 FROM suppressions WHERE ${isOne}
        ON CONFLICT (merchant, channel, address_hash) DO UPDATE SET reason = excluded.reason
        WHERE excluded.reason = 'opted_out'`,
    ).bind(merchant, channel, hash, after.addressHash, again),
    env.DB.prepare(`DELETE FROM suppressions WHERE ${isOne}`).bind(merchant, channel, hash),
  ];
}

/**
 * Writes what `make` makes of each row, all at once; of how many rows that is. A row that does not open is logged and
 * left: it must not hold up the others.
 */
async function write<T>(
  db: D1Database,
  table: string,
  rows: T[],
  make: (row: T) => Promise<D1PreparedStatement[]>,
): Promise<number> {
  const made = await Promise.allSettled(rows.map(make));
  const statements = made.flatMap((one) => {
    if (one.status === "fulfilled") {
      return one.value;
    }
    log.error("reseal.failed", { table, error: String(one.reason) });
    return [];
  });
  if (statements.length > 0) {
    await db.batch(statements);
  }
  return made.filter(({ status }) => status === "fulfilled").length;
}

/** What the previous key has sealed and is still there, and hashes of addresses that nobody knows. */
async function countLeft(db: D1Database, mark: string): Promise<{ left: number; unaddressed: number }> {
  const sealed = [...COLUMNS, { table: "suppressions", column: "address" }];
  const counts = sealed.map(({ table, column }) => `(SELECT count(*) FROM ${table} WHERE instr(${column}, ?1) > 0)`);
  const found = await db
    .prepare(
      `SELECT ${counts.join(" + ")} AS sealed, (SELECT count(*) FROM suppressions WHERE address IS NULL) AS unaddressed`,
    )
    .bind(mark)
    .first<{ sealed: number; unaddressed: number }>();
  return { left: found!.sealed, unaddressed: found!.unaddressed };
}

function endpointRow([merchant, id]: string[]): string {
  return rowOf({ merchant: merchant!, id: id! });
}
