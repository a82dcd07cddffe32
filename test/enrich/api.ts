import type { Call, Enricher } from "../../src/enrich/enricher.ts";
import type { SignedRequest } from "../../src/providers/provider.ts";
import { providerOf } from "../../src/providers/index.ts";

type Requested = Parameters<Call>[0];
type Answer = Awaited<ReturnType<Call>>;

export const told = (body: unknown): Answer => ({ ok: true, body: new TextEncoder().encode(JSON.stringify(body)) });

/** An answer that is no success, as the executor reads it where the provider says nothing else of the status. */
export const untold = (because: "later" | "refused" | "unknown", status: number): Answer => ({
  ok: false,
  because,
  status,
  pauseMs: null,
});

/** Asks about a post of a provider; what it was asked for, and what came of that. */
export async function askAbout<Credential>(
  {
    provider,
    enricher,
    config,
  }: { provider: string; enricher: Enricher<Credential>; config?: Record<string, unknown> },
  post: Pick<SignedRequest, "body"> & { headers?: Record<string, string> },
  credential: Credential,
  api: (request: Requested) => Answer,
) {
  const request = { body: post.body, headers: new Headers(post.headers), url: "https://paybell.test/ingest/src_1" };
  const [event] = await providerOf(provider)!.normalize(request, [], config);
  const requests: Requested[] = [];
  const isAsked = enricher.canAsk(event!);
  const answer = isAsked
    ? await enricher.ask({ request, event: event!, config }, credential, async (one) => {
        requests.push(one);
        return api(one);
      })
    : null;
  return { requests, answer };
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);
