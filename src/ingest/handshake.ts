import type { Context } from "hono";

import { noteRefused, tooMany } from "../platform/limits.ts";
import { log } from "../platform/log.ts";
import { ProblemError } from "../platform/problem.ts";
import { addressed } from "./addressed.ts";

/**
 * `GET /ingest/{sourceId}`: the challenge by which a provider tries the URL before it posts there. It answers as that
 * provider expects; 405 for one that has no such thing.
 */
export async function handshake(c: Context<{ Bindings: Env }>): Promise<Response> {
  const now = Date.now();
  const { source, provider, stranger, shutOutFor } = await addressed(c, now);
  if (!provider.handshake) {
    throw new ProblemError("method_not_allowed", { headers: { allow: "POST" } });
  }
  const response = await provider.handshake(c.req.raw, source.secrets);
  if (!response.ok) {
    if (shutOutFor > 0) {
      throw tooMany(shutOutFor);
    }
    log.warn("ingest.challenge_refused", { source: source.id, status: response.status });
    c.executionCtx.waitUntil(noteRefused(c.env, stranger, now));
  }
  return response;
}
