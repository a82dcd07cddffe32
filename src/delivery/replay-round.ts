import { partsOfDelivery } from "../event/ids.ts";
import { V } from "../outbox/contract.ts";
import { keyForLog } from "../outbox/keys.ts";
import { log } from "../platform/log.ts";
import { freshConfig, merchantConfig, type MerchantConfig } from "../store/config.ts";
import { candidates, readAgain, standings, type Again } from "../store/replay.ts";
import { allowance, nextAt, recent } from "./pace.ts";
import { decide, outcomeOf, rateOf, standOf, type SkippedBecause, type StoppedBecause } from "./replay-rules.ts";
import { count, skip, type Out, type ReplayState, type Waiting } from "./replay-state.ts";

/** So many deliveries of a job are on their way at once: fresh events find the queue and the outboxes free. */
const MAX_OUT = 50;
/** Pages turned in one round, where nothing on them fits. */
const MAX_PAGES = 10;
/** How long a job waits for what is on its way before it looks again: twice as long each time that nothing happened. */
const FIRST_LOOK_MS = 250;
const MAX_LOOK_MS = 30_000;
/** After this a delivery of which the log has nothing new is asked after at its outbox. */
const ASK_AFTER_MS = 300_000;
/** Rounds in which an outbox may fail to answer: about half an hour. */
const MAX_TRIES = 30;

/** How a round ended: the job is over, or has its next round `at` (epoch ms); `hasFailed`: some outbox did. */
export type Ended = { status: "done" } | { status: "failed"; error: string } | { at: number; hasFailed: boolean };

/**
 * One round of a job: looks what became of what is on its way, turns to the next page when one is dealt with, and asks
 * outboxes to send as many again as the pace allows. `save` makes what was done durable after each step, so that a
 * kill repeats at most one; the outboxes do not send twice what is asked for twice. Throws where D1 does.
 */
export class Round {
  readonly #env: Env;
  readonly #state: ReplayState;
  readonly #save: () => void;
  readonly #isCanceled: () => boolean;
  #hasFailed = false;
  #isBusy = false;

  constructor(env: Env, state: ReplayState, save: () => void, isCanceled: () => boolean) {
    this.#env = env;
    this.#state = state;
    this.#save = save;
    this.#isCanceled = isCanceled;
  }

  async run(): Promise<Ended> {
    const state = this.#state;
    if (state.isAsking) {
      state.spent = state.spent.map((spent) => ({ ...spent, at: Date.now() }));
      state.isAsking = false;
    }
    const config = await this.#readConfig();
    if (typeof config === "string") {
      return { status: "failed", error: config };
    }
    const rate = rateOf(state.job, config);
    await this.#look();
    await this.#turn();
    await this.#ask(config, rate);
    if (state.isAtEnd && state.page.length === 0 && state.out.length === 0) {
      return { status: "done" };
    }
    state.idle = this.#isBusy ? 0 : state.idle + 1;
    this.#save();
    return { at: this.#nextAt(rate), hasFailed: this.#hasFailed };
  }

  /** The merchant's configuration, or why the job stops; looked up anew before that is believed. */
  async #readConfig(): Promise<MerchantConfig | StoppedBecause> {
    const { merchant, filter } = this.#state.job;
    let because: StoppedBecause = "merchant_deleted";
    for (const read of [merchantConfig, freshConfig]) {
      const config = await read(this.#env, merchant);
      if (!config.ok) {
        throw new Error("The configuration cannot be read");
      }
      const stands = standOf(config.value, filter);
      if (typeof stands !== "string") {
        return stands;
      }
      because = stands;
    }
    return because;
  }

  #nextAt(rate: number): number {
    const { page, out, isAtEnd, spent, idle } = this.#state;
    const now = Date.now();
    if (out.length < MAX_OUT && (page.length > 0 || !isAtEnd)) {
      return nextAt(spent, rate, now);
    }
    return now + Math.min(FIRST_LOOK_MS * 2 ** idle, MAX_LOOK_MS);
  }

