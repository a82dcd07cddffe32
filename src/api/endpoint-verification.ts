import { createRoute, type z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { V } from "../outbox/contract.ts";
import { gateOf } from "../outbox/gates.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { isAwaited, mustVerify, mustVerifyHost } from "../platform/verification.ts";
import { freshConfig } from "../store/config.ts";
import {
  hostOf,
  noteUnverified,
  noteVerified,
  readHost,
  readHosts,
  recordHost,
  takeCheck,
} from "../store/endpoint-hosts.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { noted } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { readEndpoint, type EndpointRow } from "./endpoint-row.ts";
import { Endpoint, toEndpoint } from "./endpoint-schema.ts";
import { invalid } from "./field-errors.ts";
import { askHost } from "./host-check.ts";
import { found, IdParam, json, problems } from "./schemas.ts";

/** How long somebody waits who asks too often, in seconds. */
const RETRY_AFTER_SECONDS = 15;

const verify = createRoute({
  method: "post",
  path: "/v1/endpoints/{id}/verify",
  operationId: "verifyEndpoint",
  summary: "Ask the endpoint's host now whether it wants your webhooks",
  description:
    "The host says yes with a file at `/.well-known/paybell` that holds the token, or with the right answer to a challenge at the endpoint's URL (docs/endpoints.md). The call answers with the endpoint, whatever the host said: look at its `verification`.",
  ...needsScope("config:write"),
  request: { params: IdParam },
  responses: { 200: json(Endpoint, "The endpoint"), ...problems(401, 403, 404, 429, 503) },
});

/**
 * `/v1/endpoints/{id}/verify`. What waits is let go where nothing has to be asked any more, too: an earlier call may have
 * got only half of it done.
 */
export function endpointVerificationRoutes(app: Api): void {
  app.openapi(verify, async (c) => {
    const { id } = c.req.valid("param");
    const row = found(await readEndpoint(c, id));
    if (!isAwaited(c.env, row.awaitsHost)) {
      await letGo(c.env, row);
    } else if (!(await askNow(c, row))) {
      const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
      throw new ProblemError("too_many_requests", { detail: "Its host was asked a moment ago.", headers });
    }
    return c.json(await showEndpoint(c.env, found(await readEndpoint(c, id))), 200);
  });
}

/**
 * The host that has to be verified before an endpoint at a URL is sent anything; null: none. An endpoint that stays at
 * its host waits as it did. Throws the problem `invalid` where the merchant has too many hosts.
 */
export async function hostToAwait(
  env: Env,
  merchant: string,
  before: EndpointRow | null,
  url: string,
): Promise<string | null> {
  const host = hostOf(url);
  if (before !== null && hostOf(before.url) === host) {
    return before.awaitsHost;
  }
  if (!mustVerifyHost(env, host)) {
    return null;
  }
  const recorded = await recordHost(env.DB, merchant, host, Date.now());
  if (recorded === null) {
    throw invalid(
      "/url",
      "too_many_hosts",
      "You have as many hosts on record as you may. One that has not said yes goes after a day.",
    );
  }
  return recorded.verifiedAt === null ? host : null;
}

/**
 * Goes on behind the answer where an endpoint was made or changed. A host that it has come to await is asked: whoever
 * answers challenges is verified at once. Where it awaits none any more, what has waited goes.
 */
export function afterChange(c: Context<ApiEnv>, before: EndpointRow | null, row: EndpointRow): void {
  const awaited = before?.awaitsHost ?? null;
  if (row.awaitsHost === awaited) {
    return;
  }
  const going = isAwaited(c.env, row.awaitsHost) ? askNow(c, row) : letGo(c.env, row);
  c.executionCtx.waitUntil(
    going.catch((error: unknown) => log.warn("endpoint.not_asked", { endpoint: row.id, error })),
  );
}

/** Lets go what has waited for an endpoint's host, unless the merchant has paused it. */
async function letGo(
  env: Env,
  { merchant, id, status }: Pick<EndpointRow, "merchant" | "id" | "status">,
): Promise<void> {
  if (status === "enabled") {
    await (await gateOf(env, merchant, id)).open({ v: V, merchant, endpoint: id });
  }
}

/**
 * Asks the host that an endpoint awaits, and lets go what has waited where it says yes. False: it was asked a moment
 * ago.
 */
async function askNow(c: Context<ApiEnv>, { merchant, id, awaitsHost: host }: EndpointRow): Promise<boolean> {
  const { env } = c;
  const now = Date.now();
  const known = await readHost(env.DB, merchant, host!);
  const isKnown = known !== null && known.verifiedAt !== null;
  const asked = isKnown ? known : await takeCheck(env.DB, merchant, host!, now);
  if (asked === null) {
    return false;
  }
  const config = await freshConfig(env, merchant);
  const endpoint = config.ok ? config.value?.endpoints.find((one) => one.id === id) : undefined;
  // It may have been led elsewhere meanwhile: what another host says says nothing of this one.
  if (endpoint === undefined || hostOf(endpoint.url) !== host) {
    throw new ProblemError("unavailable", { detail: "The endpoint is being changed at this moment." });
  }
  const answer = isKnown
    ? { ok: true as const, how: known.how ?? "before" }
    : await askHost(env, endpoint, asked.token);
  if (!answer.ok) {
    await noteUnverified(env.DB, merchant, host, answer.failure);
    return true;
  }
  const opened = await noteVerified(env.DB, asked, answer.how, now);
  await Promise.all(opened.map((one) => letGo(env, one)));
  await noted(c, { action: "endpoint.verified", target: id });
  return true;
}

/** Endpoints of one merchant as the API shows them; of a host that nobody has to ask nothing is shown. */
export async function showEndpoints(env: Env, rows: EndpointRow[]): Promise<z.infer<typeof Endpoint>[]> {
  const [first] = rows;
  const hosts = first && mustVerify(env) ? await readHosts(env.DB, first.merchant) : null;
  return rows.map((row) => {
    const host = hostOf(row.url);
    return toEndpoint(row, (mustVerifyHost(env, host) && hosts?.get(host)) || null);
  });
}

/** One endpoint as the API shows it. */
export async function showEndpoint(env: Env, row: EndpointRow): Promise<z.infer<typeof Endpoint>> {
  return (await showEndpoints(env, [row]))[0]!;
}
