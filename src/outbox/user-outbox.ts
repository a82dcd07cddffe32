import { DurableObject } from "cloudflare:workers";

import { log } from "../platform/log.ts";
import type { HandOver } from "./acceptance.ts";
import {
  V,
  type AcceptEvent,
  type AcceptInput,
  type AcceptResult,
  type Claimed,
  type ClaimInput,
  type DeliveryRef,
  type EventItem,
  type Released,
  type ReleaseInput,
  type Retried,
  type RetryInput,
  type SettleInput,
  type Standing,
} from "./contract.ts";
import { pack, send, SEND_BITE, stillQueued, toTravel } from "./messages.ts";
import { bindPayment } from "./bind.ts";
import { dueOf, type Entry, type LeaseTimes } from "./pending.ts";
import { State } from "./state.ts";

/** How long log rows that nobody took wait for the next try. */
const RELOG_MS = 5_000;

/**
 * The outbox of one ordering key: dedupes and orders events, keeps the facts of payments, and remembers every
 * delivery until it is settled. Expected outcomes are returned, never thrown. What it hands out is durable before:
 * the output gate holds answers and queue sends until the writes that precede them are.
 */
export class UserOutbox extends DurableObject<Env> {
  readonly #times: LeaseTimes;
  readonly #state: State;
  #alarmAt = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#times = { startByMs: Number(env.START_BY_MS), leaseMs: Number(env.LEASE_MS) };
    this.#state = new State(ctx.storage, ctx.id.name!, this.#times);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? Infinity;
      await this.#arm(this.#state.rows.hasUnlogged ? Date.now() + RELOG_MS : this.#state.lanes.nextDue());
    });
  }

  /**
   * Takes events in: dedupes each, gives it the next sequence, applies it to its payment's facts and plans its
   * deliveries, all in one transaction. What comes back as `item` is for the caller to enqueue.
   */
  async accept({ events }: AcceptInput): Promise<AcceptResult[]> {
    const movedTo = this.#state.rows.movedTo;
    if (movedTo !== null) {
      return events.map(() => ({ status: "moved", user: movedTo }));
    }
    const bound = new Map<AcceptEvent, HandOver | { movedTo: string } | null>();
    const bringing = events.filter((event) => this.#state.acceptance.bringsPayment(event));
    await Promise.all(
      bringing.map(async (event) => bound.set(event, await bindPayment(this.env, this.ctx.id.name!, event))),
    );
    if (this.#state.isFull()) {
      return events.map(() => ({ status: "refused", reason: "storage-full" }));
    }
    const now = Date.now();
    const { results, isFull } = this.#state.change(() => {
      const results = events.map((event): AcceptResult => {
        const binding = bound.get(event) ?? null;
        return binding && "movedTo" in binding
          ? { status: "moved", user: binding.movedTo }
          : this.#state.acceptance.accept(event, binding, now);
      });
      return { results, isFull: this.#state.giveUp(this.#state.lanes.overfull(), "lane_full", now) };
    });
    await this.#arm(isFull ? now : this.#state.lanes.events.size > 0 ? now + this.#times.leaseMs : Infinity);
    return results;
  }

  /**
   * Applies how dispatches ended, and hands back what became ready by it: at most `takes` deliveries, which the caller
   * goes on with; the outbox enqueues the rest.
   */
  async settle({ settles, takes, unlogged }: SettleInput): Promise<{ v: V; next: EventItem[] }> {
    const now = Date.now();
    const { ready, due } = this.#state.change(() => {
      this.#state.rows.keepUnlogged(unlogged);
      const ready: Entry[] = [];
      let due = unlogged.length > 0 ? now + RELOG_MS : Infinity;
      for (const { event, delivery, counter, outcome } of settles) {
        const entry = this.#state.lanes.find(event, delivery);
        const lane = entry?.pending.lane ?? null;
        if (entry && this.#state.lanes.settle(entry, counter, outcome)) {
          due = Math.min(due, this.#state.lanes.find(event, delivery) ? dueOf(entry.pending) : Infinity);
          const next = lane === null ? null : this.#state.lanes.readyIn(lane);
          if (next) {
            this.#state.lanes.dispatch(next, now);
            due = Math.min(due, next.pending.due);
            ready.push(next);
          }
        }
      }
      return { ready, due };
    });
    const next = this.#state.items(ready.slice(0, takes), now).map(toTravel);
    await Promise.all([this.#arm(due), this.#enqueue(this.env.DELIVERIES, ready.slice(takes), now)]);
    return { v: V, next };
  }

  /** A consumer asks whether it may still start a dispatch: renews it; null: it is over, nothing is to be sent. */
  claim({ event, delivery, counter, mode, by }: ClaimInput): Claimed | null {
    const now = Date.now();
    const { lanes } = this.#state;
    const entry = lanes.find(event, delivery);
    const isGranted = entry && this.#state.change(() => lanes.claim(entry, counter, mode === "once" ? by : null, now));
    return isGranted
      ? { startBy: lanes.startBy(now), superseded: this.#state.acceptance.isSuperseded(entry.event) }
      : null;
  }

  /** The template of an unfinished event's body, for events too large to travel; null once all is finished. */
  template({ event }: { v: V; event: string }): string | null {
    const pending = this.#state.lanes.events.get(event);
    return pending ? this.#state.rows.record(pending.key).template : null;
  }

  /** How a delivery stands at this moment, while it is not finished. */
  inspect({ event, delivery }: DeliveryRef): Standing {
    const entry = this.#state.lanes.find(event, delivery);
    return {
      found: entry !== null,
      waitingFor: entry && this.#state.lanes.waitingFor(entry.pending),
      attempts: entry?.pending.attempts ?? 0,
    };
  }

  /**
   * Attempts a delivery that waits for its next attempt now, at the head of its lane, as the attempt that was due
   * later. Sends a finished one again, beside its lane; with an `ordering` in turn with others that are sent again.
   * Overtakes nothing: what comes before it in its lane is to be attempted first.
   */
  async retry(input: RetryInput): Promise<Retried> {
    const now = Date.now();
    const { retried, ready, due } = this.#state.retry(input, now);
    await Promise.all([this.#arm(due), this.#enqueue(this.env.RETRIES, ready, now)]);
    return retried;
  }

  /** Ends a delivery that is not finished, and logs that; its lane goes on. */
  async cancel({ event, delivery }: DeliveryRef): Promise<{ status: "canceled" | "over" }> {
    const entry = this.#state.lanes.find(event, delivery);
    await (entry && this.#cancel([entry], "by_hand"));
    return { status: entry ? "canceled" : "over" };
  }

  /** Ends what its user has not been told yet of events accepted before `before` (epoch ms), and logs that. */
  async forgetUser({ before }: { v: V; before: number }): Promise<void> {
    await this.#cancel(this.#state.lanes.toPeople(before), "user_erased");
  }

  /** Hands a payment's facts and dedupe keys to the user that it is bound to, and sends later events there. */
  handOver({ user }: { v: V; user: string }): HandOver {
    this.#state.rows.movedTo = user;
    return { facts: this.#state.acceptance.facts(), known: this.#state.rows.allKnown() };
  }

  /** A destination may be back: hands over the oldest that wait for it, and says whether more do. */
  async release(input: ReleaseInput): Promise<Released> {
    const now = Date.now();
    const { handed, ...more } = this.#state.change(() => this.#state.lanes.release(input, now));
    await this.#arm(Math.min(...handed.map(({ pending }) => dueOf(pending))));
    if (input.max === undefined) {
      await this.#enqueue(this.env.RETRIES, handed, now);
      return { v: V, next: [], ...more };
    }
    return { v: V, next: this.#state.items(handed, now).map(toTravel), ...more };
  }

  /** Looks again at everything that is due; the cron calls it where the log says that something is overdue. */
  async wake(): Promise<void> {
    await this.#sweep(Date.now());
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Infinity;
    await this.#sweep(Date.now());
  }

  async #cancel(entries: Entry[], reason: "by_hand" | "user_erased"): Promise<void> {
    const now = Date.now();
    const isInLane = entries.some(({ pending }) => pending.lane !== null);
    this.#state.change(() => this.#state.giveUp(entries, reason, now));
    const isLogged = await this.#state.report(this.env);
    await this.#arm(isInLane || !isLogged ? now : Infinity);
  }

  /** Sends what is due. The next alarm is armed before the sending; a fault leaves one armed as well. */
  async #sweep(now: number): Promise<void> {
    try {
      const queues = { deliveries: this.env.DELIVERIES, retries: this.env.RETRIES };
      const waiting = await stillQueued(queues, this.#state.lanes.expired(now), now);
      const due = this.#state.change(() => {
        this.#state.lanes.extend(waiting, now);
        const { send, lost, ambiguous, old } = this.#state.lanes.sweep(now);
        this.#state.keepLost(lost, now);
        this.#state.giveUp(ambiguous, "ambiguous", now);
        this.#state.giveUp(old, "expired", now);
        const due = [...send, ...this.#state.lanes.ready()];
        for (const entry of due) {
          this.#state.lanes.dispatch(entry, now);
        }
        return due;
      });
      await this.#arm(this.#state.lanes.nextDue());
      await this.#enqueue(this.env.RETRIES, due, now);
      this.#state.purge(now);
      await this.#arm((await this.#state.report(this.env)) ? Infinity : now + RELOG_MS);
    } catch (error) {
      log.error("outbox.sweep_failed", { outbox: this.ctx.id.toString(), error });
      await this.#arm(now + this.#times.leaseMs);
    }
  }

  /**
   * Sends what was handed over, in bites, so that the bodies of a long backlog are not in memory at once. A send that
   * fails is made up for when the leases of its dispatches run out.
   */
  async #enqueue(queue: Queue, entries: Entry[], now: number): Promise<void> {
    for (let at = 0; at < entries.length; at += SEND_BITE) {
      const bite = entries.slice(at, at + SEND_BITE).filter((entry) => this.#state.lanes.has(entry));
      await send(queue, pack(this.#state.items(bite, now))).catch(() => undefined);
    }
  }

  async #arm(due: number): Promise<void> {
    if (due < this.#alarmAt) {
      this.#alarmAt = due;
      await this.ctx.storage.setAlarm(due);
    }
  }
}
