import { setTimeout as delay } from "node:timers/promises";

import { parseRetryAfter, signWebhook, VERSION } from "../src/channels/webhook.ts";

/** An answer takes at most so long. Paybell answers as soon as the event is durable. */
const TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A longer pause than this is not kept, whoever asks for it: by then somebody may have mended it. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Where events go. `url`: the ingest URL of a source of the provider `standard`; `secret`: `whsec_…`. */
export interface Target {
  url: string;
  secret: string;
}

/**
 * What an answer means. `refused`: this event will never be taken; `misconfigured`: no event will, until somebody
 * changes something; `later`: the same again, in `afterMs` if it asked for that.
 */
export type Answer =
  | { kind: "accepted" }
  | { kind: "refused"; reason: string }
  | { kind: "misconfigured"; reason: string }
  | { kind: "later"; reason: string; afterMs: number };

/** How a delivery ended; `stopped`: not known, the event has to come again. */
export type Outcome = Exclude<Answer, { kind: "later" }> | { kind: "stopped" };

export interface Delivery {
  /** Once it aborts, no attempt begins. */
  stopping: AbortSignal;
  /** Aborts the attempt that is under way. */
  aborting: AbortSignal;
  /** Called for each attempt after which there will be another. */
  onHeld: (reason: string) => void;
  /** The pause after so many attempts (1 for the first), in ms. */
  pauseMs?: (attempts: number) => number;
}

/** Posts an event until Paybell has accepted or refused it: the same id and body each time, signed anew. */
export async function deliver(
  target: Target,
  event: { id: string; body: string },
  { stopping, aborting, onHeld, pauseMs = pauseAfter }: Delivery,
): Promise<Outcome> {
  for (let attempts = 1; !stopping.aborted; attempts++) {
    const answer = await post(target, event, aborting);
    if (answer.kind !== "later") return answer;
    if (stopping.aborted) break;
    onHeld(answer.reason);
    const pause = Math.max(pauseMs(attempts), answer.afterMs);
    await delay(pause, undefined, { signal: stopping }).catch(() => {});
  }
  return { kind: "stopped" };
}

async function post({ url, secret }: Target, { id, body }: { id: string; body: string }, aborting: AbortSignal) {
  const now = Date.now();
  const timestamp = Math.floor(now / 1000);
  const bytes = new TextEncoder().encode(body);
  const headers = {
    "content-type": "application/json",
    "user-agent": `Paybell-bridge/${VERSION}`,
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": await signWebhook({ id, timestamp, body: bytes, secrets: [secret] }),
  };
  try {
    const signal = AbortSignal.any([aborting, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { method: "POST", headers, body: bytes, redirect: "manual", signal });
    // Read to its end, so that the connection serves the next one. The answer stands without it.
    await response.arrayBuffer().catch(() => {});
    return readAnswer(response.status, response.headers, now);
  } catch (error) {
    return { kind: "later", reason: `no_answer ${causeOf(error)}`, afterMs: 0 } satisfies Answer;
  }
}

/**
 * Classifies an answer of `POST /ingest/{source}`. Only what speaks of this one event refuses it; what would refuse
 * every event (bad signature, unknown source, a proxy's login page, a redirect) is a misconfiguration. `now`: epoch ms.
 */
export function readAnswer(status: number, headers: { get(name: string): string | null }, now: number): Answer {
  const reason = `http_${status}`;
  if (status >= 200 && status < 300) return { kind: "accepted" };
  if (status === 400 || status === 413 || status === 422) return { kind: "refused", reason };
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const asked = parseRetryAfter(headers.get("retry-after") ?? "", now) ?? 0;
    return { kind: "later", reason, afterMs: Math.min(asked, MAX_RETRY_AFTER_MS) };
  }
  return { kind: "misconfigured", reason };
}

/** Doubles up to half a minute; the last fifth is chance, so that many do not come at once. */
function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), MAX_PAUSE_MS) * (0.8 + Math.random() * 0.2);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : (cause as Error).name;
}
