import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { checkUrl } from "../channels/url-guard.ts";
import { urlRules } from "../platform/own-hosts.ts";
import type { FieldError } from "../platform/problem.ts";
import { mustVerifyHost } from "../platform/verification.ts";
import { hostOf, readHost } from "../store/endpoint-hosts.ts";
import type { ApiEnv } from "./api-env.ts";
import { fieldErrors, requireNone, withMore } from "./field-errors.ts";

/**
 * Refuses a body with all that its schema finds wrong and, with it, a URL in it that may not be called: no public one, or
 * our own. `field`: the body's field that holds it. Throws the problem `invalid`.
 */
export function withPublicUrl(field: string) {
  return (result: { target: string; error?: z.ZodError; data?: unknown }, c: Context<ApiEnv>): undefined => {
    const body = result.target === "json" ? (result.data as Record<string, unknown> | null) : null;
    const url = body?.[field];
    const errors = fieldErrors(result.error?.issues ?? []);
    requireNone(withMore(errors, typeof url === "string" ? urlFaults(c.env, `/${field}`, url) : []));
  };
}

/** Why a URL may not be called. `path`: JSON Pointer to it in the input. */
function urlFaults(env: Env, path: string, url: string): FieldError[] {
  const checked = checkUrl(url, urlRules(env));
  return checked.ok ? [] : [{ path, code: checked.code, message: checked.message }];
}

/**
 * Why the address of an API may not be called: it is neither its provider's nor at a host that wants the merchant's
 * webhooks, and whoever sets it could have us call anybody. `own`: where the provider's API is.
 */
export async function hostFaults(
  env: Env,
  merchant: string,
  { path, url, own }: { path: string; url: string; own?: string },
): Promise<FieldError[]> {
  const faults = urlFaults(env, path, url);
  if (faults.length > 0) {
    return faults;
  }
  const host = hostOf(url);
  if (!mustVerifyHost(env, host) || (own !== undefined && isOfDomain(host, hostOf(own)))) {
    return [];
  }
  const known = await readHost(env.DB, merchant, host);
  if (known !== null && known.verifiedAt !== null) {
    return [];
  }
  const message = "This host has not said that it wants requests of yours: have an endpoint there verified first.";
  return [{ path, code: "host_not_verified", message }];
}

/** Whether a host is of the same domain as another, whose last two labels name that: a provider's region is. */
function isOfDomain(host: string, other: string): boolean {
  const domain = other.split(".").slice(-2).join(".");
  return host === domain || host.endsWith(`.${domain}`);
}
