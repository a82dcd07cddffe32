type Settings = Pick<Env, "HOST_VERIFICATION" | "ALLOW_PRIVATE_ENDPOINTS">;

/**
 * Whether endpoints wait until their host has said that it wants webhooks. Not in development, where nobody else is to
 * be protected; `always`: there too.
 */
export function mustVerify({ HOST_VERIFICATION, ALLOW_PRIVATE_ENDPOINTS }: Settings): boolean {
  return HOST_VERIFICATION === "always" || (HOST_VERIFICATION !== "off" && ALLOW_PRIVATE_ENDPOINTS !== "true");
}
