import { checkUrl } from "../channels/url-guard.ts";
import { challengeAnswer, prepareWebhook, VERSION } from "../channels/webhook.ts";
import { randomId } from "../event/ids.ts";
import { exchange, type Exchange } from "../platform/exchange.ts";
import { hopsAfter } from "../platform/hops.ts";
import { urlRules } from "../platform/own-hosts.ts";
import type { Endpoint } from "../store/config.ts";
import { headersOf } from "../store/endpoint-headers.ts";

/** Where a host shows which merchants' webhooks it wants: their tokens, one a line (RFC 8615). */
const VERIFICATION_PATH = "/.well-known/paybell";
const TIMEOUT_SECONDS = 5;

/** What a host says: by which way that it wants webhooks, or why it does not count as having said so. */
export type HostAnswer = { ok: true; how: "file" | "challenge" } | { ok: false; failure: string };

/**
 * Asks the host of an endpoint whether it wants its merchant's webhooks, by two requests at most: for the file that
 * holds the merchant's token, then for the answer to a challenge, which the endpoint's own URL is posted. Nothing that a
 * URL can hold makes a server say yes that merely repeats what it is sent, nor one that answers the challenges of others:
 * the file has a path of its own, and the answer to the challenge has to be worked out. Never throws for what the host
 * does.
 */
export async function askHost(env: Env, endpoint: Endpoint, token: string): Promise<HostAnswer> {
  const checked = checkUrl(endpoint.url, urlRules(env));
  if (!checked.ok) {
    return { ok: false, failure: checked.message };
  }
  const file = await exchange({
    url: checked.url.origin + VERIFICATION_PATH,
    headers: { accept: "text/plain", "user-agent": `Paybell/${VERSION}` },
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  if (file.answered && file.status === 200 && textOf(file).split(/\s+/).includes(token)) {
    return { ok: true, how: "file" };
  }
  const headers = await headersOf(env, endpoint);
  if (!headers.ok) {
    return { ok: false, failure: "The endpoint's headers cannot be read now." };
  }
  const { challenge, answer } = await postChallenge(env, endpoint, headers.value);
  if (answer.answered && answer.status >= 200 && answer.status < 300 && (await answersTo(textOf(answer), challenge))) {
    return { ok: true, how: "challenge" };
  }
  const failure = `${VERIFICATION_PATH}: ${said(file)} without the token. The URL: ${said(answer)} without the answer to the challenge.`;
  return { ok: false, failure };
}

/** Posts a challenge as every webhook is posted, signed and with the endpoint's own headers. */
async function postChallenge(env: Env, endpoint: Endpoint, headers: Record<string, string>) {
  const challenge = randomId("ver");
  const request = await prepareWebhook({
    url: endpoint.url,
    secrets: endpoint.secrets,
    headers,
    compat: endpoint.compat,
    id: randomId("ver"),
    hops: await hopsAfter(env, undefined),
    attempt: 1,
    now: Date.now(),
    body: JSON.stringify({ type: "endpoint.verification", challenge }),
  });
  return { challenge, answer: await exchange({ ...request, timeoutSeconds: TIMEOUT_SECONDS }) };
}

/** Whether a text is what a challenge has to be answered with: as plain text, or as JSON that holds nothing else. */
async function answersTo(text: string, challenge: string): Promise<boolean> {
  const answer = await challengeAnswer(challenge);
  return text.trim() === answer || text.replaceAll(/\s/g, "") === JSON.stringify({ answer });
}

function said(result: Exchange): string {
  return result.answered ? `answered ${result.status}` : result.class === "timeout" ? "no answer in time" : "no answer";
}

function textOf({ bytes }: { bytes: Uint8Array }): string {
  return new TextDecoder().decode(bytes);
}
