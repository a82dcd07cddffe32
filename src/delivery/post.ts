import { V, type Dispatch, type EventRecord } from "../outbox/contract.ts";
import { gateOf } from "../outbox/gates.ts";
import { log } from "../platform/log.ts";
import { isAwaited } from "../platform/verification.ts";
import { freshConfig, merchantConfig, type Endpoint } from "../store/config.ts";
import { headersOf } from "../store/endpoint-headers.ts";
import { hostOf } from "../store/endpoint-hosts.ts";
import { attemptWebhook, type Tried } from "./attempt.ts";
import type { DispatchRef, EndpointGate } from "./endpoint-gate.ts";
import { SLOW_MS, type Told, type Verdict } from "./gate-state.ts";
import { HostRate } from "./host-rate.ts";
import {
  isMerchantSuspected,
  isSuspected,
  isTrusted,
  LAG_MS,
  lags,
  noteLag,
  suspect,
  trust,
  type Newcomers,
} from "./newcomers.ts";
import { conclude, deferred, type Conclusion } from "./outcome.ts";
import type { Wanted } from "./slots.ts";

/** Whoever is called when the endpoint is back asks by itself after so long, should the call be lost. */
const PARKED_MS = 3_600_000;
/** Where a gate does not answer, an endpoint with a rate limit is asked for again after so long. */
const NO_ANSWER_MS = 5_000;
/** One that is not well, and for which there was no slot. */
const NO_SLOT_MS = 2_000;
/** Where a gate does not answer, one that is paused or disabled. */
const UNPARKED_MS = 60_000;

/** How often this isolate posts to each host. */
const hosts = new HostRate();

/** What posting takes: one dispatch of one event, with its body, and what the invocation shares. */
export interface Posting {
  env: Env;
  record: EventRecord;
  template: string;
  dispatch: Dispatch;
  /** The message has come for the first time. */
  isFirst: boolean;
  newcomers: Newcomers;
  /** Runs work in one of the invocation's slots; null: there was none. */
  inSlot: <T>(work: () => Promise<T>, wanted: Wanted) => Promise<T | null>;
  /** Called once the endpoint turns out to be one that nobody should wait for. */
  onAside: () => void;
}

/**
 * Posts an event to its endpoint, if it may start and the endpoint takes it now. Null: nothing is to be said, the
 * outbox's lease sees to it. `no-slot`: another invocation has to do it.
 */
export async function post(posting: Posting): Promise<Conclusion | "no-slot" | null> {
  const { record, dispatch, newcomers, onAside } = posting;
  const found = await endpointOf(posting);
  if (found === "unavailable" || !(await mayStart(posting))) {
    return null;
  }
  const endpoint = found === null || isOpen(posting, found) ? found : await parkAt(posting, found);
  if (endpoint === null) {
    return conclude(record, dispatch, null, null);
  }
  if ("outcome" in endpoint) {
    return endpoint;
  }
  const crowded = waitForHost(posting, endpoint);
  if (crowded !== null) {
    return crowded;
  }
  if (isWatched(endpoint)) {
    onAside();
    return (await waitForTurn(posting, endpoint)) ?? postAt(posting, endpoint, true);
  }
  if (isMerchantSuspected(endpoint.merchant, Date.now()) || lags(endpoint, Date.now())) {
    onAside();
  }
  await newcomers.enter(endpoint);
  try {
    // Those before it may have found out that it is slow.
    const isNowWatched = isWatched(endpoint);
    const wait = isNowWatched ? await waitForTurn(posting, endpoint) : null;
    return wait ?? (await postAt(posting, endpoint, isNowWatched));
  } finally {
    newcomers.leave(endpoint);
  }
}

/**
 * Attempts the delivery, and tells the endpoint's gate where that watches it or has to from now on. Null: its headers
 * cannot be looked up now.
 */
