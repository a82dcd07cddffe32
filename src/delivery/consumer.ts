import { isChannel } from "../event/channels.ts";
import {
  LOG,
  V,
  type DeliveriesMessage,
  type Dispatch,
  type EventItem,
  type EventRecord,
  type LogRow,
  type Settle,
} from "../outbox/contract.ts";
import { pack, send } from "../outbox/messages.ts";
import { log } from "../platform/log.ts";
import { freshConfig, merchantConfig, merchantConfigs, type Endpoint } from "../store/config.ts";
import { plannedRows } from "../store/log.ts";
import { peopleOf, type AddressedChannel, type UserRef } from "../store/people.ts";
import { attemptWebhook } from "./attempt.ts";
import { Ledger } from "./ledger.ts";
import { conclude, type Conclusion } from "./outcome.ts";
import { Slots } from "./slots.ts";
import { tell } from "./tell.ts";

/** How long one invocation goes on with what its lanes bring next, and with how many deliveries. */
const GO_ON_MS = 20_000;
const GO_ON_DELIVERIES = 200;
/** A first attempt that runs longer than this holds up no batch; one that finds no slot for as long goes to another. */
const PATIENCE_MS = 2_000;

/**
 * Consumes the `deliveries` queue: attempts what is ready, logs, settles, and goes on with what becomes ready by that.
 * Never throws; every message is acknowledged on its own, since the outbox owns the work and its leases cover a crash.
 */
export async function consumeDeliveries(
  batch: MessageBatch<DeliveriesMessage>,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<void> {
  const run = new Run(env, ctx);
  await Promise.all([merchantConfigs(env, merchantsOf(batch)), peopleOf(env, peopleIn(batch))]);
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        await Promise.all(message.body.items.map((item) => run.take(item, { isFirst: message.attempts === 1 })));
        message.ack();
      } catch (error) {
        log.error("delivery.failed", { message: message.id, error: String(error) });
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
   * Attempts what is ready of one event, and writes down the event with what was planned for it. That it is logged is
   * not worth a settle where a delivery waits: the hand-over of that says it too, unless it takes longer than a lease.
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
    await Promise.all(
      dispatches.map((dispatch) => this.#quickly(this.#deliver(record, dispatch, isFirst), record, dispatch)),
    );
  }

  /**
   * Writes down, behind the batch: the message may be acknowledged before that, since what is not settled the outbox
   * sends again.
   */
  #note(key: string, rows: LogRow[], settle: Settle | null): void {
    this.#ctx.waitUntil(this.#ledger.note(key, rows, settle));
  }

  async #deliver(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<void> {
    this.#taken += 1;
    if (!(await this.#slots.take(PATIENCE_MS))) {
      await send(this.#env.DELIVERIES, pack([{ v: V, record, planned: [], ready: [dispatch] }]));
      return;
    }
    let concluded: Conclusion | null;
    this.#underWay += 1;
    try {
      concluded = await (isChannel(dispatch.destination)
        ? this.#tell(record, dispatch)
        : this.#post(record, dispatch, isFirst));
    } finally {
      this.#slots.release();
      this.#underWay -= 1;
    }
    if (concluded !== null) {
      const { row, outcome } = concluded;
      this.#note(record.key, [{ delivery: row }], settleOf(record, dispatch, { outcome }));
    }
  }

  /** A webhook to an endpoint. Null: nothing is to be said now, the outbox's lease sees to it. */
  async #post(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<Conclusion | null> {
    const endpoint = await this.#endpointOf(record, dispatch);
    const { template } = record;
    if (endpoint === "unavailable" || template === null || !(await this.#mayStart(record, dispatch, isFirst))) {
      return null;
    }
    const allowPrivate = this.#env.ALLOW_PRIVATE_ENDPOINTS === "true";
    const tried = endpoint && (await attemptWebhook(endpoint, record, template, dispatch, { allowPrivate }));
    return conclude(record, dispatch, endpoint, tried);
  }

  /** A message to a person. Null: as for a webhook. */
  async #tell(record: EventRecord, dispatch: Dispatch): Promise<Conclusion | null> {
    const { template } = record;
    const channel = dispatch.destination as AddressedChannel;
    return template === null ? null : tell({ env: this.#env, record, template, dispatch, channel });
  }

  /** A message that comes again or late asks the outbox first: another dispatch may have taken its place. */
  async #mayStart(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<boolean> {
    if (isFirst && Date.now() < dispatch.startBy) {
      return true;
    }
    const outbox = this.#env.USER_OUTBOX.getByName(record.key);
    const { delivery, counter } = dispatch;
    const claimed = await outbox.claim({ v: V, event: record.id, delivery, counter, mode: "again", by: "" });
    return claimed !== null && Date.now() < claimed.startBy;
  }

  /** The endpoint of a dispatch; looked up anew before it counts as deleted, since a copy may be older than it. */
  async #endpointOf({ merchant }: EventRecord, { destination }: Dispatch): Promise<Endpoint | null | "unavailable"> {
    for (const read of [merchantConfig, freshConfig]) {
      const config = await read(this.#env, merchant);
      if (!config.ok) {
        return "unavailable";
      }
      const endpoint = config.value?.endpoints.find(({ id }) => id === destination);
      if (endpoint) {
        return endpoint;
      }
    }
    return null;
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
   * The batch waits for a first attempt only so long: one that is slow goes on behind it, and the log shows it as
   * pending. It does not wait for a retry at all, since what failed is what hangs, nor for what is sent again by hand.
   */
  async #quickly(work: Promise<void>, record: EventRecord, dispatch: Dispatch): Promise<void> {
    this.#ctx.waitUntil(work);
    if (dispatch.attempts > 0 || dispatch.trigger === "manual") {
      return;
    }
    const { promise: isSlow, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), PATIENCE_MS);
    if (await Promise.race([work.then(() => false), isSlow])) {
      const { delivery, destination, previous } = dispatch;
      const planned = [{ delivery, destination, previous, waitsFor: null, skipped: null }];
      this.#note(record.key, plannedRows({ v: V, record, planned, ready: [] }), null);
    }
    clearTimeout(timer);
  }

  /** What becomes ready goes on behind the batch, which is answered once its own deliveries were attempted. */
  #follow(items: EventItem[]): void {
    for (const item of items) {
      this.#ctx.waitUntil(
        this.take(item, { isFirst: true }).catch((error: unknown) =>
          log.error("delivery.failed", { event: item.record.id, error: String(error) }),
        ),
      );
    }
  }
}

function merchantsOf(batch: MessageBatch<DeliveriesMessage>): string[] {
  return [...new Set(batch.messages.flatMap(({ body }) => body.items.map(({ record }) => record.merchant)))];
}

/** Whom the messages of a batch tell something. */
function peopleIn(batch: MessageBatch<DeliveriesMessage>): UserRef[] {
  return batch.messages.flatMap(({ body }) =>
    body.items.flatMap(({ record: { merchant, user }, ready }) =>
      user !== null && ready.some(({ destination }) => isChannel(destination)) ? [{ merchant, user }] : [],
    ),
  );
}

function settleOf(
  record: EventRecord,
  { delivery, counter }: Dispatch,
  { outcome }: Pick<Conclusion, "outcome">,
): Settle {
  return { event: record.id, delivery, counter, outcome };
}
