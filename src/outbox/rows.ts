import type { Facts } from "../event/lifecycle.ts";
import type { EventRecord, LogRow } from "./contract.ts";
import { inParts } from "./messages.ts";
import { log } from "../platform/log.ts";
import type { PendingEvent } from "./pending.ts";
import { isLogRow, isPendingList, parsed } from "./reading.ts";

const DAY_MS = 24 * 3_600_000;
/** How long a dedupe key lives. Providers re-send for up to 30 days. */
export const DEDUPE_MS = 35 * DAY_MS;
/** How long the facts of a payment live. */
const FACTS_MS = 400 * DAY_MS;
const PURGE_BITE = 1_000;
/** A value may have 2 MB, of which a character takes up to two bytes. */
const MAX_PART_CHARS = 400_000;
const MAX_ROW_CHARS = 900_000;

/** Which sequence was last planned for each destination, and when: `{ep_…: [41, 1764…]}`. */
export type LastPlanned = Record<string, readonly [sequence: number, at: number]>;

/** One accepted event as its row keeps it. */
export interface EventRow {
  key: string;
  id: string;
  sequence: number;
  at: number;
  input: string;
  payment: string | null;
  facts: Facts | null;
  last: LastPlanned;
  pending: PendingEvent["deliveries"];
  record: EventRecord;
  template: string;
}

/** A dedupe key with what its event became: what one ordering key hands to another. */
export interface Known {
  key: string;
  id: string;
  sequence: number;
  at: number;
  input: string;
}

/** What an outbox remembers when it wakes. */
export interface Remembered {
  sequence: number;
  last: LastPlanned;
  pending: PendingEvent[];
  /** The row that holds the current facts of each payment. */
  factsOf: Map<string, string>;
  /** When the oldest finished event was accepted; Infinity: none. */
  oldestAt: number;
}

/**
 * The rows of one outbox: one row an event, keyed by its dedupe key and without a rowid, so that a write is one
 * billed row. Everything else is read once when the object wakes and kept in memory (docs/decisions/outbox-rows.md).
 * Sequences of events that another ordering key handed over, or that only a retry brought back, are stored negated.
 */
