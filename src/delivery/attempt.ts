import { bodyFor } from "../event/envelope.ts";
import { checkUrl } from "../channels/url-guard.ts";
import { interpretAnswer, prepareWebhook } from "../channels/webhook.ts";
import type { Attempt, AttemptClass, Dispatch, EventRecord } from "../outbox/contract.ts";
import { edgeFaultOf } from "../platform/connection-error.ts";
import { exchange } from "../platform/exchange.ts";
import { hopsAfter } from "../platform/hops.ts";
import { urlRules } from "../platform/own-hosts.ts";
import { withoutPersonal } from "../platform/redact.ts";
import type { Endpoint } from "../store/config.ts";

/** So much of an answer is kept, without what tells of a person. */
const MAX_KEPT_BYTES = 4 * 1024;

/** One try and what it says about the next: `retryAfterMs` where the receiver asked for a pause. */
export interface Tried {
  attempt: Attempt;
  retryAfterMs: number | null;
}

/**
 * Posts an event to an endpoint, once, with its `headers`. The endpoint's timeout covers the whole exchange, the body of
 * the answer too. Whatever the network does is a class of failure.
 */
export async function attemptWebhook(
  env: Env,
  endpoint: Endpoint,
  { record, template, dispatch }: { record: EventRecord; template: string; dispatch: Dispatch },
  headers: Record<string, string>,
): Promise<Tried> {
  const at = Date.now();
  const tried = (result: AttemptClass, rest: Partial<Attempt>, retryAfterMs: number | null = null): Tried => ({
    attempt: {
      at,
      class: result,
      durationMs: Date.now() - at,
      trigger: dispatch.trigger,
      url: endpoint.url,
      ...rest,
    },
    retryAfterMs,
  });
  const checked = checkUrl(endpoint.url, urlRules(env));
  if (!checked.ok) {
    return tried("refused", { error: checked.message });
  }
  const request = await prepareWebhook({
    url: endpoint.url,
    secrets: endpoint.secrets,
    headers,
    compat: endpoint.compat,
    id: record.id,
    hops: await hopsAfter(env, record.hops),
    attempt: dispatch.attempts + 1,
    now: at,
    body: bodyFor(template, dispatch.previous, dispatch.payload),
  });
  const result = await exchange({ ...request, timeoutSeconds: endpoint.timeoutSeconds });
  if (!result.answered) {
    return tried(result.class, { code: result.code, error: result.error });
  }
  const text = new TextDecoder().decode(result.bytes.subarray(0, MAX_KEPT_BYTES));
  const fault = edgeFaultOf(result.status, result.headers, text);
  if (fault !== null) {
    return tried(fault.class, { code: fault.code, error: fault.error });
  }
  const answer = interpretAnswer({ status: result.status, headers: result.headers, now: Date.now() });
  return tried(answer.class, { status: result.status, response: withoutPersonal(text) }, answer.retryAfterMs);
}