async function postAt(
  posting: Posting,
  endpoint: Endpoint,
  isWatched: boolean,
): Promise<Conclusion | "no-slot" | null> {
  const { env, record, dispatch, inSlot } = posting;
  const headers = await headersOf(env, endpoint);
  if (!headers.ok) {
    await (isWatched && callGate(endpoint, posting, "giveBack", (gate, ref) => gate.giveBack(ref)));
    return null;
  }
  const isUnsure = isDoubtful(endpoint);
  const slot = { merchant: endpoint.merchant, isDoubtful: isUnsure || lags(endpoint, Date.now()) };
  const tried = await inSlot(async () => {
    const lagTimer = setTimeout(() => noteLag(endpoint, true, Date.now()), LAG_MS);
    const timer = setTimeout(() => noticeSlow(posting, endpoint), SLOW_MS);
    try {
      return await attemptWebhook(env, endpoint, posting, headers.value);
    } finally {
      clearTimeout(lagTimer);
      clearTimeout(timer);
    }
  }, slot);
  if (tried === null || tried.attempt.class === "refused") {
    await (isWatched && callGate(endpoint, posting, "giveBack", (gate, ref) => gate.giveBack(ref)));
  } else if (isWatched || tried.attempt.class !== "delivered" || tried.attempt.durationMs > SLOW_MS) {
    const told = toldOf(record, tried);
    await callGate(endpoint, posting, "tell", (gate, ref) => gate.tell({ ...ref, outbox: record.key, told }));
  }
  if (tried !== null) {
    if (tried.attempt.durationMs <= SLOW_MS) {
      trust(endpoint, Date.now());
    }
    if (tried.attempt.durationMs < LAG_MS) {
      noteLag(endpoint, false, Date.now());
    }
    return conclude(record, dispatch, endpoint, tried);
  }
  const until = Date.now() + NO_SLOT_MS;
  return isUnsure ? deferred(record, dispatch, until, { reason: "throttled", until }) : "no-slot";
}

/** An attempt takes long: from now on, nobody waits for this endpoint. */
function noticeSlow(posting: Posting, endpoint: Endpoint): void {
  const isKnown = isWatched(endpoint);
  suspect(endpoint, Date.now());
  posting.newcomers.wake(endpoint);
  posting.onAside();
  if (!isKnown) {
    void callGate(endpoint, posting, "tell", (gate, ref) =>
      gate.tell({ ...ref, outbox: posting.record.key, told: null }),
    );
  }
}

function isWatched(endpoint: Endpoint): boolean {
  return endpoint.watch || endpoint.rateLimit !== null || isSuspected(endpoint, Date.now());
}

/** Whether an attempt may well take long: its endpoint is not well, or unknown beside others that take long. */
function isDoubtful(endpoint: Endpoint): boolean {
  const now = Date.now();
  const { watch, merchant } = endpoint;
  return watch || isSuspected(endpoint, now) || (isMerchantSuspected(merchant, now) && !isTrusted(endpoint, now));
}

/** What is to be said where the endpoint's host is posted to as often as it may be. Null: it may be now. */
function waitForHost({ env, record, dispatch }: Posting, { merchant, url }: Endpoint): Conclusion | null {
  if (env.RATE_LIMITS === "off") {
    return null;
  }
  const now = Date.now();
  const isBack = dispatch.counter > 1;
  const waitMs = hosts.take({ merchant, host: hostOf(url), isBack, now, random: Math.random() });
  const until = Math.ceil(now + waitMs);
  return waitMs === 0 ? null : deferred(record, dispatch, until, { reason: "throttled", until });
}

/** Waits until the endpoint's gate lets the attempt start; what is to be said where that is not soon. */
async function waitForTurn(posting: Posting, endpoint: Endpoint): Promise<Conclusion | null> {
  const { record, dispatch } = posting;
  const now = Date.now();
  const verdict = await callGate<Verdict>(endpoint, posting, "ask", async (gate, ref) =>
    gate.ask({ ...ref, outbox: record.key, perSecond: endpoint.rateLimit }),
  );
  if (verdict === null) {
    const until = now + NO_ANSWER_MS;
    return endpoint.rateLimit === null ? null : deferred(record, dispatch, until, { reason: "throttled", until });
  }
  if (verdict.go) {
    await scheduler.wait(Math.max(0, verdict.startAt - Date.now()));
    return null;
  }
  const { waitingFor, isParked } = verdict;
  return deferred(record, dispatch, isParked ? now + PARKED_MS : waitingFor.until, waitingFor);
}

