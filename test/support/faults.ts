import type { DeliveriesMessage, SettleInput } from "../../src/outbox/contract.ts";
import { NO_FAULTS, type Chance, type Faults } from "./fault-kinds.ts";

/** Work that Cloudflare bills, as it was really done. */
export interface Counters {
  messages: number;
  /** Messages of the `enrichments` queue. */
  enrichments: number;
  /** Dispatches in those messages. */
  dispatches: number;
  /** Batches of messages that a consumer was started for. */
  batches: number;
  outboxRequests: number;
  bindingRequests: number;
  gateRequests: number;
  objectRows: number;
  alarms: number;
  d1Rows: number;
}

const NO_WORK: Counters = {
  messages: 0,
  enrichments: 0,
  dispatches: 0,
  batches: 0,
  outboxRequests: 0,
  bindingRequests: 0,
  gateRequests: 0,
  objectRows: 0,
  alarms: 0,
  d1Rows: 0,
};

const LATE_SECONDS = 2;

let faults = NO_FAULTS;
/** How often each fault has happened. */
let fired: Partial<Record<Chance | "shuffled", number>> = {};
/** Messages of the backup queue that are on their way: the local one loses them with its process, the real one not. */
let inBackup = 0;
/** Promises of the outbox that were seen broken. */
export const broken: string[] = [];
export let counters = { ...NO_WORK };
/** Row counts of statements are known once they have run. */
let cursors: { rowsWritten: number }[] = [];
let state = 1;

/**
 * `POST /__test/faults` sets what goes wrong, `GET` says what did since the last one; `GET` and `DELETE
 * /__test/counters` read and clear what was counted.
 */
export async function control(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/__test/faults" && request.method === "GET") {
    const happened = { fired, broken: broken.splice(0), inBackup };
    fired = {};
    return Response.json(happened);
  }
  if (pathname === "/__test/faults") {
    faults = { ...NO_FAULTS, ...((await request.json()) as Partial<Faults>) };
    state = faults.seed;
    return new Response(null, { status: 204 });
  }
  if (request.method === "DELETE") {
    counters = { ...NO_WORK };
    cursors = [];
    return new Response(null, { status: 204 });
  }
  const objectRows = counters.objectRows + cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  return Response.json({ ...counters, objectRows });
}

/** The bindings of the Worker, with the faults and the counting in between. */
export function wrapEnv(env: Env): Env {
  return {
    ...env,
    DB: wrapD1(env.DB),
    DELIVERIES: wrapQueue(env.DELIVERIES),
    RETRIES: wrapQueue(env.RETRIES),
    BACKUP: wrapBackup(env.BACKUP),
    ENRICHMENTS: intercept(env.ENRICHMENTS, {
      send: async (...args: Parameters<Queue["send"]>) => {
        fail("enrichmentsFails");
        counters.enrichments += 1;
        await env.ENRICHMENTS.send(...args);
      },
    }),
    USER_OUTBOX: wrapNamespace(env.USER_OUTBOX, async (method, call, args) => {
      counters.outboxRequests += 1;
      if (method === "settle" && hasSuccess(args[0] as SettleInput)) {
        await stopAt("before-settle");
      }
      fail(FAILS[method]);
      const answer = await call();
      if (method === "accept") {
        await stopAt("after-commit");
      }
      fail(method === "retry" ? "retryAnswersLost" : "objectAnswersLost");
      return answer;
    }),
    ENDPOINT_GATE: wrapNamespace(env.ENDPOINT_GATE, async (_, call) => {
      counters.gateRequests += 1;
      fail("gateFails");
      const answer = await call();
      fail("objectAnswersLost");
      return answer;
    }),
    PAYMENT_BINDING: wrapNamespace(env.PAYMENT_BINDING, async (_, call) => {
      counters.bindingRequests += 1;
      fail("bindingFails");
      const answer = await call();
      fail("objectAnswersLost");
      return answer;
    }),
  };
}

const FAILS: Record<string, Chance> = {
  accept: "acceptFails",
  claim: "claimFails",
  settle: "settleFails",
  retry: "retryFails",
};

function hasSuccess({ settles }: SettleInput): boolean {
  return settles.some(({ outcome: { kind } }) => kind === "delivered" || kind === "sent");
}

/** A batch of a queue, in another order where that is wanted; what the backup queue's is acknowledged has arrived. */
export function wrapBatch<T>(batch: MessageBatch<T>): MessageBatch<T> {
  if (batch.queue !== "backup") {
    return faults.shuffled && batch.messages.length > 1
      ? intercept(batch, { messages: shuffle(batch.messages) })
      : batch;
  }
  const ack = (message: Message<T>) => () => {
    inBackup -= 1;
    message.ack();
  };
  return intercept(batch, { messages: batch.messages.map((one) => intercept(one, { ack: ack(one) })) });
}

/** Holds up what comes after a batch, for as long as the faults say. */
export async function holdBatch(): Promise<void> {
  if (faults.batchHeldMs > 0) {
    await scheduler.wait(faults.batchHeldMs);
  }
}

