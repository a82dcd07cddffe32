import { z } from "@hono/zod-openapi";

import { enricherOf } from "../enrich/index.ts";
import { ProblemError } from "../platform/problem.ts";
import { seal } from "../platform/secret-box.ts";
import { credentialRow } from "../store/config.ts";
import { fieldErrors, invalid } from "./field-errors.ts";
import { requireWilling } from "./public-url.ts";

/** By what a source's provider is asked about its own posts: the place of its API is part of it. */
export const Credential = z.record(z.string(), z.unknown()).openapi({
  description:
    "With this credential Paybell asks the provider's API about what the provider posts. It is never shown again. flutterwave {secretKey}, mollie {apiKey}, paypal {clientId, clientSecret}; each with baseUrl where the API is elsewhere.",
});

/** A credential is what its provider's enricher says; an API elsewhere has to be at a host that wants our requests. */
export async function checkCredential(
  env: Env,
  { merchant, provider }: { merchant: string; provider: string },
  credential: Record<string, unknown> | null | undefined,
): Promise<void> {
  if (!credential) {
    return;
  }
  const enricher = enricherOf(provider);
  if (enricher === null) {
    throw invalid("/credential", "not_supported", `${provider} is asked nothing: its events go out as it signs them.`);
  }
  const { error } = enricher.credential.safeParse(credential);
  if (error) {
    throw new ProblemError("invalid", { errors: fieldErrors(error.issues, ["credential"]) });
  }
  const { baseUrl } = credential;
  if (typeof baseUrl === "string") {
    await requireWilling(env, merchant, { path: "/credential/baseUrl", url: baseUrl });
  }
}

/** A credential as its source's row keeps it. */
export async function sealCredential(env: Env, source: string, credential: Record<string, unknown>): Promise<string> {
  return seal(env.ENCRYPTION_KEY, credentialRow(source), JSON.stringify(credential));
}
