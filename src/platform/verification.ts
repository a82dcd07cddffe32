type Settings = Pick<Env, "HOST_VERIFICATION" | "ALLOW_PRIVATE_ENDPOINTS">;
/** A deployment whose own vars do not name it yet trusts none. */
type HostSettings = Settings & Partial<Pick<Env, "TRUSTED_HOSTS">>;

/**
 * Whether endpoints wait until their host has said that it wants webhooks. Not in development, where nobody else is to
 * be protected; `always`: there too.
 */
export function mustVerify({ HOST_VERIFICATION, ALLOW_PRIVATE_ENDPOINTS }: Settings): boolean {
  return HOST_VERIFICATION === "always" || (HOST_VERIFICATION !== "off" && ALLOW_PRIVATE_ENDPOINTS !== "true");
}

/** Whether a host (with its port, if that is not the scheme's own) has to say so; the operator vouches for some. */
export function mustVerifyHost(env: HostSettings, host: string): boolean {
  return mustVerify(env) && !(env.TRUSTED_HOSTS ?? "").toLowerCase().split(/\s+/).includes(host);
}

/** Whether an endpoint that was made to await a host still does: the operator may have come to vouch for it since. */
export function isAwaited(env: HostSettings, host: string | null): host is string {
  return host !== null && mustVerifyHost(env, host);
}
