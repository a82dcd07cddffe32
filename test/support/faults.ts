import type { DeliveriesMessage, SettleInput } from "../../src/outbox/contract.ts";

/** What goes wrong on purpose. Shares are probabilities in [0, 1]; all random choices follow from `seed`. */
export interface Faults {
  seed: number;
  /** Messages of the `deliveries` queue that are lost, come twice, come late, or come in another order. */
  lost: number;
  doubled: number;
  late: number;
  shuffled: boolean;
  /** Calls that fail. */
  deliveriesFails: number;
  backupFails: number;
  d1Fails: number;
  acceptFails: number;
  settleFails: number;
  /** Outboxes that do not send again what they are asked to, or do and their answer gets lost. */
  retryFails: number;
  retryAnswersLost: number;
  /**
   * Where the Worker stops for good, once: it tells `reached` (a URL) and waits to be killed. `before-log` and
   * `before-settle` are met once a delivery has succeeded.
   */
  stop: "after-commit" | "before-log" | "before-settle" | null;
  reached: string | null;
}

/** Work that Cloudflare bills, as it was really done. */
export interface Counters {
  messages: number;
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

export const NO_FAULTS: Faults = {
  seed: 1,
  lost: 0,
  doubled: 0,
  late: 0,
  shuffled: false,
  deliveriesFails: 0,
  backupFails: 0,
  d1Fails: 0,
  acceptFails: 0,
  settleFails: 0,
  retryFails: 0,
  retryAnswersLost: 0,
  stop: null,
  reached: null,
};

const NO_WORK: Counters = {
  messages: 0,
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
export let counters = { ...NO_WORK };
/** Row counts of statements are known once they have run. */
let cursors: { rowsWritten: number }[] = [];
let state = 1;

/** `POST /__test/faults` sets what goes wrong; `GET` and `DELETE /__test/counters` read and clear what was counted. */
export async function control(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
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
    BACKUP: wrapBackup(env.BACKUP),
    USER_OUTBOX: wrapNamespace(env.USER_OUTBOX, async (method, call, args) => {
      counters.outboxRequests += 1;
      if (method === "accept") {
        fail(faults.acceptFails, "The outbox does not answer");
        const answer = await call();
        await stopAt("after-commit");
        return answer;
      }
      if (method === "settle") {
        if ((args[0] as SettleInput).settles.some(({ outcome: { kind } }) => kind === "delivered" || kind === "sent")) {
          await stopAt("before-settle");
        }
        fail(faults.settleFails, "The outbox does not settle");
      }
      if (method === "retry") {
        fail(faults.retryFails, "The outbox does not answer");
        const answer = await call();
        fail(faults.retryAnswersLost, "The answer got lost");
        return answer;
      }
      return call();
    }),
    ENDPOINT_GATE: wrapNamespace(env.ENDPOINT_GATE, (_, call) => {
      counters.gateRequests += 1;
      return call();
    }),
    PAYMENT_BINDING: wrapNamespace(env.PAYMENT_BINDING, (_, call) => {
      counters.bindingRequests += 1;
      return call();
    }),
  };
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
      fail(faults.d1Fails, "D1 does not answer");
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
      fail(faults.d1Fails, "D1 does not answer");
      const results = await db.batch(statements);
      counters.d1Rows += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      return results;
    },
  });
}

function wrapQueue(queue: Queue): Queue {
  return intercept(queue, {
    sendBatch: async (messages: Iterable<MessageSendRequest>) => {
      fail(faults.deliveriesFails, "The queue does not answer");
      const all = [...messages]
        .filter(() => !happens(faults.lost))
        .flatMap((one) => (happens(faults.doubled) ? [one, one] : [one]));
      if (faults.shuffled) {
        all.sort(() => random() - 0.5);
      }
      counters.messages += all.length;
      counters.dispatches += all.reduce((sum, { body }) => sum + dispatchesIn(body as DeliveriesMessage), 0);
      if (all.length > 0) {
        await queue.sendBatch(all.map((one) => (happens(faults.late) ? { ...one, delaySeconds: LATE_SECONDS } : one)));
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
      fail(faults.backupFails, "The backup queue does not answer");
      return queue.send(...args);
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

function fail(share: number, message: string): void {
  if (happens(share)) {
    throw new Error(message);
  }
}

function happens(share: number): boolean {
  return share > 0 && random() < share;
}

/** Mulberry32: the same seed, the same faults. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}
