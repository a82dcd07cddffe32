import { z } from "@hono/zod-openapi";

import { enricherOf } from "../enrich/index.ts";
import type { FieldError } from "../platform/problem.ts";
import { seal } from "../platform/secret-box.ts";
import { credentialRow } from "../store/config.ts";
import { fieldErrors, withMore } from "./field-errors.ts";
import { hostFaults } from "./public-url.ts";

/** By what a source's provider is asked about its own posts: the place of its API is part of it. */
export const Credential = z.record(z.string(), z.unknown()).openapi({
  description:
    "With this credential Paybell asks the provider's API about the events that it sends. It is never shown again. Its fields: `secretKey` for flutterwave, `apiKey` for mollie, `clientId` and `clientSecret` for paypal; also `baseUrl` if the API is at another address than usual.",
});

/**
 * What is wrong with a credential: it is what its provider's enricher says, and an API elsewhere has to be at a host that
 * wants our requests.
 */
export async function credentialFaults(
  env: Env,
  { merchant, provider }: { merchant: string; provider: string },
  credential: Record<string, unknown> | null | undefined,
): Promise<FieldError[]> {
  if (!credential) {
    return [];
  }
  const enricher = enricherOf(provider);
  if (enricher === null) {
    const message = `Paybell asks nothing of ${provider}, whose events go out as it signs them: leave this out.`;
    return [{ path: "/credential", code: "not_supported", message }];
  }
  const { error } = enricher.credential.safeParse(credential);
  const { baseUrl } = credential;
  const more =
    typeof baseUrl === "string"
      ? await hostFaults(env, merchant, { path: "/credential/baseUrl", url: baseUrl, own: enricher.baseUrl })
      : [];
  return withMore(error ? fieldErrors(error.issues, ["credential"]) : [], more);
}

/** A credential as its source's row keeps it. */
export async function sealCredential(env: Env, source: string, credential: Record<string, unknown>): Promise<string> {
  return seal(env.ENCRYPTION_KEY, credentialRow(source), JSON.stringify(credential));
}