function shuffle<T>(messages: readonly T[]): T[] {
  note("shuffled");
  return messages
    .map((message) => ({ message, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ message }) => message);
}

/**
 * The state of a Durable Object, with its billed rows counted, but for statements that begin with a comment: those
 * are a test's own. The runtime takes no proxy for it.
 */
export function countRows(ctx: DurableObjectState): DurableObjectState {
  const { sql, kv } = ctx.storage;
  const exec = sql.exec.bind(sql);
  replace(sql, "exec", (...args: Parameters<SqlStorage["exec"]>) => {
    const cursor = exec(...args);
    if (!/^\s*(select|create|--)/i.test(args[0])) {
      cursors.push(cursor);
    }
    return cursor;
  });
  const put = kv.put.bind(kv);
  replace(kv, "put", (key: string, value: unknown) => {
    counters.objectRows += 1;
    put(key, value);
  });
  const setAlarm = ctx.storage.setAlarm.bind(ctx.storage);
  replace(ctx.storage, "setAlarm", (at: number) => {
    counters.objectRows += 1;
    return setAlarm(at);
  });
  replace(ctx.storage, "sql", sql);
  replace(ctx.storage, "kv", kv);
  return ctx;
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true });
}

/** Statements that log a delivery that succeeded. */
const successes = new WeakSet<D1PreparedStatement>();

function wrapD1(db: D1Database): D1Database {
  return intercept(db, {
    prepare: (query: string) => {
      fail("d1Fails");
      const statement = db.prepare(query);
      return intercept(statement, {
        bind: (...values: unknown[]) => {
          const bound = statement.bind(...values);
          if (values.some((value) => typeof value === "string" && /"class":"(delivered|sent)"/.test(value))) {
            successes.add(bound);
          }
          return bound;
        },
      });
    },
    batch: async (statements: D1PreparedStatement[]) => {
      if (statements.some((statement) => successes.has(statement))) {
        await stopAt("before-log");
      }
      fail("d1Fails");
      const results = await db.batch(statements);
      counters.d1Rows += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      fail("d1AnswersLost");
      return results;
    },
  });
}

function wrapQueue(queue: Queue): Queue {
  return intercept(queue, {
    sendBatch: async (messages: Iterable<MessageSendRequest>) => {
      fail("deliveriesFails");
      const all = [...messages]
        .filter(() => !happens("lost"))
        .flatMap((one) => (happens("doubled") ? [one, one] : [one]));
      counters.messages += all.length;
      counters.dispatches += all.reduce((sum, { body }) => sum + dispatchesIn(body as DeliveriesMessage), 0);
      if (all.length > 0) {
        await queue.sendBatch(all.map((one) => (happens("late") ? { ...one, delaySeconds: LATE_SECONDS } : one)));
      }
    },
  });
}

function dispatchesIn({ items }: DeliveriesMessage): number {
  return items.reduce((sum, { ready }) => sum + ready.length, 0);
}

function wrapBackup(queue: Queue): Queue {
  return intercept(queue, {
    send: async (...args: Parameters<Queue["send"]>) => {
      fail("backupFails");
      for (let copies = happens("backupDoubled") ? 2 : 1; copies > 0; copies--) {
        inBackup += 1;
        await queue.send(...args);
      }
    },
  });
}

function wrapNamespace<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  around: (method: string, call: () => Promise<unknown>, args: unknown[]) => Promise<unknown>,
): DurableObjectNamespace<T> {
  return intercept(namespace, {
    getByName: (name: string) => {
      const stub = namespace.getByName(name) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
      return new Proxy(stub, {
        get: (_, method) =>
          typeof method === "string" && method !== "then"
            ? async (...args: unknown[]) => around(method, () => stub[method]!(...args), args)
            : undefined,
      });
    },
  });
}

/** An object with some of its members replaced; its own methods keep their `this`. */
function intercept<T extends object>(target: T, members: Record<string, unknown>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (typeof name === "string" && Object.hasOwn(members, name)) {
        return members[name];
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

async function stopAt(place: Faults["stop"]): Promise<void> {
  if (faults.stop === place && faults.reached !== null) {
    const { reached } = faults;
    faults = { ...faults, stop: null };
    await fetch(reached, { method: "POST" });
    await new Promise(() => undefined);
  }
}

/** Throws as often as the fault's probability says; never without one. */
function fail(fault: Chance | undefined): void {
  if (fault !== undefined && happens(fault)) {
    throw new Error(`On purpose: ${fault}`);
  }
}

function happens(fault: Chance): boolean {
  const isSo = faults[fault] > 0 && random() < faults[fault];
  if (isSo) {
    note(fault);
  }
  return isSo;
}

function note(fault: Chance | "shuffled"): void {
  fired[fault] = (fired[fault] ?? 0) + 1;
}

/** Mulberry32: the same seed, the same faults. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}
