import { DurableObject } from "cloudflare:workers";

import { announce } from "../outbox/announce.ts";
import { V } from "../outbox/contract.ts";
import { keyForLog } from "../outbox/keys.ts";
import { log } from "../platform/log.ts";
import { disableEndpoint, watchEndpoint, type EndpointRef } from "../store/endpoint-status.ts";
import {
  ask,
  FORGOTTEN_MS,
  giveBack,
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

/** After a look at what waits, the next one is at least so much later. */
const LOOK_MS = 1_000;

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

/** A consumer tells how an attempt went, or (`told` null) that one is taking long. */
export interface TellInput extends DispatchRef {
  told: Told | null;
}

/**
 * The gate of one endpoint that is watched: it failed lately, is slow, or has a rate limit. Consumers ask it before
 * every attempt and tell it how each went. It leaves alone an endpoint that is down, probes it, disables it in the end,
 * and lets what waits go when it is back. Endpoints that are well never meet it.
 */
export class EndpointGate extends DurableObject<Env> {
  #state: GateState;
  /** When attempts that are under way were let start, by dispatch. In memory alone: a gate that starts anew knows none. */
  readonly #underWay = new Map<string, number>();
  /** What the configuration is known to say; null: not known. */
  #isWatched: boolean | null = null;
  #alarmAt = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#createTables();
    this.#state = ctx.storage.kv.get<GateState>("state") ?? NEW_GATE;
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? Infinity;
    });
  }

  /** Whether an attempt may start, and when; if not, what it waits for. */
  async ask({ merchant, endpoint, dispatch, outbox, perSecond }: AskInput): Promise<Verdict> {
    const now = Date.now();
    this.#know({ merchant, endpoint });
    const { verdict, state } = ask(this.#state, { underWay: this.#countUnderWay(now), perSecond, now });
    this.#keep(state);
    if (verdict.go) {
      this.#underWay.set(dispatch, now);
    } else if (verdict.isParked) {
      this.#park(outbox, now);
      await this.#arm(now);
    }
    return verdict;
  }

  /** Takes in how an attempt went. */
  async tell({ merchant, endpoint, dispatch, told }: TellInput): Promise<void> {
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
    this.#park(outbox, Date.now());
  }

  /** The endpoint takes deliveries again, by its merchant's word: what waits is let go, at a ramp. */
  async open({ merchant, endpoint }: EndpointRef & { v: V }): Promise<void> {
    this.#know({ merchant, endpoint });
    this.#keep({ ...NEW_GATE, lastSuccessAt: this.#state.lastSuccessAt, isDraining: true });
    await this.#watch({ merchant, endpoint }, true);
    await this.#arm(Date.now());
  }

  /** How the endpoint stands. */
  show(): GateStanding {
    return standing(this.#state, Date.now());
  }

  /** The endpoint is gone: nothing is remembered of it. */
  async forget(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.#createTables();
    this.#underWay.clear();
    [this.#state, this.#isWatched, this.#alarmAt] = [NEW_GATE, null, Infinity];
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#alarmAt = Infinity;
    try {
      const count = releases(this.#state, this.#countUnderWay(now), now);
      const outboxes = this.#parked(count);
      if (outboxes.length < count && this.#state.isDraining) {
        this.#keep({ ...this.#state, isDraining: false });
      }
      await this.#arm(now, now + LOOK_MS);
      await this.#release(outboxes);
    } catch (error) {
      log.error("gate.release_failed", { gate: this.ctx.id.name, error });
      await this.#armAt(now + 5_000);
    }
  }

  /** Calls outboxes whose deliveries wait. One that does not answer stays parked for the next look. */
  async #release(outboxes: string[]): Promise<void> {
    const { endpoint } = this.ctx.storage.kv.get<EndpointRef>("endpoint") ?? {};
    if (endpoint === undefined) {
      return;
    }
    await Promise.all(
      outboxes.map(async (outbox) => {
        this.ctx.storage.sql.exec("DELETE FROM parked WHERE outbox = ?", outbox);
        try {
          await this.env.USER_OUTBOX.getByName(outbox).release({ v: V, destination: endpoint });
        } catch (error) {
          this.#park(outbox, Date.now());
          log.warn("gate.outbox_failed", { outbox: keyForLog(outbox), error });
        }
      }),
    );
  }

  async #announce(
    { merchant, endpoint: id }: EndpointRef,
    type: "endpoint.disabled" | "endpoint.recovered",
    more: object,
  ) {
    await announce(this.env, { merchant, type, target: id, data: { endpoint: { id, ...more } } });
  }

  #createTables(): void {
    this.ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS parked (outbox TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    );
  }

  async #watch(ref: EndpointRef, watch: boolean): Promise<void> {
    if (this.#isWatched !== watch) {
      await watchEndpoint(this.env, ref, watch);
      this.#isWatched = watch;
    }
  }

  #parked(count: number): string[] {
    return this.ctx.storage.sql
      .exec<{ outbox: string }>("SELECT outbox FROM parked ORDER BY at LIMIT ?", count)
      .toArray()
      .map(({ outbox }) => outbox);
  }

  #park(outbox: string, now: number): void {
    this.ctx.storage.sql.exec("INSERT INTO parked VALUES (?, ?) ON CONFLICT DO NOTHING", outbox, now);
  }

  /** Sees to it that what waits is looked at in time, and that letting it go ends. */
  async #arm(now: number, earliest = now): Promise<void> {
    if (this.#state.isDraining || this.#parked(1).length > 0) {
      await this.#armAt(Math.max(nextLook(this.#state, this.#countUnderWay(now), now), earliest));
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
