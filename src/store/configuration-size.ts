import { eq, getTableColumns, SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";

import { CAPS } from "../platform/caps.ts";
import { ProblemError } from "../platform/problem.ts";
import { channelAccounts, endpoints, sources } from "./schema.ts";

/** What a merchant's configuration is weighed by: the columns that may be long. */
const WEIGHED = [
  {
    table: endpoints,
    columns: ["url", "eventTypes", "filter", "headers", "secretHeaders", "retrySchedule", "description"],
  },
  { table: sources, columns: ["secrets", "config", "credential", "userFrom", "userPrefix", "description"] },
  { table: channelAccounts, columns: ["settings", "secrets"] },
] as const;

/** Bytes by which a merchant's configuration grows when a row is written. */
export type Growth = SQL<number>;

/**
 * How much a row of the configuration grows by what is written into it. `written`: columns with the values that they
 * get, or with SQL that works them out. `isRow`: which row that is; there may be none yet.
 */
export function growthBy(table: SQLiteTable, written: object, isRow: SQL | undefined): Growth {
  const names: readonly string[] = WEIGHED.find((one) => one.table === table)!.columns;
  const values = new Map(Object.entries(written));
  const changed = columnsOf(
    table,
    names.filter((name) => values.has(name)),
  );
  const after = changed.map(([name, column]) => {
    const value: unknown = values.get(name);
    return value instanceof SQL
      ? sql`(select coalesce(octet_length(${value}), 0) from ${table} where ${isRow})`
      : sql`${bytesOf(column, value)}`;
  });
  const before = bytes(changed.map(([, column]) => column));
  return sql<number>`(${sql.join([sql`0`, ...after], sql` + `)} - coalesce((select ${before} from ${table} where ${isRow}), 0))`;
}

/** That a merchant's configuration is small enough with a change, or that the change makes it no larger. */
export function fits(merchant: string, growth: Growth): SQL {
  const sums = WEIGHED.map(({ table, columns }) => {
    const sum = bytes(columnsOf(table, columns).map(([, column]) => column));
    return sql`(select coalesce(sum(${sum}), 0) from ${table} where ${eq(table.merchant, merchant)})`;
  });
  return sql`(${growth} <= 0 or ${sql.join([...sums, growth], sql` + `)} <= ${CAPS.configurationBytes})`;
}

/** For a change that was not made: throws the problem `configuration_too_large` where that is why. */
export async function requireFits(d1: D1Database, merchant: string, growth: Growth): Promise<void> {
  const row = await drizzle(d1).get<{ fits: number }>(sql`select ${fits(merchant, growth)} as fits`);
  if (row?.fits === 0) {
    throw new ProblemError("configuration_too_large", {
      detail: `Endpoints, sources and channels of a merchant have at most ${CAPS.configurationBytes} bytes together: shorten filters, headers or lists of event types, or delete what is no longer used.`,
    });
  }
}

function columnsOf(table: SQLiteTable, names: readonly string[]): [name: string, column: SQLiteColumn][] {
  return Object.entries(getTableColumns(table)).filter(([name]) => names.includes(name));
}

function bytes(columns: SQLiteColumn[]): SQL {
  const each = columns.map((column) => sql`coalesce(octet_length(${column}), 0)`);
  return each.length === 0 ? sql`0` : sql.join(each, sql` + `);
}

/** As long as SQLite stores a value. */
function bytesOf(column: SQLiteColumn, value: unknown): number {
  const stored = value === null || value === undefined ? "" : column.mapToDriverValue(value);
  return new TextEncoder().encode(String(stored)).byteLength;
}
