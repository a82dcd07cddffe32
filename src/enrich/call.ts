import { isSuccess, pauseIn, USER_AGENT } from "../channels/http-api.ts";
import { checkUrl } from "../channels/url-guard.ts";
import { exchange } from "../platform/exchange.ts";
import { urlRules } from "../platform/own-hosts.ts";
import type { Call, Untold } from "./enricher.ts";

const TIMEOUT_SECONDS = 10;
const MAX_BYTES = 1024 * 1024;
/** An API that does not answer is left alone for so long: each try at it holds a place for the whole timeout. */
const SILENCE_MS = 10_000;

/** Nor for longer than this, whatever it asks for. */
const MAX_PAUSE_MS = 3_600_000;

/** How providers' APIs are called from here: not inwards, as for endpoints. */
export function callerOf(env: Pick<Env, "ALLOW_PRIVATE_ENDPOINTS" | "PUBLIC_URL">): Call {
  return async ({ url, headers, body }) => {
    if (!checkUrl(url, urlRules(env)).ok) {
      return { ok: false, because: "refused", status: null, pauseMs: null };
    }
    const result = await exchange({
      url,
      headers: { accept: "application/json", "user-agent": USER_AGENT, ...headers },
      ...(body !== undefined && { body }),
      timeoutSeconds: TIMEOUT_SECONDS,
      maxBytes: MAX_BYTES,
    });
    if (!result.answered) {
      return { ok: false, because: "later", status: null, pauseMs: SILENCE_MS };
    }
    const { status, headers: answered, bytes } = result;
    if (isSuccess(status)) {
      return { ok: true, body: bytes };
    }
    const pauseMs = pauseIn({ headers: answered, now: Date.now() });
    return { ok: false, because: becauseOf(status), status, pauseMs: pauseMs && Math.min(pauseMs, MAX_PAUSE_MS) };
  };
}

/** What a status means that is no success, where the provider's documentation says nothing else. */
function becauseOf(status: number): Untold["because"] {
  if (status === 404 || status === 410) return "unknown";
  const isPassing = status < 400 || status >= 500 || status === 408 || status === 429;
  return isPassing ? "later" : "refused";
}