/** Calls an endpoint's gate for a dispatch. Null: it does not answer, and holds up nothing. */
async function callGate<T>(
  endpoint: Endpoint,
  { env, dispatch: { delivery, counter } }: Posting,
  what: "ask" | "tell" | "giveBack" | "park",
  call: (gate: DurableObjectStub<EndpointGate>, ref: DispatchRef) => Promise<T>,
): Promise<T | null> {
  const { merchant, id } = endpoint;
  try {
    return await call(await gateOf(env, merchant, id), {
      v: V,
      merchant,
      endpoint: id,
      dispatch: `${delivery}/${counter}`,
    });
  } catch (error) {
    log.warn("gate.call_failed", { endpoint: id, what, error });
    return null;
  }
}

function toldOf({ id }: EventRecord, { attempt, retryAfterMs }: Tried): Told {
  const { at, durationMs, class: result, status = null } = attempt;
  return { event: id, class: result, status, retryAfterMs, durationMs, at: at + durationMs };
}

/** A message that comes again or late asks the outbox first: another dispatch may have taken its place. */
async function mayStart({ env, record, dispatch, isFirst }: Posting): Promise<boolean> {
  if (isFirst && Date.now() < dispatch.startBy) {
    return true;
  }
  const outbox = env.USER_OUTBOX.getByName(record.key);
  const { delivery, counter } = dispatch;
  const claimed = await outbox.claim({ v: V, event: record.id, delivery, counter, mode: "again", by: "" });
  return claimed !== null && Date.now() < claimed.startBy;
}

/** The endpoint of a dispatch; looked up anew before it counts as deleted, since a copy may be older than it. */
async function endpointOf(posting: Posting): Promise<Endpoint | null | "unavailable"> {
  return (await lookUp(merchantConfig, posting)) ?? (await lookUp(freshConfig, posting));
}

async function lookUp(
  read: typeof merchantConfig,
  { env, record, dispatch }: Posting,
): Promise<Endpoint | null | "unavailable"> {
  const config = await read(env, record.merchant);
  if (!config.ok) {
    return "unavailable";
  }
  return config.value?.endpoints.find(({ id }) => id === dispatch.destination) ?? null;
}

/** Whether an endpoint takes anything: its merchant says so, and its host where that has to. */
function isOpen({ env }: Posting, { status, awaitsHost }: Endpoint): boolean {
  return status === "enabled" && !isAwaited(env, awaitsHost);
}

/**
 * Parks a delivery at the gate of an endpoint that is paused, disabled or at a host that has not said yes, and only then
 * reads the endpoint anew. If it opens after that, the gate wakes the outbox; if before, we read here that it is open. Returns what is to
 * be said, or the endpoint that turned out to be open; null: it is deleted.
 */
async function parkAt(posting: Posting, copy: Endpoint): Promise<Conclusion | Endpoint | null> {
  const { record, dispatch, onAside } = posting;
  onAside();
  const isParked = await callGate(copy, posting, "park", async (gate, ref) => {
    await gate.park({ ...ref, outbox: record.key });
    return true;
  });
  const looked = await lookUp(freshConfig, posting);
  const endpoint = looked === "unavailable" ? copy : looked;
  if (endpoint === null || isOpen(posting, endpoint)) {
    return endpoint;
  }
  const reason = endpoint.status === "enabled" ? "unverified" : endpoint.status;
  return deferred(record, dispatch, Date.now() + (isParked ? PARKED_MS : UNPARKED_MS), { reason });
}
