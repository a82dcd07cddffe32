import type { Context } from "hono";

import { UserId } from "../event/canonical.ts";
import type { PaymentEvent, ProviderEvent } from "../event/event.ts";
import { pointerValue } from "../event/json-pointer.ts";
import { challengeAnswer } from "../channels/webhook.ts";
import type { AcceptEvent } from "../outbox/contract.ts";
import { digest } from "../outbox/keys.ts";
import { hopsOf } from "../platform/hops.ts";
import { bytesOverFor, isWithin, RATE_PERIOD_SECONDS, tooMany } from "../platform/limits.ts";
import { log } from "../platform/log.ts";
import type { Provider, SignedRequest } from "../providers/provider.ts";
import { merchantConfig, type MerchantConfig, type Source } from "../store/config.ts";
import { quotaExceeded } from "../store/usage.ts";
import type { Told } from "../enrich/enricher.ts";
import { acceptEvents, type Taken } from "./accept.ts";
import { addressed } from "./addressed.ts";
import { challengeIn } from "./challenge.ts";
import { defer } from "./defer.ts";
import type { RequestContext } from "./enqueue.ts";
import { identify } from "./identity.ts";
import { plan } from "./plan.ts";
import { quarantine } from "./quarantine.ts";
import { noteUnreadable, readSigned, setAside } from "./reading.ts";
import { rawText } from "./raw.ts";
import { signedRequest } from "./verifying.ts";

/**
 * `POST /ingest/{sourceId}`: a provider's signed event. Verifies the raw bytes before it parses them, takes the events
 * in durably, and answers as that provider expects.
 */
export async function ingest(c: Context<{ Bindings: Env }>): Promise<Response> {
  const now = Date.now();
  const hops = await hopsOf(c.env, c.req.raw.headers);
  const addressee = await addressed(c, now);
  const request = await signedRequest(c, addressee, now);
  if (request instanceof Response) {
    return request;
  }
  const { source, provider } = addressee;
  const challenge = challengeIn(source, request.body);
  if (challenge !== null) {
    return Response.json({ answer: await challengeAnswer(challenge) });
  }
  // Counted once it is known to be the provider's own: strangers use up nobody's rate.
  const [overFor, config] = await Promise.all([
    overRateFor(c.env, source, provider, request.body.byteLength, now),
    merchantConfig(c.env, source.merchant),
  ]);
  if (provider.isOwn && overFor > 0) {
    throw tooMany(overFor);
  }
  if (overFor > 0 || !config.ok || config.value?.status !== "active") {
    return provider.acknowledge("unavailable");
  }
  if (provider.isOwn && config.value.isOverQuota) {
    throw quotaExceeded(now);
  }
  const read = await readSigned(source, request);
  if (!read.ok) {
    return provider.acknowledge(await setAside(c.env, source, request, read.reason, now));
  }
  const { events } = read;
  const deferred = await defer(c.env, source, request, events, now);
  if (deferred !== "not-needed") {
    return provider.acknowledge(deferred === "deferred" ? "accepted" : "unavailable");
  }
  const context = { env: c.env, ctx: c.executionCtx };
  return provider.acknowledge(await takeIn(context, config.value, source, { request, events, hops, now }));
}

/**
 * After how many seconds a signed post may come again that is more than its source or its merchant may have now; 0: it
 * is not. What a merchant does itself closes no door to its providers, and the reverse.
 */
async function overRateFor(
  env: Env,
  { id, merchant }: Source,
  { isOwn }: Provider,
  bytes: number,
  now: number,
): Promise<number> {
  const sender = isOwn ? merchant : `${merchant}/providers`;
  const within = await Promise.all([isWithin(env, env.SOURCE_LIMIT, id), isWithin(env, env.MERCHANT_LIMIT, sender)]);
  return within.every(Boolean) ? bytesOverFor(env, sender, bytes, now) : RATE_PERIOD_SECONDS;
}

/**
 * A verified request with the events to be made of it. `told`: what its provider told of its one event, which counts
 * instead. `now`: when it came, epoch ms; `receivedAt`: where it came before that.
 */
interface Signed {
  request: SignedRequest & { body: Uint8Array<ArrayBuffer> };
  events: ProviderEvent[];
  told?: Told[];
  /** Which other installations it has come through. */
  hops?: string | undefined;
  now: number;
  receivedAt?: number;
}

