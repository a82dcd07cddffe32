import { isChannel } from "../event/channels.ts";
import {
  LOG,
  V,
  type Dispatch,
  type EventItem,
  type EventRecord,
  type LogRow,
  type Settle,
} from "../outbox/contract.ts";
import { pack, send } from "../outbox/messages.ts";
import { readItems } from "../outbox/reading.ts";
import { log } from "../platform/log.ts";
import { merchantConfig, merchantConfigs } from "../store/config.ts";
import { plannedRows } from "../store/log.ts";
import { peopleOf, type AddressedChannel, type UserRef } from "../store/people.ts";
import { Ledger } from "./ledger.ts";
import { announceFailure } from "./announce-failure.ts";
import { SLOW_MS } from "./gate-state.ts";
import { heldBack } from "./may-send.ts";
import { LAG_MS, Newcomers } from "./newcomers.ts";
import type { Conclusion } from "./outcome.ts";
import { post } from "./post.ts";
import { Slots, type Wanted } from "./slots.ts";
import { tell } from "./tell.ts";

/** How long one invocation goes on with what its lanes bring next, and with how many deliveries. */
const GO_ON_MS = 20_000;
const GO_ON_DELIVERIES = 200;
/** A batch holds up the next one for so long at most; what it has not attempted by then goes on behind it. */
const HOLD_MS = LAG_MS;
/** A first attempt that runs longer than this is shown as pending. */
const SHOWN_AFTER_MS = SLOW_MS + 200;
/** A delivery that finds no slot for so long goes elsewhere. */
const SLOT_PATIENCE_MS = 2_000;

/**
 * Consumes the `deliveries` queue: attempts what is ready, logs, settles, and goes on with what becomes ready by that.
 * Never throws; every message is acknowledged on its own, since the outbox owns the work and its leases cover a crash.
 */
