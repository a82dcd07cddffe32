import type { Context, MiddlewareHandler } from "hono";

import { hashOf, isEqual } from "../platform/keys.ts";
import { ProblemError } from "../platform/problem.ts";
import { keyByHash } from "../store/config.ts";
import type { Scope } from "../store/schema.ts";
import type { ApiEnv } from "./api-env.ts";

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
    const found = token === null ? null : await keyByHash(c.env, await hashOf(token));
    if (found && !found.ok) {
      throw new ProblemError("unavailable");
    }
    const key = found?.value ?? null;
    if (key === null) {
      throw unauthorized();
    }
    if (key.merchantStatus !== "active") {
      throw new ProblemError("merchant_suspended");
    }
    if (!key.scopes.includes(scope)) {
      throw new ProblemError("missing_scope", { detail: `This call needs the scope ${scope}.` });
    }
    c.set("merchant", key.merchant);
    c.set("keyId", key.id);
    c.set("scopes", key.scopes);
    await next();
  };
}

const requireAdmin: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const token = bearer(c);
  if (token === null || !(await isEqual(token, c.env.ADMIN_TOKEN))) {
    throw unauthorized();
  }
  await next();
};

function bearer(c: Context<ApiEnv>): string | null {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

function unauthorized(): ProblemError {
  return new ProblemError("unauthorized", { headers: { "www-authenticate": "Bearer" } });
}
