import type { Context } from "hono";

import { callerOf, noteRefused, shutOutFor } from "../platform/limits.ts";
import { ProblemError } from "../platform/problem.ts";
import { providerOf } from "../providers/index.ts";
import type { Provider } from "../providers/provider.ts";
import { isMet, sourceById, type Source } from "../store/config.ts";

/** What a request at `/ingest/{sourceId}` is for. `stranger`: what to note where it is refused; null: nobody knows. */
interface Addressed {
  source: Source;
  provider: Provider;
  stranger: string | null;
}

/**
 * The source that a request at `/ingest/{sourceId}` is for. A provider calls for many merchants from one address: what
 * is refused closes the one source to it, unknown sources those that this isolate has not met. `now`: epoch ms.
 *
 * @throws {ProblemError} where there is none, the caller is shut out, or D1 is away and nothing is known of it here.
 */
export async function addressed(c: Context<{ Bindings: Env }>, now: number): Promise<Addressed> {
  const id = c.req.param("sourceId") ?? "";
  const caller = callerOf(c.req.raw.headers);
  const stranger = caller && `${caller} ${id}`;
  const refusedFor = shutOutFor(stranger, now) || (isMet("source", id) ? 0 : shutOutFor(caller, now));
  if (refusedFor > 0) {
    throw new ProblemError("too_many_requests", { headers: { "retry-after": String(refusedFor) } });
  }
  const found = await sourceById(c.env, id);
  if (!found.ok) {
    throw new ProblemError("unavailable");
  }
  const source = found.value;
  const provider = source && providerOf(source.provider);
  if (!source || !provider) {
    c.executionCtx.waitUntil(noteRefused(c.env, caller, now));
    throw new ProblemError("not_found");
  }
  return { source, provider, stranger };
}
