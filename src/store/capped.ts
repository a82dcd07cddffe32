import { getTableColumns, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * The statement that inserts a row where a condition holds: counted and written in one, so that no two calls at once
 * both find the last place free.
 */
export function insertWhere<T extends SQLiteTable>(d1: D1Database, table: T, row: T["$inferSelect"], where: SQL) {
  const given = new Map<string, unknown>(Object.entries(row));
  const values = Object.entries(getTableColumns(table)).map(
    ([name, column]) => sql`${sql.param(given.get(name), column)}`,
  );
  return drizzle(d1)
    .insert(table)
    .select(sql`select ${sql.join(values, sql`, `)} where ${where}`);
}

/** That a merchant has fewer than `cap` rows in a table, of those for which `counted` holds. */
export function hasFewer(table: SQLiteTable, merchant: string, cap: number, counted: SQL = sql`true`): SQL {
  return sql`(select count(*) from ${table} where merchant = ${merchant} and ${counted}) < ${cap}`;
}
