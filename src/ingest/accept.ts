import { composeTemplate } from "../event/envelope.ts";
import { deliveryId } from "../event/ids.ts";
import { V, type AcceptEvent, type AcceptResult, type BackupMessage, type EventItem } from "../outbox/contract.ts";
import { ownKey, paymentKey, sourceKey, userKey } from "../outbox/keys.ts";
import { followPayment } from "../outbox/bind.ts";
import { log } from "../platform/log.ts";
import { noteAltered, plannedRows, writeLog } from "../store/log.ts";
import { enqueue, type RequestContext } from "./enqueue.ts";

/** How long an outbox may take to answer, and how often it is asked, before the event is spilled. */
const TRY_MS = 1_500;
const TRIES = 2;
/** A payment's user becomes known at most once, so an event moves at most once; one more for a race. */
const MAX_MOVES = 3;
const MAX_BOUND = 10_000;

/** Users of payments that this isolate has looked up: a binding never changes. */
const boundUsers = new Map<string, string>();

/** What became of an event at the door. `differs`: it came with other content than the one that is known. */
export type Taken =
  | { status: "accepted" | "conflict"; id: string; sequence: number | null }
  | { status: "duplicate"; id: string; sequence: number | null; differs: boolean }
  | { status: "refused" | "unavailable" };

/**
 * Takes events into the outboxes of their ordering keys, and enqueues what they have ready. Events whose outbox does
 * not answer are spilled to the backup queue: accepted, without a sequence yet.
 */
export async function acceptEvents(request: RequestContext, events: AcceptEvent[]): Promise<Taken[]> {
  const taken = await tryAccept(request, events);
  return Promise.all(events.map(async (event) => taken.get(event) ?? spill(request, event)));
}

/** As {@link acceptEvents}, but for what is done where an outbox does not answer: such events are left out. */
export async function tryAccept(request: RequestContext, events: AcceptEvent[]): Promise<Map<AcceptEvent, Taken>> {
  const taken = new Map<AcceptEvent, Taken>();
  let waiting = events.map((event): Routed => ({ original: event, event }));
  for (let move = 0; waiting.length > 0 && move < MAX_MOVES; move++) {
    const located = await Promise.all(waiting.map((routed) => locate(request.env, routed)));
    const groups = Map.groupBy(
      located.filter((one) => one !== null),
      ({ key }) => key,
    );
    waiting = [];
    await Promise.all(
      [...groups].map(async ([key, group]) => {
        let isRepeated = false;
        const results = await patiently((tries) => {
          isRepeated = tries > 0;
          return request.env.USER_OUTBOX.getByName(key).accept({ v: V, events: group.map(({ event }) => event) });
        });
        for (const [i, result] of (results ?? []).entries()) {
          const { original, event } = group[i]!;
          if (result.status === "moved") {
            waiting.push({ original, event: ofUser(event, result.user) });
          } else {
            taken.set(original, settle(request, event, result, isRepeated));
          }
        }
      }),
    );
  }
  return taken;
}

/** An event on its way: as it came, and with the user whom its payment turned out to be bound to. */
interface Routed {
  original: AcceptEvent;
  event: AcceptEvent;
}

interface Located extends Routed {
  key: string;
}

function ofUser(event: AcceptEvent, user: string): AcceptEvent {
  return { ...event, event: { ...event.event, user } };
}

/**
 * The ordering key of an event: its user's, else that of the user its payment is bound to, else its payment's; null
 * if the binding does not answer.
 */
async function locate(env: Env, { original, event }: Routed): Promise<Located | null> {
  const { merchant, source } = event;
  const payment = event.event.data.payment?.id;
  if (event.event.user !== null) {
    return { original, event, key: await userKey(merchant, event.event.user) };
  }
  if (payment === undefined) {
    return { original, event, key: await sourceKey(merchant, source) };
  }
  const name = await paymentKey(merchant, source, payment);
  const user =
    boundUsers.get(name) ?? (await patiently(() => followPayment(env, merchant, source, payment, event.hint)))?.user;
  if (user === undefined) {
    return null;
  }
  if (user === null) {
    return { original, event, key: name };
  }
  if (boundUsers.size >= MAX_BOUND) {
    boundUsers.clear();
  }
  boundUsers.set(name, user);
  return { original, event: ofUser(event, user), key: await userKey(merchant, user) };
}

function settle(
  request: RequestContext,
  event: AcceptEvent,
  result: Exclude<AcceptResult, { status: "moved" }>,
  isRepeated: boolean,
): Taken {
  switch (result.status) {
    case "accepted":
      enqueue(request, [result.item]);
      return { status: "accepted", id: result.id, sequence: result.sequence };
    case "duplicate":
      if (isRepeated && result.id === event.id) {
        // An earlier try took it in, but its answer came too late: the lease sends it, the log shows it meanwhile.
        request.ctx.waitUntil(showAsPending(request.env, event));
        return { status: "accepted", id: result.id, sequence: result.sequence };
      }
      if (result.differs) {
        request.ctx.waitUntil(noteAltered(request.env.DB, event.merchant, result.id, event.receivedAt));
      }
      return { status: "duplicate", id: result.id, sequence: result.sequence, differs: result.differs };
    case "conflict":
      return { status: "conflict", id: result.id, sequence: result.sequence };
    case "refused":
      return { status: "refused" };
  }
}

/** Keeps an event on the backup queue, whose consumer brings it to its outbox, and shows it in the log meanwhile. */
async function spill({ env, ctx }: RequestContext, event: AcceptEvent): Promise<Taken> {
  try {
    const message: BackupMessage = { v: V, kind: "accept", event };
    await env.BACKUP.send(message, { contentType: "json" });
  } catch (error) {
    log.error("event.spill_failed", { event: event.id, error });
    return { status: "unavailable" };
  }
  log.warn("event.spilled", { event: event.id });
  ctx.waitUntil(showAsPending(env, event));
  return { status: "accepted", id: event.id, sequence: null };
}

async function showAsPending(env: Env, event: AcceptEvent): Promise<void> {
  await writeLog(env.DB, plannedRows(await spilledItem(event)));
}

/** An event as the log shows it before its outbox has answered: no sequence, and deliveries that wait. */
async function spilledItem({ id, merchant, source, receivedAt, event, plan }: AcceptEvent): Promise<EventItem> {
  return {
    v: V,
    record: {
      id,
      merchant,
      source,
      provider: event.origin?.name ?? null,
      key: await ownKey({ merchant, source }, event),
      user: event.user,
      type: event.type,
      payment: event.data.payment?.id ?? null,
      livemode: event.livemode,
      stale: false,
      sequence: null,
      acceptedAt: receivedAt,
      occurredAt: event.occurredAt,
      template: composeTemplate({ id, sequence: null, stale: false, truth: null, event }),
    },
    planned: plan.map(({ destination }) => ({
      delivery: deliveryId(id, destination),
      destination,
      previous: null,
      waitsFor: null,
      skipped: null,
    })),
    ready: [],
  };
}

/** Calls an object up to {@link TRIES} times, each on a new stub and for at most {@link TRY_MS}; null: no answer. */
async function patiently<T>(call: (tries: number) => Promise<T>): Promise<T | null> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), TRY_MS);
    try {
      const answer = await Promise.race([call(tries), late]);
      if (answer !== null) {
        return answer;
      }
    } catch (error) {
      log.warn("object.call_failed", { error });
      if (error instanceof Error && "overloaded" in error && error.overloaded === true) {
        return null;
      }
    } finally {
      clearTimeout(timer);
    }
  }
  return null;
}
