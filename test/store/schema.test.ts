import { env } from "cloudflare:workers";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";

import {
  apiKeys,
  audit,
  channelAccounts,
  deadLetters,
  deliveries,
  endpointHosts,
  emailCounts,
  endpoints,
  erasures,
  events,
  jobs,
  merchants,
  parked,
  quarantine,
  quarantineUsage,
  sources,
  suppressions,
  sweeps,
  usage,
  users,
} from "../../src/store/schema.ts";

interface Column {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}

const tables = [
  merchants,
  apiKeys,
  sources,
  endpointHosts,
  endpoints,
  channelAccounts,
  users,
  suppressions,
  events,
  deliveries,
  audit,
  usage,
  emailCounts,
  sweeps,
  erasures,
  parked,
  jobs,
  deadLetters,
  quarantine,
  quarantineUsage,
].map(getTableConfig);

const byName = (a: Column, b: Column) => (a.name < b.name ? -1 : 1);

describe("the drizzle schema", () => {
  it.each(tables)("has the columns that the migrations make: $name", async ({ name, columns, primaryKeys }) => {
    const { results } = await env.DB.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)')
      .bind(name)
      .all<Column>();
    const composite = primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
    const declared = columns.map((column) => ({
      name: column.name,
      type: column.getSQLType().toUpperCase(),
      notnull: Number(column.notNull || column.primary),
      pk: column.primary ? 1 : composite.indexOf(column.name) + 1,
    }));
    expect(declared.toSorted(byName)).toEqual(results.toSorted(byName));
  });

  it("leaves out no table", async () => {
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'd1\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    ).all<{ name: string }>();
    expect(results.map(({ name }) => name)).toEqual(tables.map(({ name }) => name).toSorted());
  });
});
