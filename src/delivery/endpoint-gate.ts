import { DurableObject } from "cloudflare:workers";

import { announce } from "../outbox/announce.ts";
import { V, type EventItem, type ReleaseInput } from "../outbox/contract.ts";
import { keyForLog } from "../outbox/keys.ts";
import { pack, send } from "../outbox/messages.ts";
import { log } from "../platform/log.ts";
import { disableEndpoint, watchEndpoint, type EndpointRef } from "../store/endpoint-status.ts";
import { CLOSED } from "./breaker.ts";
import { Called } from "./called.ts";
import {
  ask,
  FORGOTTEN_MS,
  giveBack,
  isProbing,
  NEW_GATE,
  nextLook,
  releases,
  shut,
  standing,
  tell,
  tellSlow,
  type GateStanding,
  type GateState,
  type Told,
  type Verdict,
} from "./gate-state.ts";
import { Parked } from "./parked.ts";

/** After a look at what waits, the next one that nothing else gives rise to is at least so much later. */
const LOOK_MS = 1_000;
/** So long what others hand over waits for an outbox that was called with them. */
const ANSWER_MS = 1_500;
/** What has failed while the endpoint is down is no probe so soon: it has its own time, unless the endpoint is back. */
const NO_PROBE_MS = 24 * 3_600_000;

/** One dispatch of a delivery to the endpoint. `dispatch`: `{delivery}/{counter}`. */
export interface DispatchRef extends EndpointRef {
  v: V;
  dispatch: string;
}

/** A consumer asks whether it may attempt a delivery. `outbox`: whom to call when the endpoint is back. */
export interface AskInput extends DispatchRef {
  outbox: string;
  perSecond: number | null;
}

/**
 * A consumer tells how an attempt went, or (`told` null) that one is taking long. `outbox`: whose it is; absent where the
 * release before tells.
 */
export interface TellInput extends DispatchRef {
  outbox?: string;
  told: Told | null;
}

/**
 * The gate of one endpoint that is watched: it failed lately, is slow, or has a rate limit. Consumers ask it before
 * every attempt and tell it how each went. It leaves alone an endpoint that is down, probes it, disables it in the end,
 * and lets what waits go when it is back. Endpoints that are well never meet it.
 */
