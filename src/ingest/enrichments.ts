import { callerOf } from "../enrich/call.ts";
import type { Told, Untold } from "../enrich/enricher.ts";
import type { ProviderEvent } from "../event/event.ts";
import { announce } from "../outbox/announce.ts";
import type { Enrichment } from "../outbox/contract.ts";
import { park } from "../outbox/parking.ts";
import { readBackup } from "../outbox/reading.ts";
import { fromBase64 } from "../platform/base64.ts";
import { Circuits } from "../platform/circuits.ts";
import { log } from "../platform/log.ts";
import { UnparseableError, type SignedRequest } from "../providers/provider.ts";
import { merchantConfig, sourceById, type Source } from "../store/config.ts";
import { enricherFor } from "./defer.ts";
import type { RequestContext } from "./enqueue.ts";
import { takeIn } from "./ingest.ts";
import { quarantine } from "./quarantine.ts";
import { readSigned } from "./reading.ts";

const FIRST_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 1_800;
/** After this long without an answer an event goes out as it was posted. */
const GIVE_UP_MS = 24 * 3_600_000;
/** An API may learn of a payment a moment after its webhook does: that it knows none is believed the third time. */
const UNKNOWN_TRIES = 3;

/** Sources whose provider is left alone for a while. */
const circuits = new Circuits();

/**
 * Consumes the `enrichments` queue: asks providers about what they posted, and takes in what they tell. Where that
 * cannot be had the event is taken in as it was posted, which its `authenticity` says. Never throws.
 */
export async function consumeEnrichments(
  batch: MessageBatch,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const readable = readBackup(message.body);
      const delay = Math.min(FIRST_DELAY_SECONDS * 2 ** Math.min(message.attempts - 1, 10), MAX_DELAY_SECONDS);
      try {
        const pauseMs = readable?.kind === "enrich" ? await enrich({ env, ctx }, readable, message.attempts) : null;
        if (readable?.kind !== "enrich") {
          // It goes around by way of the queue that takes what is sent again.
          await park(env, "backup", message);
        }
        if (pauseMs === null) {
          message.ack();
        } else {
          message.retry({ delaySeconds: Math.max(delay, Math.ceil(pauseMs / 1000)) });
        }
      } catch (error) {
        log.warn("enrichment.failed", { attempts: message.attempts, error });
        message.retry({ delaySeconds: delay });
      }
    }),
  );
}

/** Null: it is done; else how long to wait at least, in milliseconds. Throws where it has to be tried again. */
async function enrich(context: RequestContext, message: Enrichment, attempts: number): Promise<number | null> {
  const { env } = context;
  const { receivedAt } = message;
  const found = await sourceById(env, message.source);
  const config = found.ok && found.value ? await merchantConfig(env, found.value.merchant) : null;
  if (!found.ok || config?.ok === false) {
    throw new Error("The configuration cannot be read now");
  }
  const source = found.value;
  if (source === null || config === null || config.value === null) {
    log.warn("enrichment.dropped", { source: message.source });
    return null;
  }
  const request = {
    body: fromBase64(message.body) ?? new Uint8Array(),
    headers: new Headers(message.headers),
    url: message.url,
  };
  const read = await readSigned(source, request);
  const asked = read.ok ? await ask(env, source, request, read.events) : null;
  if (asked?.ok === false && isWorthAnotherTry(asked, Date.now() - receivedAt, attempts)) {
    log.warn("enrichment.later", { source: source.id, because: asked.because, status: asked.status });
    return asked.pauseMs ?? 0;
  }
  if (!read.ok || (asked?.ok === false && asked.because === "unknown")) {
    const reason = read.ok ? "unconfirmed" : read.reason;
    if (!(await quarantine(env, source, request, { reason }, receivedAt))) {
      throw new Error("The quarantine cannot be written now");
    }
    return null;
  }
  const told = asked?.ok ? { told: asked.events } : {};
  const { events } = read;
  const taken = await takeIn(context, config.value, source, { request, events, ...told, now: receivedAt });
  if (taken === "unavailable") {
    throw new Error("Not all of it was taken");
  }
  if (asked?.ok === false) {
    await noteUntold(env, source, asked);
  }
  return null;
}

/** Asks about the one event of a post; null: there is nothing to ask, or nothing any more to ask with. */
async function ask(
  env: Env,
  source: Source,
  request: SignedRequest,
  events: ProviderEvent[],
): Promise<{ ok: true; events: Told[] } | Untold | null> {
  const enricher = enricherFor(source, events);
  if (enricher === null) {
    return null;
  }
  const openUntil = circuits.openUntil(source.id, Date.now());
  if (openUntil !== null) {
    return { ok: false, because: "later", status: null, pauseMs: openUntil - Date.now() };
  }
  try {
    const asked = { request, event: events[0]!, config: source.config ?? undefined };
    const answer = await enricher.ask(asked, source.credential as never, callerOf(env));
    if (!answer.ok && answer.because === "later" && answer.pauseMs !== null) {
      circuits.open(source.id, Date.now() + answer.pauseMs);
    }
    return answer;
  } catch (error) {
    if (!(error instanceof UnparseableError)) {
      throw error;
    }
    return { ok: false, because: "later", status: null, pauseMs: null };
  }
}

function isWorthAnotherTry({ because }: Untold, ageMs: number, attempts: number): boolean {
  switch (because) {
    case "later":
      return ageMs < GIVE_UP_MS;
    case "unknown":
      return attempts < UNKNOWN_TRIES;
    case "refused":
      return false;
  }
}

/** Lets the merchant know that its events go out as they were posted: its credential may be the wrong one. */
async function noteUntold(env: Env, { id, merchant, provider }: Source, { because, status }: Untold): Promise<void> {
  log.warn("enrichment.unconfirmed", { source: id, because, status });
  const source = { id, provider, reason: because === "refused" ? "refused" : "no_answer", status };
  await announce(env, { merchant, type: "source.unconfirmed", target: id, data: { source } });
}
