import { bodyFor } from "../event/envelope.ts";
import { checkUrl } from "../channels/url-guard.ts";
import { interpretAnswer, prepareWebhook } from "../channels/webhook.ts";
import type { Attempt, AttemptClass, Dispatch, EventRecord } from "../outbox/contract.ts";
import { readStart } from "../platform/body.ts";
import type { Endpoint } from "../store/config.ts";

/** So much of an answer is read, and so much of it kept; the rest is canceled. */
const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_KEPT_BYTES = 4 * 1024;

/** One try and what it says about the next: `retryAfterMs` where the receiver asked for a pause. */
export interface Tried {
  attempt: Attempt;
  retryAfterMs: number | null;
}

/**
 * Posts an event to an endpoint, once. The endpoint's timeout covers the whole exchange, the body of the answer too.
 * Never throws: whatever happens is a class of failure.
 */
export async function attemptWebhook(
  endpoint: Endpoint,
  record: EventRecord,
  template: string,
  dispatch: Dispatch,
  { allowPrivate }: { allowPrivate: boolean },
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
  const checked = checkUrl(endpoint.url, { allowPrivate });
  if (!checked.ok) {
    return tried("refused", { error: checked.message });
  }
  try {
    const { url, headers, body } = await prepareWebhook({
      url: endpoint.url,
      secrets: endpoint.secrets,
      headers: endpoint.headers,
      compat: endpoint.compat,
      id: record.id,
      attempt: dispatch.attempts + 1,
      now: at,
      body: bodyFor(template, dispatch.previous),
    });
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(endpoint.timeoutSeconds * 1000),
    });
    const { bytes } = await readStart(response, MAX_ANSWER_BYTES);
    const answer = interpretAnswer({ status: response.status, headers: response.headers, now: Date.now() });
    const text = new TextDecoder().decode(bytes.subarray(0, MAX_KEPT_BYTES));
    return tried(answer.class, { status: response.status, response: text }, answer.retryAfterMs);
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return tried(isTimeout ? "timeout" : "connection", {
      error: isTimeout ? `No full answer within ${endpoint.timeoutSeconds} s` : String(error).slice(0, 500),
    });
  }
}
