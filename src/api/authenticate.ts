import type { Context, MiddlewareHandler } from "hono";

import { hashOf, isEqual } from "../platform/keys.ts";
import { callerOf, isWithin, noteRefused, shutOutFor } from "../platform/limits.ts";
import { ProblemError } from "../platform/problem.ts";
import { isMet, keyByHash } from "../store/config.ts";
import type { Scope } from "../store/schema.ts";
import type { ApiEnv } from "./api-env.ts";

/** The period of KEY_LIMIT in wrangler.toml: whoever is over it may come again after as long. */
const RATE_PERIOD_SECONDS = 60;

/** What a route asks of its caller, for the OpenAPI document and for the middleware: one of these, spread in. */
export function needsScope(scope: Scope) {
  return { security: [{ apiKey: [scope] }], middleware: [requireScope(scope)] };
}

/** A route that only the operator may call, with the admin token. */
export function needsAdmin() {
  return { security: [{ adminToken: [] as string[] }], middleware: [requireAdmin] };
}

function requireScope(scope: Scope): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const token = bearer(c);
    const hash = token === null ? "" : await hashOf(token);
    if (!isMet("key", hash)) {
      refuseShutOut(c);
    }
    const found = token === null ? null : await keyByHash(c.env, hash);
    if (found && !found.ok) {
      throw new ProblemError("unavailable");
    }
    const key = found?.value ?? null;
    if (key === null) {
      throw refused(c);
    }
    if (key.merchantStatus !== "active") {
      throw new ProblemError("merchant_suspended");
    }
    if (!key.scopes.includes(scope)) {
      throw new ProblemError("missing_scope", { detail: `This call needs the scope ${scope}.` });
    }
    if (!(await isWithin(c.env, c.env.KEY_LIMIT, key.id))) {
      throw tooMany(RATE_PERIOD_SECONDS);
    }
    c.set("merchant", key.merchant);
    c.set("keyId", key.id);
    c.set("scopes", key.scopes);
    await next();
  };
}

const requireAdmin: MiddlewareHandler<ApiEnv> = async (c, next) => {
  refuseShutOut(c);
  const token = bearer(c);
  if (token === null || !(await isEqual(token, c.env.ADMIN_TOKEN))) {
    throw refused(c);
  }
  c.set("keyId", "admin");
  await next();
};

function bearer(c: Context<ApiEnv>): string | null {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

/** Whoever has been refused too often is not listened to for a while. Throws the problem `too_many_requests`. */
export function refuseShutOut(c: Context<ApiEnv>): void {
  const seconds = shutOutFor(callerOf(c.req.raw.headers), Date.now());
  if (seconds > 0) {
    throw tooMany(seconds);
  }
}

function tooMany(seconds: number): ProblemError {
  return new ProblemError("too_many_requests", { headers: { "retry-after": String(seconds) } });
}

/** Counts a refusal against whoever has called. */
export function countRefusal(c: Context<ApiEnv>): void {
  c.executionCtx.waitUntil(noteRefused(c.env, callerOf(c.req.raw.headers), Date.now()));
}

function refused(c: Context<ApiEnv>): ProblemError {
  countRefusal(c);
  return new ProblemError("unauthorized", { headers: { "www-authenticate": "Bearer" } });
}