  /** Takes what was attempted off what is on its way. */
  async #look(): Promise<void> {
    const { job, out } = this.#state;
    if (out.length === 0) {
      return;
    }
    const ids = out.map(({ id }) => id);
    const found = await standings(this.#env.DB, job.merchant, ids);
    const left: Out[] = [];
    for (const one of out) {
      const standing = found.get(one.id);
      const outcome = standing ? outcomeOf(standing, one.counter) : "gone";
      if (outcome === null && !(await this.#isLost(one))) {
        left.push(one);
      }
      count(this.#state, { delivered: outcome === "delivered" ? 1 : 0 });
    }
    this.#isBusy ||= left.length < out.length;
    this.#state.out = left;
  }

  /** Whether a delivery is finished although the log does not say so: its row went astray. */
  async #isLost(one: Out): Promise<boolean> {
    if (Date.now() < one.since + ASK_AFTER_MS) {
      return false;
    }
    one.since = Date.now();
    const { event } = partsOfDelivery(one.id)!;
    const outbox = this.#env.USER_OUTBOX.getByName(one.outbox);
    const standing = await outbox.inspect({ v: V, event, delivery: one.id }).catch(() => null);
    return standing?.found === false;
  }

  async #turn(): Promise<void> {
    const state = this.#state;
    for (let pages = 0; state.page.length === 0 && !state.isAtEnd && pages < MAX_PAGES; pages++) {
      const { page, next } = await candidates(this.#env.DB, state.job.merchant, state.job.filter, state.after);
      state.page = page.map((one) => ({ ...one, isAsked: false, tries: 0 }));
      state.after = next;
      state.isAtEnd = next === null;
      count(this.#state, { looked: page.length });
      this.#save();
    }
  }

  async #ask(config: MerchantConfig, rate: number): Promise<void> {
    const state = this.#state;
    const free = Math.min(allowance(state.spent, rate, Date.now()), MAX_OUT - state.out.length);
    const bite = state.page.slice(0, free);
    if (bite.length === 0) {
      return;
    }
    const ids = bite.map(({ id }) => id);
    const found = await readAgain(this.#env.DB, state.job.merchant, ids);
    const wereAsked = new Set(bite.filter(({ isAsked }) => isAsked));
    const before = recent(state.spent, Date.now());
    bite.forEach((one) => (one.isAsked = true));
    state.spent = [...before, { at: Date.now(), count: bite.length }];
    state.isAsking = true;
    this.#save();
    const results = new Map<Waiting, Result>();
    await Promise.all(
      [...Map.groupBy(bite, ({ outbox }) => outbox).values()].map(async (ones) => {
        for (const one of ones) {
          const result = this.#isCanceled()
            ? "unasked"
            : await this.#askOne(one, found.get(one.id), wereAsked.has(one), config);
          results.set(one, result);
          if (result === "failed" || result === "unasked") {
            return;
          }
        }
      }),
    );
    this.#isBusy = true;
    const left = bite.filter((one) => !this.#isDealtWith(one, results.get(one), wereAsked.has(one)));
    state.page = [...left, ...state.page.slice(bite.length)];
    const asked = [...results.values()].filter((result) => result === "queued" || result === "failed").length;
    state.spent = [...before, { at: Date.now(), count: asked }];
    state.isAsking = false;
    this.#save();
  }

  async #askOne(
    { id, counter, outbox }: Waiting,
    again: Again | undefined,
    wasAsked: boolean,
    config: MerchantConfig,
  ): Promise<Result> {
    const decision = decide({ counter, wasAsked }, again, { filter: this.#state.job.filter, config });
    switch (decision.kind) {
      case "asked":
        return "queued";
      case "skip":
        return decision.because;
      case "ask":
        try {
          const { status } = await this.#env.USER_OUTBOX.getByName(decision.input.record.key).retry(decision.input);
          return status === "queued" || (status === "under_way" && wasAsked) ? "queued" : "waiting";
        } catch (error) {
          log.warn("job.outbox_failed", { delivery: id, outbox: keyForLog(outbox), error });
          return "failed";
        }
    }
  }

  /** Notes what became of a delivery of this round. False: it stays on its page. */
  #isDealtWith(one: Waiting, result: Result | undefined, wasAsked: boolean): boolean {
    if (result === undefined || result === "unasked") {
      one.isAsked = wasAsked;
      return false;
    }
    if (result === "failed") {
      this.#hasFailed = true;
      one.tries += 1;
      if (one.tries < MAX_TRIES) {
        return false;
      }
      skip(this.#state, one.id, "unavailable");
      return true;
    }
    if (result !== "queued") {
      skip(this.#state, one.id, result);
      return true;
    }
    const { id, outbox, counter } = one;
    this.#state.out.push({ id, outbox, counter, since: Date.now() });
    count(this.#state, { queued: 1, position: id });
    return true;
  }
}

/** What came of asking: sent again, why not, no answer, or not asked at all. */
type Result = "queued" | SkippedBecause | "failed" | "unasked";