export class EndpointGate extends DurableObject<Env> {
  readonly #parked: Parked;
  #state: GateState;
  /** When attempts that are under way were let start, by dispatch. In memory alone: a gate that starts anew knows none. */
  readonly #underWay = new Map<string, number>();
  readonly #called = new Called();
  /** What the configuration is known to say; null: not known. */
  #isWatched: boolean | null = null;
  #alarmAt = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#parked = new Parked(ctx.storage.sql);
    this.#state = read(ctx.storage.kv.get<GateState>("state"));
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? Infinity;
    });
  }

  /** Whether an attempt may start, and when; if not, what it waits for. */
  async ask({ merchant, endpoint, dispatch, outbox, perSecond }: AskInput): Promise<Verdict> {
    const now = Date.now();
    this.#know({ merchant, endpoint });
    this.#called.countAsked(outbox);
    const { verdict, state } = ask(this.#state, { underWay: this.#countUnderWay(now), perSecond, now });
    this.#keep(state);
    if (verdict.go) {
      this.#underWay.set(dispatch, now);
    } else if (verdict.isParked) {
      this.#parked.add(outbox, now);
      await this.#arm(now);
    }
    return verdict;
  }

  /** Takes in how an attempt went. */
  async tell({ merchant, endpoint, dispatch, outbox, told }: TellInput): Promise<void> {
    this.#know({ merchant, endpoint });
    if (told === null) {
      this.#underWay.set(dispatch, Date.now());
      this.#keep(tellSlow(this.#state, Date.now()));
      await this.#watch({ merchant, endpoint }, true);
      return;
    }
    this.#underWay.delete(dispatch);
    const { state, end, isBack, isWell } = tell(this.#state, told);
    this.#keep(state);
    if (end === null) {
      await this.#watch({ merchant, endpoint }, !isWell);
    } else {
      const isNew = await disableEndpoint(this.env, { merchant, endpoint }, end, told.at);
      await (isNew && this.#announce({ merchant, endpoint }, "endpoint.disabled", { reason: end, lastFailure: told }));
    }
    if (isBack) {
      await this.#announce({ merchant, endpoint }, "endpoint.recovered", {});
    }
    if (outbox !== undefined && told.class !== "delivered" && isProbing(state, told.at)) {
      this.#parked.add(outbox, told.at + NO_PROBE_MS);
    }
    if (state.isDraining) {
      this.ctx.waitUntil(this.#look());
    }
    await this.#arm(told.at);
  }

  /** Takes in that an attempt which may start was not made: somebody else may. */
  async giveBack({ dispatch }: DispatchRef): Promise<void> {
    const askedAt = this.#underWay.get(dispatch);
    if (askedAt !== undefined) {
      this.#underWay.delete(dispatch);
      this.#keep(giveBack(this.#state, askedAt));
      await this.#arm(Date.now());
    }
  }

  /** Remembers an outbox whose deliveries wait until the endpoint is resumed or enabled again. */
  park({ merchant, endpoint, outbox }: EndpointRef & { v: V; outbox: string }): void {
    this.#know({ merchant, endpoint });
    this.#keep(shut(this.#state));
    this.#parked.add(outbox, Date.now());
  }

  /** The endpoint takes deliveries again, by its merchant's word: what waits is let go, at a ramp. */
  async open({ merchant, endpoint }: EndpointRef & { v: V }): Promise<void> {
    this.#know({ merchant, endpoint });
    try {
      await this.#watch({ merchant, endpoint }, true);
    } finally {
      // Only now: who has an older copy of the endpoint may have been parked meanwhile, and is let go as well.
      this.#keep({ ...NEW_GATE, lastSuccessAt: this.#state.lastSuccessAt, isDraining: true });
      await this.#arm(Date.now());
    }
  }

  /** How the endpoint stands. */
  show(): GateStanding {
    return standing(this.#state, Date.now());
  }

  /** The endpoint is gone: nothing is remembered of it. */
  async forget(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.#parked.createTable();
    this.#underWay.clear();
    this.#called.clear();
    [this.#state, this.#isWatched, this.#alarmAt] = [NEW_GATE, null, Infinity];
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Infinity;
    try {
      await this.#look();
    } catch (error) {
      log.error("gate.look_failed", { gate: this.ctx.id.name, error });
    }
    const now = Date.now();
    await this.#arm(now, now + LOOK_MS);
  }

  /** Calls as many of those who wait as may go now; what they have to deliver goes to the queue in few messages. */
  async #look(): Promise<void> {
    const now = Date.now();
    const isProbe = isProbing(this.#state, now);
    const called = this.#called.count(now);
    const count = releases(this.#state, { underWay: this.#countUnderWay(now), called }, now);
    const outboxes = count > 0 ? this.#parked.first(count, isProbe ? now : Infinity) : [];
    if (this.#state.isDraining && called === 0 && this.#parked.earliest() === null) {
      this.#keep({ ...this.#state, isDraining: false });
    }
    const { endpoint } = this.ctx.storage.kv.get<EndpointRef>("endpoint") ?? {};
    if (endpoint === undefined || outboxes.length === 0) {
      return;
    }
    const max = Math.max(1, Math.floor(count / outboxes.length));
    const handed = outboxes.map((outbox) => this.#release(outbox, { v: V, destination: endpoint, isProbe, max }));
    const { promise: isLate, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), ANSWER_MS);
    const inTime = await Promise.all(handed.map(async (one) => Promise.race([one, isLate])));
    clearTimeout(timer);
    handed
      .filter((_, at) => inTime[at] === null)
      .forEach((one) => this.ctx.waitUntil(one.then((items) => this.#send(items))));
    await this.#send(inTime.flatMap((items) => items ?? []));
  }

  /** What the queue does not take is made up for when its lease runs out. */
  async #send(items: EventItem[]): Promise<void> {
    await send(this.env.RETRIES, pack(items)).catch((error: unknown) =>
      log.warn("gate.send_failed", { gate: this.ctx.id.name, error }),
    );
  }

  /** Calls an outbox. One that does not answer, or has more to deliver, stays parked, behind the others. */
  async #release(outbox: string, input: Required<ReleaseInput>): Promise<EventItem[]> {
    this.#parked.delete(outbox);
    this.#called.set(outbox, input.max, Date.now());
    try {
      const { next, hasMore, hasFailed } = await this.env.USER_OUTBOX.getByName(outbox).release(input);
      if (hasMore || hasFailed) {
        this.#parked.add(outbox, Date.now() + (hasMore ? 0 : NO_PROBE_MS));
      }
      this.#called.set(outbox, next.length, Date.now());
      return next;
    } catch (error) {
      this.#called.delete(outbox);
      this.#parked.add(outbox, Date.now());
      log.warn("gate.outbox_failed", { outbox: keyForLog(outbox), error });
      return [];
    }
  }

  async #announce(
    { merchant, endpoint: id }: EndpointRef,
    type: "endpoint.disabled" | "endpoint.recovered",
    more: object,
  ) {
    await announce(this.env, { merchant, type, target: id, data: { endpoint: { id, ...more } } });
  }

  async #watch(ref: EndpointRef, watch: boolean): Promise<void> {
    if (this.#isWatched !== watch) {
      await watchEndpoint(this.env, ref, watch);
      this.#isWatched = watch;
    }
  }

  /** Sees to it that what waits is looked at in time, and that letting it go ends. */
  async #arm(now: number, earliest = now): Promise<void> {
    const at = this.#parked.earliest();
    if (this.#state.isDraining || at !== null) {
      const mayAt = isProbing(this.#state, now) ? (at ?? 0) : 0;
      await this.#armAt(Math.max(nextLook(this.#state, this.#countUnderWay(now), now), earliest, mayAt));
    }
  }

  /** Never later than it is armed already: those who wait are not put off by every word about those who do not. */
  async #armAt(at: number): Promise<void> {
    if (at < this.#alarmAt) {
      this.#alarmAt = at;
      await this.ctx.storage.setAlarm(at);
    }
  }

  /** An attempt that nobody has told the end of counts only so long. */
  #countUnderWay(now: number): number {
    for (const [dispatch, at] of this.#underWay) {
      if (at + FORGOTTEN_MS <= now) {
        this.#underWay.delete(dispatch);
      }
    }
    return this.#underWay.size;
  }

  #keep(state: GateState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.ctx.storage.kv.put("state", state);
    }
  }

  /** Which endpoint this is: alarms have nobody to tell them. */
  #know(ref: EndpointRef): void {
    if (this.ctx.storage.kv.get("endpoint") === undefined) {
      this.ctx.storage.kv.put("endpoint", ref);
    }
  }
}

/** What was kept, by this release or the one before it. */
function read(kept: GateState | undefined): GateState {
  return kept === undefined ? NEW_GATE : { ...NEW_GATE, ...kept, breaker: { ...CLOSED, ...kept.breaker } };
}
