import { sql, type SQL } from "drizzle-orm";

/** A list for `in`, as one parameter however long it is: D1 takes 100. */
export function among(values: readonly string[]): SQL {
  return sql`(select value from json_each(${JSON.stringify(values)}))`;
}
