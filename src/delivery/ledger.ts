import { V, type BackupMessage, type EventItem, type LogRow, type Settle } from "../outbox/contract.ts";
import { inParts } from "../outbox/messages.ts";
import { keyForLog } from "../outbox/keys.ts";
import { log } from "../platform/log.ts";
import { writeLog } from "../store/log.ts";

const FLUSH_MS = 50;
const FLUSH_ROWS = 100;
const SETTLE_TRIES = 3;

interface Page {
  rows: LogRow[];
  settles: Settle[];
}

/**
 * Writes down what one invocation did: first the log, then the outboxes' settles, both for many deliveries at once: as
 * soon as nothing else is under way, else every {@link FLUSH_MS} or {@link FLUSH_ROWS}. What neither D1 nor the backup
 * queue takes travels in the settle, and the outbox logs it later.
 */
export class Ledger {
  readonly #env: Env;
  readonly #onNext: (items: EventItem[]) => void;
  readonly #takes: () => number;
  readonly #isIdle: () => boolean;
  #pages = new Map<string, Page>();
  #count = 0;
  #isLooking = false;
  #flushing: Promise<void> | null = null;
  #flushNow: (() => void) | null = null;

  /**
   * `takes`: how many deliveries the invocation can still go on with; `onNext` is given them. `isIdle`: whether nothing
   * is under way of which there will be more to write down.
   */
  constructor(env: Env, takes: () => number, onNext: (items: EventItem[]) => void, isIdle: () => boolean) {
    this.#env = env;
    this.#takes = takes;
    this.#onNext = onNext;
    this.#isIdle = isIdle;
  }

  /** Notes rows, and how a dispatch ended, for the outbox `key`; resolves when they are written. */
  async note(key: string, rows: LogRow[], settle: Settle | null): Promise<void> {
    const page = this.#pages.get(key) ?? { rows: [], settles: [] };
    this.#pages.set(key, page);
    page.rows.push(...rows);
    if (settle) {
      page.settles.push(settle);
    }
    this.#count += rows.length;
    this.#flushing ??= this.#flushSoon();
    if (this.#count >= FLUSH_ROWS) {
      this.#flushNow?.();
    }
    this.#lookSoon();
    return this.#flushing;
  }

  /** Flushes if nothing is under way then: what begins in the same moment as this has begun. */
  #lookSoon(): void {
    if (!this.#isLooking) {
      this.#isLooking = true;
      setTimeout(() => {
        this.#isLooking = false;
        if (this.#isIdle()) {
          this.#flushNow?.();
        }
      }, 0);
    }
  }

  async #flushSoon(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.#flushNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const pages = this.#pages;
    this.#flushNow = null;
    this.#pages = new Map();
    this.#count = 0;
    this.#flushing = null;
    const isLogged = await this.#log([...pages.values()].flatMap(({ rows }) => rows));
    await Promise.all([...pages].map(([key, page]) => this.#settle(key, page.settles, isLogged ? [] : page.rows)));
  }

  async #log(rows: LogRow[]): Promise<boolean> {
    try {
      await writeLog(this.#env.DB, rows);
      return true;
    } catch (error) {
      log.warn("log.failed", { rows: rows.length, error });
      return this.#backUp(logMessages(rows));
    }
  }

  async #settle(key: string, settles: Settle[], unlogged: LogRow[]): Promise<void> {
    if (settles.length === 0 && unlogged.length === 0) {
      return;
    }
    for (let tries = 0; tries < SETTLE_TRIES; tries++) {
      try {
        const outbox = this.#env.USER_OUTBOX.getByName(key);
        const { next } = await outbox.settle({ v: V, settles, takes: this.#takes(), unlogged });
        this.#onNext(next);
        return;
      } catch (error) {
        log.warn("settle.failed", { key: keyForLog(key), tries, error });
      }
    }
    // The settle last: once a delivery is settled nobody has its row any more.
    await this.#backUp([...(unlogged.length > 0 ? logMessages(unlogged) : []), { v: V, kind: "settle", key, settles }]);
  }

  /** Sends one after the other, until one is not taken; whether all were. */
  async #backUp(messages: BackupMessage[]): Promise<boolean> {
    try {
      for (const message of messages) {
        await this.#env.BACKUP.send(message, { contentType: "json" });
      }
      return true;
    } catch (error) {
      log.error("backup.send_failed", { error });
      return false;
    }
  }
}

/** Log rows in messages that the queue takes: it takes 128 KB. */
function logMessages(rows: LogRow[]): BackupMessage[] {
  return inParts(rows, 40_000).map((part) => ({ v: V, kind: "log", rows: part }));
}
