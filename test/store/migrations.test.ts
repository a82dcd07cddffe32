import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

/** The migrations that made the log what it is met empty tables. Those that come after them meet large ones. */
const MADE_THE_LOG = 4;
const ROWS = 1_000;
const LOG_TABLES = ["events", "deliveries"];

const made = env.TEST_MIGRATIONS.slice(0, MADE_THE_LOG);
const later = env.TEST_MIGRATIONS.slice(MADE_THE_LOG);

/** Runs statements, and counts the rows that they read and write. */
async function run(queries: string[]): Promise<number> {
  const results = await env.OLD_DB.batch(queries.map((query) => env.OLD_DB.prepare(query)));
  return results.reduce((sum, { meta }) => sum + meta.rows_read + meta.rows_written, 0);
}

/** Fills a table with rows that have something in every column. */
async function fill(table: string): Promise<void> {
  const { results } = await env.OLD_DB.prepare("SELECT name FROM pragma_table_info(?)")
    .bind(table)
    .all<{ name: string }>();
  const values = results.map(({ name }) =>
    name === "id" ? "printf('%08d', i)" : name === "merchant" ? "'mer_1'" : "i",
  );
  await run([
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     INSERT INTO ${table} (${results.map(({ name }) => `"${name}"`).join()}) SELECT ${values.join()} FROM n`,
  ]);
}

beforeAll(async () => {
  for (const { queries } of made) await run(queries);
  for (const table of LOG_TABLES) await fill(table);
});

describe("a migration of a database that is in use", () => {
  it.each(later)("leaves the rows of the log where they are: $name", async ({ queries }) => {
    expect(await run(queries)).toBeLessThan(ROWS / 2);
    for (const table of LOG_TABLES) {
      const kept = await env.OLD_DB.prepare(`SELECT count(*) AS count FROM ${table}`).first<number>("count");
      expect(kept).toBe(ROWS);
    }
  });

  it("is noticed where it does go through them", async () => {
    expect(await run(["CREATE INDEX deliveries_by_status ON deliveries (status)"])).toBeGreaterThanOrEqual(ROWS);
    expect(await run(["UPDATE events SET stale = 1"])).toBeGreaterThanOrEqual(ROWS);
    expect(await run(["ALTER TABLE events ADD COLUMN whatever TEXT"])).toBeLessThan(ROWS / 2);
  });
});