export async function consumeDeliveries(
  batch: MessageBatch,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<void> {
  const read = batch.messages.map((message) => ({ message, ...readItems(message.body) }));
  const all = read.flatMap(({ items }) => items);
  await Promise.all([merchantConfigs(env, merchantsOf(all)), peopleOf(env, peopleIn(all))]);
  const run = new Run(env, ctx);
  const isHeldLongEnough = scheduler.wait(HOLD_MS).then(() => true);
  await Promise.all(
    read.map(async ({ message, items, isWhole }) => {
      if (!isWhole) {
        log.error("deliveries.unreadable", { message: message.id });
      }
      const isFirst = message.attempts === 1;
      const taken = Promise.all(items.map(async (item) => run.take(item, { isFirst }))).then(
        () => true,
        (error: unknown) => {
          log.error("delivery.failed", { message: message.id, error });
          return false;
        },
      );
      ctx.waitUntil(taken);
      if (await Promise.race([taken, isHeldLongEnough])) {
        message.ack();
      } else {
        message.retry();
      }
    }),
  );
}

/** The work of one invocation. */
class Run {
  readonly #env: Env;
  readonly #ctx: Pick<ExecutionContext, "waitUntil">;
  readonly #slots = new Slots();
  readonly #newcomers = new Newcomers();
  readonly #ledger: Ledger;
  readonly #goOnUntil = Date.now() + GO_ON_MS;
  #taken = 0;
  #underWay = 0;

  constructor(env: Env, ctx: Pick<ExecutionContext, "waitUntil">) {
    this.#env = env;
    this.#ctx = ctx;
    this.#ledger = new Ledger(
      env,
      () => (Date.now() < this.#goOnUntil ? Math.max(0, GO_ON_DELIVERIES - this.#taken) : 0),
      (items) => this.#follow(items),
      () => this.#underWay === 0,
    );
  }

  /**
   * Attempts what is ready of one event, and writes down the event with what was planned for it. Where a delivery of the
   * event waits in its lane, no settle tells the outbox that the event is logged: the outbox takes it as logged when it
   * hands that delivery over, or hands the event out for the log once more when its lease runs out before.
   */
  async take(item: EventItem, { isFirst }: { isFirst: boolean }): Promise<void> {
    const record = await this.#withTemplate(item.record, item.ready);
    const attempted = new Set(item.ready.map(({ delivery }) => delivery));
    const planned = item.planned.filter(({ delivery }) => !attempted.has(delivery));
    const rows = plannedRows({ ...item, record, planned });
    const logged = item.ready.find(({ destination }) => destination === LOG);
    const isSettled = logged && (logged.counter > 1 || !item.planned.some(({ waitsFor }) => waitsFor));
    this.#note(record.key, rows, isSettled ? settleOf(record, logged, { outcome: { kind: "logged" } }) : null);
    const dispatches = item.ready.filter((dispatch) => dispatch !== logged);
    if (dispatches.some(({ payload }) => payload === "thin")) {
      // A thin body is an invitation to read the event: it is in the log before.
      await this.#ledger.note(record.key, [], null);
    }
    await Promise.all(dispatches.map((dispatch) => this.#quickly(record, dispatch, isFirst)));
  }

  /**
   * Writes down, behind the batch: the message may be acknowledged before that, since what is not settled the outbox
   * sends again.
   */
  #note(key: string, rows: LogRow[], settle: Settle | null): void {
    this.#ctx.waitUntil(this.#ledger.note(key, rows, settle));
  }

  async #deliver(record: EventRecord, dispatch: Dispatch, isFirst: boolean, onAside: () => void): Promise<void> {
    this.#taken += 1;
    this.#underWay += 1;
    const concluded = await this.#attempt(record, dispatch, isFirst, onAside).finally(() => (this.#underWay -= 1));
    if (concluded === "no-slot") {
      const queue = isNew(dispatch) ? this.#env.DELIVERIES : this.#env.RETRIES;
      await send(queue, pack([{ v: V, record, planned: [], ready: [dispatch] }]));
    } else if (concluded !== null) {
      const { row, outcome } = concluded;
      this.#note(record.key, [{ delivery: row }], settleOf(record, dispatch, { outcome }));
      this.#ctx.waitUntil(announceFailure(this.#env, record, dispatch, concluded));
    }
  }

  /** Null: nothing is to be said now, the outbox's lease sees to it. */
  async #attempt(
    record: EventRecord,
    dispatch: Dispatch,
    isFirst: boolean,
    onAside: () => void,
  ): Promise<Conclusion | "no-slot" | null> {
    const env = this.#env;
    const config = await merchantConfig(env, record.merchant);
    const held = config.ok ? heldBack(config.value, record, dispatch, Date.now()) : null;
    if (held !== null) {
      return held;
    }
    const { template } = record;
    if (template === null) {
      return null;
    }
    const inSlot = <T>(work: () => Promise<T>, wanted: Wanted) => this.#slots.run(work, wanted, SLOT_PATIENCE_MS);
    if (!isChannel(dispatch.destination)) {
      return post({ env, record, template, dispatch, isFirst, newcomers: this.#newcomers, inSlot, onAside });
    }
    const channel = dispatch.destination as AddressedChannel;
    const telling = async () => ({ concluded: await tell({ env, record, template, dispatch, channel }) });
    const told = await inSlot(telling, { merchant: record.merchant, isDoubtful: false });
    return told === null ? "no-slot" : told.concluded;
  }

  /** Fetches a body that was too large to travel; it stays null where the outbox has nothing left to send of it. */
  async #withTemplate(record: EventRecord, ready: Dispatch[]): Promise<EventRecord> {
    if (record.template !== null || ready.length === 0) {
      return record;
    }
    const outbox = this.#env.USER_OUTBOX.getByName(record.key);
    return { ...record, template: await outbox.template({ v: V, event: record.id }) };
  }

  /**
   * The batch waits for a first attempt only: one that is slow goes on behind it, and the log shows it as pending. It
   * waits neither for a retry, since what failed is what hangs, nor for what is sent again by hand, nor for
   * an endpoint that is watched, nor for any endpoint of a merchant that has some which take long.
   */
  async #quickly(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<void> {
    const { promise: isAside, resolve: onAside } = Promise.withResolvers<void>();
    const showPending = () => {
      const { delivery, destination, previous, payload } = dispatch;
      const planned = [{ delivery, destination, previous, payload, waitsFor: null, skipped: null }];
      this.#note(record.key, plannedRows({ v: V, record, planned, ready: [] }), null);
    };
    const timer = isNew(dispatch) ? setTimeout(showPending, SHOWN_AFTER_MS) : undefined;
    const work = this.#deliver(record, dispatch, isFirst, onAside).finally(() => clearTimeout(timer));
    this.#ctx.waitUntil(work);
    await (isNew(dispatch) && Promise.race([work, isAside]));
  }

  /** What becomes ready goes on behind the batch, which is answered once its own deliveries were attempted. */
  #follow(items: EventItem[]): void {
    for (const item of items) {
      this.#ctx.waitUntil(
        this.take(item, { isFirst: true }).catch((error: unknown) =>
          log.error("delivery.failed", { event: item.record.id, error }),
        ),
      );
    }
  }
}

/** Whether a delivery was never attempted before, nor is sent again by hand. */
function isNew({ attempts, trigger }: Dispatch): boolean {
  return attempts === 0 && trigger !== "manual";
}

function merchantsOf(items: EventItem[]): string[] {
  return [...new Set(items.map(({ record }) => record.merchant))];
}

/** Whom the items of a batch tell something. */
function peopleIn(items: EventItem[]): UserRef[] {
  return items.flatMap(({ record: { merchant, user }, ready }) =>
    user !== null && ready.some(({ destination }) => isChannel(destination)) ? [{ merchant, user }] : [],
  );
}

function settleOf(
  record: EventRecord,
  { delivery, counter }: Dispatch,
  { outcome }: Pick<Conclusion, "outcome">,
): Settle {
  return { event: record.id, delivery, counter, outcome };
}
