import { checkUrl } from "../channels/url-guard.ts";
import { urlRules } from "../platform/own-hosts.ts";
import { mustVerifyHost } from "../platform/verification.ts";
import { hostOf, readHosts } from "../store/endpoint-hosts.ts";
import { invalid } from "./field-errors.ts";

/**
 * Refuses a URL that may not be called: no public one, or our own. `path`: JSON Pointer to it in the input. Throws the
 * problem `invalid`.
 */
export function requirePublic(env: Env, path: string, url: string): void {
  const checked = checkUrl(url, urlRules(env));
  if (!checked.ok) {
    throw invalid(path, checked.code, checked.message);
  }
}

/**
 * Refuses the address of an API that is neither its provider's nor at a host that wants the merchant's webhooks: else
 * whoever sets it could have us call anybody. `own`: where the provider's API is. Throws the problem `invalid`.
 */
export async function requireWilling(
  env: Env,
  merchant: string,
  { path, url, own }: { path: string; url: string; own?: string },
): Promise<void> {
  requirePublic(env, path, url);
  const host = hostOf(url);
  if (!mustVerifyHost(env, host) || (own !== undefined && isOfDomain(host, hostOf(own)))) {
    return;
  }
  const known = (await readHosts(env.DB, merchant)).get(host);
  if (known === undefined || known.verifiedAt === null) {
    const message = "This host has not said that it wants requests of yours: have an endpoint there verified first.";
    throw invalid(path, "host_not_verified", message);
  }
}

/** Whether a host is of the same domain as another, whose last two labels name that: a provider's region is. */
function isOfDomain(host: string, other: string): boolean {
  const domain = other.split(".").slice(-2).join(".");
  return host === domain || host.endsWith(`.${domain}`);
}
