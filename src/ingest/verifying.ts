import type { Context } from "hono";

import { readBody } from "../platform/body.ts";
import { noteRefused, tooMany } from "../platform/limits.ts";
import { log, traceOf } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import type { Provider, SignedRequest, Verification } from "../providers/provider.ts";
import type { Source } from "../store/config.ts";
import { type Addressed } from "./addressed.ts";
import { withCertificate } from "./paypal-cert.ts";
import { noteRejected } from "./rejecting.ts";

/** A provider's post may be this long; none of them sends more. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * A post with a good signature over its bytes; else the answer to one that has none. Who has been refused too often is
 * heard all the same, and told to stay away where it has signed nothing: what others do from an address shuts out no
 * provider. `now`: epoch ms.
 *
 * @throws {ProblemError} where the body is too long, or whoever posted is shut out and has not signed it.
 */
export async function signedRequest(
  c: Context<{ Bindings: Env }>,
  { source, provider, stranger, shutOutFor }: Addressed,
  now: number,
): Promise<(SignedRequest & { body: Uint8Array<ArrayBuffer> }) | Response> {
  const { headers } = c.req.raw;
  const refuse = (reason: string) => {
    if (shutOutFor > 0) {
      throw tooMany(shutOutFor);
    }
    log.warn("ingest.refused", { source: source.id, reason });
    c.executionCtx.waitUntil(noteRefused(c.env, stranger, now));
    c.executionCtx.waitUntil(noteRejected(c.env, source, reason, now));
    return provider.acknowledge("bad-signature");
  };
  if (provider.mayBeSigned?.({ headers, url: c.req.url }, source.config ?? undefined) === false) {
    return refuse("signature_missing");
  }
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (body === null) {
    throw new ProblemError("body_too_large", { detail: `A body may have ${MAX_BODY_BYTES} bytes.` });
  }
  const request = { body, headers, url: c.req.url };
  const keys = await keysOf(source, headers, now, shutOutFor > 0);
  if (!keys.ok && keys.because === "unavailable") {
    c.executionCtx.waitUntil(noteRefused(c.env, stranger, now));
    return provider.acknowledge("unavailable");
  }
  const verification = keys.ok
    ? await verify(source, provider, request, keys.secrets, now)
    : ({ ok: false, reason: "certificate_unknown" } as const);
  if (verification === null) {
    return provider.acknowledge("unavailable");
  }
  return verification.ok ? request : refuse(verification.reason);
}

/** What a post is verified with: the source's secrets, and a certificate of PayPal's. */
async function keysOf(source: Source, headers: Headers, now: number, isShutOut: boolean) {
  return source.provider === "paypal"
    ? withCertificate(headers, source, { now, isShutOut })
    : ({ ok: true, secrets: source.secrets } as const);
}

/** Null: a fault of ours, over what may be genuine, so that the provider has to come again. */
async function verify(
  { id, config }: Source,
  provider: Provider,
  request: SignedRequest,
  secrets: string[],
  now: number,
): Promise<Verification | null> {
  try {
    return await provider.verify(request, secrets, { now: now / 1000, ...(config && { config }) });
  } catch (error) {
    log.error("ingest.verify_failed", { source: id, provider: provider.name, ...traceOf(error) });
    return null;
  }
}
