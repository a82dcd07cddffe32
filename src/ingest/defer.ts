import { enricherOf } from "../enrich/index.ts";
import type { ProviderEvent } from "../event/event.ts";
import { V, type Enrichment } from "../outbox/contract.ts";
import { toBase64 } from "../platform/base64.ts";
import { log } from "../platform/log.ts";
import type { SignedRequest } from "../providers/provider.ts";
import type { Source } from "../store/config.ts";

/** What fits into a queue message of 128 KB in base64, with what goes beside it. */
const MAX_BODY_BYTES = 90_000;

/** The enricher that can be asked about the one event of a post; null: it goes out as it is. */
export function enricherFor({ provider, credential }: Source, events: ProviderEvent[]) {
  const enricher = credential === null ? null : enricherOf(provider);
  return enricher && events.length === 1 && enricher.canAsk(events[0]!) ? enricher : null;
}

/**
 * Puts a verified post aside until its provider has been asked about it. `not-needed`: there is nothing to ask, or it
 * does not fit into a message; `failed`: the queue does not take it, the provider has to come again.
 */
export async function defer(
  env: Env,
  source: Source,
  { body, headers, url }: SignedRequest,
  events: ProviderEvent[],
  now: number,
): Promise<"deferred" | "not-needed" | "failed"> {
  const enricher = enricherFor(source, events);
  if (enricher === null || body.byteLength > MAX_BODY_BYTES) {
    return "not-needed";
  }
  const { origin, pathname } = new URL(url);
  const message: Enrichment = {
    v: V,
    kind: "enrich",
    source: source.id,
    receivedAt: now,
    url: origin + pathname,
    headers: [...headers].filter(([name]) => enricher.headers.includes(name)),
    body: toBase64(body),
  };
  try {
    await env.ENRICHMENTS.send(message, { contentType: "json" });
    return "deferred";
  } catch (error) {
    log.error("enrichment.not_deferred", { source: source.id, error });
    return "failed";
  }
}
