import type { Context, MiddlewareHandler } from "hono";

import { hashOf, isApiKey, isEqual, MIN_ADMIN_TOKEN_LENGTH } from "../platform/keys.ts";
import {
  bytesOverFor,
  callerOf,
  isWithin,
  noteRefused,
  RATE_PERIOD_SECONDS,
  shutOutFor,
  tooMany,
} from "../platform/limits.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { keyByHash } from "../store/config.ts";
import type { Scope } from "../store/schema.ts";
import type { ApiEnv } from "./api-env.ts";
import { takeBody } from "./json-body.ts";

/** What the header of a call has to hold, for whoever is refused. */
const WANTS_KEY = "This call takes a merchant's API key: `Authorization: Bearer pbk_…`.";
const WANTS_ADMIN = "This call takes the operator's ADMIN_TOKEN: `Authorization: Bearer …`.";

/**
 * What a route asks of its caller, for the OpenAPI document and for the middleware: one of these, spread in. Nothing of
 * a body is read for a stranger: the middleware reads it for whoever it knows, and the route's validators come after it.
 */
export function needsScope(scope: Scope) {
  return { security: [{ apiKey: [scope] }], middleware: [requireScope(scope)] };
}

/** A route that every key of a merchant may call, whatever its scopes. */
export function needsKey() {
  return { security: [{ apiKey: [] as string[] }], middleware: [requireScope(null)] };
}

/** A route that only the operator may call, with the admin token. */
export function needsAdmin() {
  return { security: [{ adminToken: [] as string[] }], middleware: [requireAdmin] };
}

function requireScope(scope: Scope | null): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const [token, now] = [bearer(c), Date.now()];
    const isKey = token !== null && isApiKey(token);
    const found = isKey ? await keyByHash(c.env, await hashOf(token), now, isShutOut(c)) : null;
    if (found && !found.ok) {
      throw new ProblemError("unavailable");
    }
    const key = found?.value ?? null;
    if (key === null) {
      const isAdmin = token !== null && (await isEqual(token, c.env.ADMIN_TOKEN));
      throw refused(c, unauthorized(isAdmin ? `${WANTS_KEY} You sent the operator's admin token.` : WANTS_KEY));
    }
    if (key.merchantStatus !== "active") {
      throw new ProblemError("merchant_suspended");
    }
    if (scope !== null && !key.scopes.includes(scope)) {
      throw new ProblemError("missing_scope", { detail: `This call needs the scope ${scope}.` });
    }
    const within = await Promise.all([
      isWithin(c.env, c.env.KEY_LIMIT, key.id),
      isWithin(c.env, c.env.MERCHANT_LIMIT, key.merchant),
    ]);
    if (!within.every(Boolean)) {
      throw tooMany(RATE_PERIOD_SECONDS);
    }
    await takeBody(c, (bytes) => {
      const overFor = bytesOverFor(c.env, key.merchant, bytes, Date.now());
      if (overFor > 0) throw tooMany(overFor);
    });
    c.set("merchant", key.merchant);
    c.set("keyId", key.id);
    c.set("scopes", key.scopes);
    await next();
  };
}

const requireAdmin: MiddlewareHandler<ApiEnv> = async (c, next) => {
  if (c.env.ADMIN_TOKEN.length < MIN_ADMIN_TOKEN_LENGTH) {
    // Nobody's events are held up by that, but nobody is the operator either.
    log.error("configuration.admin_token_short", { minLength: MIN_ADMIN_TOKEN_LENGTH });
    throw new ProblemError("misconfigured", {
      detail: `The Worker secret ADMIN_TOKEN is too short: it needs ${MIN_ADMIN_TOKEN_LENGTH} characters or more.`,
    });
  }
  const token = bearer(c);
  if (token === null || !(await isEqual(token, c.env.ADMIN_TOKEN))) {
    const isKey = token !== null && isApiKey(token);
    throw refused(c, unauthorized(isKey ? `${WANTS_ADMIN} You sent a merchant's API key.` : WANTS_ADMIN));
  }
  await takeBody(c);
  c.set("keyId", "admin");
  await next();
};

function bearer(c: Context<ApiEnv>): string | null {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

/** Whether whoever calls has been refused too often: what it asks for is gathered before it is looked up. */
export function isShutOut(c: Context<ApiEnv>): boolean {
  return shutOutFor(callerOf(c.req.raw.headers), Date.now()) > 0;
}

/** A refusal of whoever has called, counted; that it is too much for one who has been refused too often already. */
export function refused(c: Context<ApiEnv>, problem: ProblemError): ProblemError {
  const [caller, now] = [callerOf(c.req.raw.headers), Date.now()];
  const seconds = shutOutFor(caller, now);
  if (seconds > 0) {
    return tooMany(seconds);
  }
  c.executionCtx.waitUntil(noteRefused(c.env, caller, now));
  return problem;
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError("unauthorized", { detail, headers: { "www-authenticate": "Bearer" } });
}
