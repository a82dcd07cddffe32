/**
 * The outboxes that wait for an endpoint, each with the time (epoch ms) from which on it may be called as a probe: those
 * whose delivery has failed by itself have one far off, and are called before it only when the endpoint is back.
 */
export class Parked {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.createTable();
  }

  createTable(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS parked (outbox TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID");
    this.#sql.exec("CREATE INDEX IF NOT EXISTS parked_at ON parked(at)");
  }

  /** Adds an outbox. One that is here already keeps the earlier of its times. */
  add(outbox: string, at: number): void {
    const merge = "ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < parked.at";
    this.#sql.exec(`INSERT INTO parked VALUES (?, ?) ${merge}`, outbox, at);
  }

  /** The first so many whose time comes `until` then, the longest here first. */
  first(count: number, until: number): string[] {
    return this.#sql
      .exec<{ outbox: string }>("SELECT outbox FROM parked WHERE at <= ? ORDER BY at LIMIT ?", until, count)
      .toArray()
      .map(({ outbox }) => outbox);
  }

  /** The earliest time of all; null: nobody waits. */
  earliest(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT MIN(at) AS at FROM parked").one().at;
  }

  delete(outbox: string): void {
    this.#sql.exec("DELETE FROM parked WHERE outbox = ?", outbox);
  }
}