export class Rows {
  readonly #storage: DurableObjectStorage;
  /** The keys of all rows: most events are new, and to know that costs no query. */
  #keys = new Set<string>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS event (
      key TEXT PRIMARY KEY, v INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
      input TEXT NOT NULL, payment TEXT, pending TEXT, last TEXT, facts TEXT, record TEXT, template TEXT
    ) WITHOUT ROWID`);
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#storage.sql.databaseSize;
  }

  /** Reads the small columns of all rows. One that cannot be read is passed over, so that it blocks no other. */
  remember(): Remembered {
    const remembered: Remembered = { sequence: 0, last: {}, pending: [], factsOf: new Map(), oldestAt: Infinity };
    const newest = new Map<string, number>();
    let last: string | null = null;
    this.#keys = new Set();
    for (const row of this.#storage.sql.exec<{
      key: string;
      id: string;
      seq: number;
      at: number;
      payment: string | null;
      pending: string | null;
      last: string | null;
      facts: number;
      readable: number;
    }>(`SELECT key, id, seq, at, payment, pending, last, coalesce(json_valid(facts), 0) AS facts,
      v = 1 AND (pending IS NULL OR coalesce(json_valid(record) AND template IS NOT NULL, 0)) AS readable FROM event`)) {
      this.#keys.add(row.key);
      if (row.seq > remembered.sequence) {
        remembered.sequence = row.seq;
        last = row.last;
      }
      if (row.payment !== null && row.facts === 1 && row.seq > (newest.get(row.payment) ?? 0)) {
        newest.set(row.payment, row.seq);
        remembered.factsOf.set(row.payment, row.key);
      }
      const pending = row.pending === null ? null : parsed(row.pending);
      if (row.readable === 0 || (pending !== null && !isPendingList(pending))) {
        log.error("outbox.row_unreadable", { event: row.id });
      } else if (pending !== null) {
        remembered.pending.push({
          id: row.id,
          key: row.key,
          sequence: row.seq,
          acceptedAt: row.at,
          deliveries: pending as PendingEvent["deliveries"],
        });
      } else {
        remembered.oldestAt = Math.min(remembered.oldestAt, row.at);
      }
    }
    remembered.last = last === null ? {} : ((parsed(last) ?? {}) as LastPlanned);
    remembered.pending.sort((a, b) => Math.abs(a.sequence) - Math.abs(b.sequence));
    return remembered;
  }

  known(key: string): Known | null {
    if (!this.#keys.has(key)) {
      return null;
    }
    const [row] = this.#storage.sql
      .exec<{ key: string; id: string; seq: number; at: number; input: string }>(
        "SELECT key, id, seq, at, input FROM event WHERE key = ?",
        key,
      )
      .toArray();
    return row ? { key: row.key, id: row.id, sequence: Math.abs(row.seq), at: row.at, input: row.input } : null;
  }

  facts(key: string): Facts {
    return JSON.parse(
      this.#storage.sql.exec<{ facts: string }>("SELECT facts FROM event WHERE key = ?", key).one().facts,
    ) as Facts;
  }

  /** What the deliveries of an unfinished event need: its record with the template of its body. */
  record(key: string): EventRecord {
    const row = this.#storage.sql
      .exec<{ record: string; template: string }>("SELECT record, template FROM event WHERE key = ?", key)
      .one();
    return { ...(JSON.parse(row.record) as EventRecord), template: row.template };
  }

  insert(row: EventRow): void {
    this.#keys.add(row.key);
    this.#storage.sql.exec(
      "INSERT INTO event VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.key,
      row.id,
      row.sequence,
      row.at,
      row.input,
      row.payment,
      row.pending.length > 0 ? JSON.stringify(row.pending) : null,
      JSON.stringify(row.last),
      row.facts && JSON.stringify(row.facts),
      JSON.stringify({ ...row.record, template: null }),
      row.template,
    );
  }

  /** Takes over the dedupe keys of events that another ordering key accepted. */
  insertKnown(known: Known[]): void {
    for (const { key, id, sequence, at, input } of known) {
      this.#keys.add(key);
      this.#storage.sql.exec(
        "INSERT INTO event (key, v, id, seq, at, input) VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        key,
        id,
        -sequence,
        at,
        input,
      );
    }
  }

  allKnown(): Known[] {
    return this.#storage.sql
      .exec<{ key: string; id: string; seq: number; at: number; input: string }>(
        "SELECT key, id, seq, at, input FROM event",
      )
      .toArray()
      .map(({ seq, ...row }) => ({ ...row, sequence: Math.abs(seq) }));
  }

  /**
   * Writes what is left of an event's deliveries; a finished event keeps neither record nor body, and what was last
   * planned only while it is the newest (`sequence`).
   */
  update(event: PendingEvent, sequence: number): void {
    if (event.deliveries.length > 0) {
      this.#storage.sql.exec("UPDATE event SET pending = ? WHERE key = ?", JSON.stringify(event.deliveries), event.key);
    } else {
      this.#storage.sql.exec(
        "UPDATE event SET pending = NULL, record = NULL, template = NULL, last = iif(seq = ?, last, NULL) WHERE key = ?",
        sequence,
        event.key,
      );
    }
  }

  /** Gives a finished event its deliveries, record and body again, for a retry by hand. */
  revive(event: PendingEvent, record: EventRecord): void {
    this.#keys.add(event.key);
    this.#storage.sql.exec(
      `INSERT INTO event (key, v, id, seq, at, input, pending, record, template) VALUES (?, 1, ?, ?, ?, '', ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET pending = excluded.pending, record = excluded.record, template = excluded.template`,
      event.key,
      event.id,
      event.sequence,
      event.acceptedAt,
      JSON.stringify(event.deliveries),
      JSON.stringify({ ...record, template: null }),
      record.template,
    );
  }

  /** The dedupe key that an event's id begins, if its row is still there. */
  keyOf(event: string, prefix: string): string | null {
    const [row] = this.#storage.sql
      .exec<{ key: string }>("SELECT key FROM event WHERE key >= ? AND key < ? AND id = ?", prefix, `${prefix}~`, event)
      .toArray();
    return row?.key ?? null;
  }

  /**
   * Deletes finished events whose dedupe key has expired, but for the row of the highest sequence and the rows that
   * hold current facts, in bites. Returns payments whose facts went, and when the oldest left to purge was accepted.
   */
  purge(now: number, sequence: number, factsOf: Map<string, string>): { factsGone: string[]; oldestAt: number } {
    const factsGone: string[] = [];
    let oldestAt = Infinity;
    let deleted = 0;
    const rows = this.#storage.sql
      .exec<{ key: string; seq: number; at: number; payment: string | null }>(
        "SELECT key, seq, at, payment FROM event WHERE pending IS NULL",
      )
      .toArray();
    for (const { key, seq, at, payment } of rows) {
      const holdsFacts = payment !== null && factsOf.get(payment) === key;
      if (seq === sequence || (holdsFacts && at + FACTS_MS > now)) {
        continue;
      }
      if (at + DEDUPE_MS > now || deleted === PURGE_BITE) {
        oldestAt = Math.min(oldestAt, at);
        continue;
      }
      this.#storage.sql.exec("DELETE FROM event WHERE key = ?", key);
      this.#keys.delete(key);
      deleted += 1;
      if (holdsFacts) {
        factsGone.push(payment);
      }
    }
    return { factsGone, oldestAt };
  }

  /** The user whom the payment of this outbox has moved to, once that became known. */
  get movedTo(): string | null {
    return this.#storage.kv.get<string>("movedTo") ?? null;
  }

  set movedTo(user: string) {
    this.#storage.kv.put("movedTo", user);
  }

  /** Keeps log rows that nobody else took until they can be written. */
  keepUnlogged(rows: LogRow[]): void {
    for (const part of inParts(rows.map(withinValue), MAX_PART_CHARS)) {
      this.#storage.kv.put(`unlogged/${crypto.randomUUID()}`, JSON.stringify(part));
    }
  }

  get hasUnlogged(): boolean {
    return [...this.#storage.kv.list({ prefix: "unlogged/", limit: 1 })].length > 0;
  }

  /** The log rows that were kept, with the names to forget them by; what is no log row is left out. */
  unlogged(): { names: string[]; rows: LogRow[] } {
    const kept = [...this.#storage.kv.list<string>({ prefix: "unlogged/" })];
    const rows = kept.flatMap(([, text]) => parsed(text) ?? []);
    return { names: kept.map(([name]) => name), rows: rows.filter(isLogRow) };
  }

  forgetUnlogged(names: string[]): void {
    for (const name of names) {
      this.#storage.kv.delete(name);
    }
  }
}

/** The log goes without a body that no value of the storage could hold. */
function withinValue(row: LogRow): LogRow {
  return "event" in row && JSON.stringify(row).length > MAX_ROW_CHARS
    ? { event: { ...row.event, template: null } }
    : row;
}