/** Takes in the events of a request, and keeps the request where it alters one that is known or cannot be read. */
export async function takeIn(
  context: RequestContext,
  config: MerchantConfig,
  source: Source,
  signed: Signed,
): Promise<"accepted" | "duplicate" | "unparseable" | "unavailable"> {
  const taken = await takeSigned(context, config, source, signed);
  if (taken === null) {
    return setAside(context.env, source, signed.request, "unreadable", signed.now);
  }
  const failed = taken.some(({ status }) => status === "refused" || status === "unavailable");
  const [altered] = taken.filter((one) => one.status === "duplicate").filter(({ differs }) => differs);
  const aside = { reason: "altered", event: altered?.id ?? null } as const;
  if (failed || (altered && !(await quarantine(context.env, source, signed.request, aside, signed.now)))) {
    return "unavailable";
  }
  return taken.every(({ status }) => status === "duplicate") ? "duplicate" : "accepted";
}

/** Takes in the events of a request. One result an event, in order; null: they cannot be read, and none was taken. */
export async function takeSigned(
  context: RequestContext,
  config: MerchantConfig,
  source: Source,
  { request: { body }, events, told, hops, now, receivedAt = now }: Signed,
): Promise<Taken[] | null> {
  const given = { body, hops, now, receivedAt, isAlone: events.length === 1 };
  const incoming = told
    ? told.map((one) => toAccept(config, source, one, { ...given, posted: events[0]!, index: 0 }))
    : events.map((event, index) => toAccept(config, source, { event }, { ...given, posted: event, index }));
  let read: AcceptEvent[];
  try {
    read = await Promise.all(incoming);
  } catch (error) {
    noteUnreadable(source, error);
    return null;
  }
  return acceptEvents(context, read);
}

/** What accepting one event of a request needs to know of the request. Times in epoch milliseconds. */
interface Place {
  body: Uint8Array<ArrayBuffer>;
  /** The event as it was posted. */
  posted: ProviderEvent;
  index: number;
  isAlone: boolean;
  hops: string | undefined;
  now: number;
  receivedAt: number;
}

async function toAccept(
  config: MerchantConfig,
  source: Source,
  { event: provided, key }: Told,
  { body, posted, index, hops, now, receivedAt, isAlone }: Place,
): Promise<AcceptEvent> {
  const said = sayingOf(source, provided);
  const saidAtFirst = posted === provided ? said : sayingOf(source, posted);
  const { authenticity } = provided;
  const isHint = said.data.payment !== undefined && (authenticity === "signed-weak" || authenticity === "token");
  const event: PaymentEvent = {
    ...said,
    user: isHint ? null : said.user,
    occurredAt: said.occurredAt ?? receivedAt,
  };
  const scope = { merchant: source.merchant, source: source.id };
  const planned = plan(config, event, source.minAuthenticity);
  const { eventId } = posted;
  const names = key ?? [eventId ?? (await digest(body)), String(eventId === null ? index : 0)];
  return {
    // What the provider posted, so that the same again is the same whenever it comes, whatever has become of it since.
    ...(await identify(scope, names, event, saidAtFirst, now)),
    onDifference: "note",
    receivedAt: now,
    ...scope,
    hops,
    event,
    ...(isHint && said.user !== null && { hint: said.user }),
    plan: planned,
    raw: planned.some(({ payload }) => payload === "raw") ? rawText(provided, body, { isAlone }) : undefined,
  };
}

/** What an event says, by whichever way it came. */
function sayingOf(source: Source, { raw, customer, eventId, providerType, authenticity, ...rest }: ProviderEvent) {
  const origin = { name: source.provider, source: source.id, eventId, type: providerType, authenticity };
  return { ...rest, user: userOf(source, raw, customer), origin };
}

/**
 * The user whom an event concerns: what `userFrom` points at, else the provider's customer. What is no user's id names
 * nobody: cut to size it could name another.
 */
function userOf({ id, userFrom, userPrefix }: Source, raw: unknown, customer: string | null): string | null {
  const pointed = (userFrom === null ? undefined : pointerValue(raw, userFrom)) ?? customer;
  const named = typeof pointed === "number" ? String(pointed) : pointed;
  if (typeof named !== "string" || named === "") {
    return null;
  }
  const user = UserId.safeParse(`${userPrefix ?? ""}${named}`);
  if (!user.success) {
    log.warn("ingest.user_unusable", { source: id });
    return null;
  }
  return user.data;
}
