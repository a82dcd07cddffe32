import type { Context } from "hono";

import { UserId } from "../event/canonical.ts";
import type { PaymentEvent, ProviderEvent } from "../event/event.ts";
import { pointerValue } from "../event/json-pointer.ts";
import type { AcceptEvent } from "../outbox/contract.ts";
import { digest } from "../outbox/keys.ts";
import { readBody } from "../platform/body.ts";
import { isWithin, noteRefused } from "../platform/limits.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { providerOf } from "../providers/index.ts";
import { UnparseableError, type SignedRequest } from "../providers/provider.ts";
import { merchantConfig, type MerchantConfig, type Source } from "../store/config.ts";
import { acceptEvents, type Taken } from "./accept.ts";
import { addressed } from "./addressed.ts";
import type { RequestContext } from "./enqueue.ts";
import { identify } from "./identity.ts";
import { withCertificate } from "./paypal-cert.ts";
import { plan } from "./plan.ts";
import { quarantine } from "./quarantine.ts";
import { noteRejected } from "./rejecting.ts";
import { rawText } from "./raw.ts";

/** A provider's post may be this long; none of them sends more. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * `POST /ingest/{sourceId}`: a provider's signed event. Verifies the raw bytes before it parses them, takes the events
 * in durably, and answers as that provider expects.
 */
export async function ingest(c: Context<{ Bindings: Env }>): Promise<Response> {
  const now = Date.now();
  const { source, provider, stranger } = await addressed(c, now);
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (body === null) {
    throw new ProblemError("body_too_large", { detail: `A body may have ${MAX_BODY_BYTES} bytes.` });
  }
  const request = { body, headers: c.req.raw.headers, url: c.req.url };
  const secrets =
    source.provider === "paypal" ? await withCertificate(request.headers, source.secrets) : source.secrets;
  if (secrets === null) {
    return provider.acknowledge("unavailable");
  }
  const verification = await provider.verify(request, secrets, {
    now: now / 1000,
    ...(source.config && { config: source.config }),
  });
  if (!verification.ok) {
    log.warn("ingest.refused", { source: source.id, reason: verification.reason });
    c.executionCtx.waitUntil(noteRefused(c.env, stranger, now));
    c.executionCtx.waitUntil(noteRejected(c.env, source, verification.reason, now));
    return provider.acknowledge("bad-signature");
  }
  // Counted once it is known to be the provider's own: strangers use up nobody's rate.
  const [isFew, config] = await Promise.all([
    isWithin(c.env, c.env.SOURCE_LIMIT, source.id),
    merchantConfig(c.env, source.merchant),
  ]);
  if (!isFew || !config.ok || config.value?.status !== "active") {
    return provider.acknowledge("unavailable");
  }
  const taken = await takeSigned({ env: c.env, ctx: c.executionCtx }, config.value, source, request, now);
  if (taken === "unparseable") {
    const isKept = await quarantine(c.env, source, request, { reason: "unparseable" }, now);
    return provider.acknowledge(isKept ? "unparseable" : "unavailable");
  }
  const failed = taken.some(({ status }) => status === "refused" || status === "unavailable");
  const [altered] = taken.filter((one) => one.status === "duplicate").filter(({ differs }) => differs);
  if (
    failed ||
    (altered && !(await quarantine(c.env, source, request, { reason: "altered", event: altered.id }, now)))
  ) {
    return provider.acknowledge("unavailable");
  }
  const isKnown = taken.every(({ status }) => status === "duplicate");
  return provider.acknowledge(isKnown ? "duplicate" : "accepted");
}

/**
 * Takes in the events that a verified request holds, which came at `receivedAt` (epoch ms), `now` at first. One result
 * an event, in order.
 */
export async function takeSigned(
  context: RequestContext,
  config: MerchantConfig,
  source: Source,
  request: SignedRequest & { body: Uint8Array<ArrayBuffer> },
  now: number,
  receivedAt = now,
): Promise<Taken[] | "unparseable"> {
  let events: ProviderEvent[];
  try {
    events = await providerOf(source.provider)!.normalize(request, source.secrets, source.config ?? undefined);
  } catch (error) {
    if (!(error instanceof UnparseableError)) {
      throw error;
    }
    log.warn("ingest.unparseable", { source: source.id, reason: error.message });
    return "unparseable";
  }
  const given = { body: request.body, now, receivedAt, isAlone: events.length === 1 };
  const incoming = events.map((event, index) => toAccept(config, source, event, { ...given, index }));
  return acceptEvents(context, await Promise.all(incoming));
}

/** What accepting one event of a request needs to know of the request. Times in epoch milliseconds. */
interface Place {
  body: Uint8Array<ArrayBuffer>;
  index: number;
  isAlone: boolean;
  now: number;
  receivedAt: number;
}

async function toAccept(
  config: MerchantConfig,
  source: Source,
  provided: ProviderEvent,
  { body, index, now, receivedAt, isAlone }: Place,
): Promise<AcceptEvent> {
  const { raw, customer, eventId, providerType, authenticity, occurredAt, ...rest } = provided;
  const named = userOf(source, raw, customer);
  const isHint = rest.data.payment !== undefined && (authenticity === "signed-weak" || authenticity === "token");
  const said = {
    ...rest,
    occurredAt,
    user: named,
    origin: { name: source.provider, source: source.id, eventId, type: providerType, authenticity },
  };
  const event: PaymentEvent = { ...said, user: isHint ? null : named, occurredAt: occurredAt ?? receivedAt };
  const scope = { merchant: source.merchant, source: source.id };
  const planned = plan(config, event, source.minAuthenticity);
  return {
    // What the provider said, so that the same again is the same whenever it comes.
    ...(await identify(
      scope,
      [eventId ?? (await digest(body)), String(eventId === null ? index : 0)],
      event,
      said,
      now,
    )),
    onDifference: "note",
    receivedAt: now,
    ...scope,
    event,
    ...(isHint && named !== null && { hint: named }),
    plan: planned,
    raw: planned.some(({ payload }) => payload === "raw") ? rawText(provided, body, { isAlone }) : undefined,
  };
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
