import { LOG, V, type DeliveriesMessage, type Dispatch, type EventItem, type EventRecord } from "../outbox/contract.ts";
import { pack, send } from "../outbox/messages.ts";
import { log } from "../platform/log.ts";
import { freshConfig, merchantConfig, merchantConfigs, type Endpoint } from "../store/config.ts";
import { plannedRows } from "../store/log.ts";
import { attemptWebhook } from "./attempt.ts";
import { Ledger } from "./ledger.ts";
import { conclude, type Conclusion } from "./outcome.ts";
import { Slots } from "./slots.ts";

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
  await merchantConfigs(env, merchantsOf(batch));
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

  constructor(env: Env, ctx: Pick<ExecutionContext, "waitUntil">) {
    this.#env = env;
    this.#ctx = ctx;
    this.#ledger = new Ledger(
      env,
      () => (Date.now() < this.#goOnUntil ? Math.max(0, GO_ON_DELIVERIES - this.#taken) : 0),
      (items) => this.#follow(items),
    );
  }

  /** Attempts what is ready of one event, and writes down the event with what was planned for it. */
  async take(item: EventItem, { isFirst }: { isFirst: boolean }): Promise<void> {
    const record = await this.#withTemplate(item.record, item.ready);
    const attempted = new Set(item.ready.map(({ delivery }) => delivery));
    const planned = item.planned.filter(({ delivery }) => !attempted.has(delivery));
    const rows = plannedRows({ ...item, record, planned });
    await Promise.all([
      item.ready.some(({ destination }) => destination === LOG) ? null : this.#ledger.note(record.key, rows, null),
      ...item.ready.map((dispatch) =>
        dispatch.destination === LOG
          ? this.#ledger.note(record.key, rows, settleOf(record, dispatch, { outcome: { kind: "logged" } }))
          : this.#quickly(this.#deliver(record, dispatch, isFirst), record, dispatch),
      ),
    ]);
  }

  async #deliver(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<void> {
    this.#taken += 1;
    if (!(await this.#slots.take(PATIENCE_MS))) {
      await send(this.#env.DELIVERIES, pack([{ v: V, record, planned: [], ready: [dispatch] }]));
      return;
    }
    let concluded: Conclusion;
    try {
      const found = await this.#endpointOf(record, dispatch);
      const { template } = record;
      if (found === "unavailable" || template === null || !(await this.#mayStart(record, dispatch, isFirst))) {
        return;
      }
      concluded = await this.#attempt(record, template, dispatch, found);
    } finally {
      this.#slots.release();
    }
    const { row, outcome } = concluded;
    await this.#ledger.note(record.key, [{ delivery: row }], settleOf(record, dispatch, { outcome }));
  }

  async #attempt(
    record: EventRecord,
    template: string,
    dispatch: Dispatch,
    endpoint: Endpoint | null,
  ): Promise<Conclusion> {
    const allowPrivate = this.#env.ALLOW_PRIVATE_ENDPOINTS === "true";
    const tried = endpoint && (await attemptWebhook(endpoint, record, template, dispatch, { allowPrivate }));
    return conclude(record, dispatch, endpoint, tried);
  }

  /** A message that comes again or late asks the outbox first: another dispatch may have taken its place. */
  async #mayStart(record: EventRecord, dispatch: Dispatch, isFirst: boolean): Promise<boolean> {
    if (isFirst && Date.now() < dispatch.startBy) {
      return true;
    }
    const outbox = this.#env.USER_OUTBOX.getByName(record.key);
    const claimed = await outbox.claim({ v: V, event: record.id, dispatch, mode: "again" });
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
   * pending. It does not wait for a retry at all, since what failed is what hangs.
   */
  async #quickly(work: Promise<void>, record: EventRecord, dispatch: Dispatch): Promise<void> {
    this.#ctx.waitUntil(work);
    if (dispatch.attempts > 0) {
      return;
    }
    const isDone = await Promise.race([work.then(() => true), scheduler.wait(PATIENCE_MS)]);
    if (isDone !== true) {
      const { delivery, destination, previous } = dispatch;
      const planned = [{ delivery, destination, previous, waitsFor: null, skipped: null }];
      await this.#ledger.note(record.key, plannedRows({ v: V, record, planned, ready: [] }), null);
    }
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

function settleOf(record: EventRecord, { delivery, counter }: Dispatch, { outcome }: Pick<Conclusion, "outcome">) {
  return { event: record.id, delivery, counter, outcome };
}
