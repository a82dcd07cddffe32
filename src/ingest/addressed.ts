import type { Context } from "hono";

import { isIdOf } from "../event/ids.ts";
import { callerOf, noteRefused, shutOutFor, tooMany } from "../platform/limits.ts";
import { ProblemError } from "../platform/problem.ts";
import { providerOf } from "../providers/index.ts";
import type { Provider } from "../providers/provider.ts";
import { sourceById, type Source } from "../store/config.ts";

/** What a request at `/ingest/{sourceId}` is for. */
export interface Addressed {
  source: Source;
  provider: Provider;
  /** Whom to note where the request is refused; null: nobody knows. */
  stranger: string | null;
  /** For how many seconds that one is shut out: it is heard if it has signed, and else told to stay away. 0: it is not. */
  shutOutFor: number;
}

/**
 * The source that a request at `/ingest/{sourceId}` is for. A provider calls for many merchants from one address, and
 * others may call from there too: what is refused closes the one source to what is not signed, and has unknown sources
 * looked up together with what others ask for. `now`: epoch ms.
 *
 * @throws {ProblemError} where there is none, or D1 is away and nothing is known of it here.
 */
export async function addressed(c: Context<{ Bindings: Env }>, now: number): Promise<Addressed> {
  const id = c.req.param("sourceId") ?? "";
  const caller = callerOf(c.req.raw.headers);
  const callerShutOutFor = shutOutFor(caller, now);
  const found = isIdOf("src", id) ? await sourceById(c.env, id, now, callerShutOutFor > 0) : null;
  if (found && !found.ok) {
    throw new ProblemError("unavailable");
  }
  const source = found?.value ?? null;
  const provider = source && providerOf(source.provider);
  if (!source || !provider) {
    if (callerShutOutFor > 0) {
      throw tooMany(callerShutOutFor);
    }
    c.executionCtx.waitUntil(noteRefused(c.env, caller, now));
    throw new ProblemError("not_found");
  }
  const stranger = caller && `${caller} ${id}`;
  return { source, provider, stranger, shutOutFor: shutOutFor(stranger, now) };
}
