// What asking a provider about its own post is to Paybell: the request for what the post names, and what it says.
// Without I/O of its own: one executor (`enrich/call.ts`) does it.

import type { z } from "zod";

import type { ProviderEvent } from "../event/event.ts";
import type { SignedRequest } from "../providers/provider.ts";

/** A request of a provider's API: a POST where it has a body. Names of headers are in lower case. */
interface ApiRequest {
  url: string;
  headers: Record<string, string>;
  body?: string;
}

/**
 * Why the API did not tell: `later` it may if it is asked again, not before `pauseMs`; `refused` it does not tell us;
 * `unknown` there is no such thing there. `status`: null where nothing was answered.
 */
export interface Untold {
  ok: false;
  because: "later" | "refused" | "unknown";
  status: number | null;
  pauseMs: number | null;
}

/** Asks an API; the whole body of an answer that is a success. Never throws. */
export type Call = (request: ApiRequest) => Promise<{ ok: true; body: Uint8Array } | Untold>;

/**
 * An event as the API tells it. `key`: by what it is known again in its source, where that is not the post: what was
 * posted is the same each time, and what it leads to is not.
 */
export interface Told {
  event: ProviderEvent;
  key?: string[];
}

/** What is asked about: a verified post, the event that it holds, and its source's config. */
interface Asked {
  request: SignedRequest;
  event: ProviderEvent;
  config: Record<string, unknown> | undefined;
}

/** One provider whose posts prove less than its API does. */
export interface Enricher<Credential = never> {
  /** What a source's credential is made of: all of it is secret, where the API is too. */
  credential: z.ZodObject & z.ZodType<Credential>;
  /** Where its API is, unless a source's credential says otherwise. */
  baseUrl: string;
  /** The headers of a post that reading it takes, in lower case; none may be a secret. */
  headers: readonly string[];
  /** Whether there is something to ask about a posted event. */
  canAsk(event: ProviderEvent): boolean;
  /**
   * Asks what became of what the post names: one event or several, each `fetched`.
   *
   * @throws {UnparseableError} where the answer is not what the provider documents.
   */
  ask(asked: Asked, credential: Credential, call: Call): Promise<{ ok: true; events: Told[] } | Untold>;
}
