import type { z } from "zod";

import type { ProviderEvent } from "../event/event.ts";

/** A provider's request as it came: the bytes that were signed, and the URL as it is registered at the provider. */
export interface SignedRequest {
  body: Uint8Array;
  headers: Headers;
  url: string;
}

/**
 * `now`: epoch seconds. `toleranceSeconds`: how far the signed time may be from it, either way; undefined is the
 * provider's usual one, Infinity switches the check off. `config`: the source's own, where a provider needs one.
 */
export interface VerifyOptions {
  now: number;
  toleranceSeconds?: number;
  config?: Record<string, unknown>;
}

/** `secretIndex`: which of the secrets fits. `reason`: in snake case, for the log and the merchant, never for the sender. */
export type Verification = { ok: true; secretIndex: number } | { ok: false; reason: string };

/** How a request ended, as the provider has to be told. `unavailable`: nothing was stored, send it again. */
export type Acknowledgement = "accepted" | "duplicate" | "bad-signature" | "unparseable" | "unavailable";

/** Why a text is no secret of a provider; null: it is one, as far as that can be told. `config`: the source's. */
export type SecretFault = (secret: string, config: unknown) => string | null | Promise<string | null>;

/** One payment provider: how it signs, what its events mean, what it wants to hear. Pure: no network, no storage. */
export interface Provider {
  /** As in the registry and in sources, such as `stripe`. */
  name: string;
  /** Whether one of the secrets signed the request. Never throws, whatever a stranger sent. */
  verify(request: SignedRequest, secrets: string[], options: VerifyOptions): Promise<Verification>;
  /**
   * Whether a request has what a signature of this provider's stands in, where that is not in the body: what has not is
   * refused unread. `config`: the source's own.
   */
  mayBeSigned?(request: Pick<SignedRequest, "headers" | "url">, config?: Record<string, unknown>): boolean;
  /**
   * The events that a verified request holds; decrypts them where the provider encrypts. `config`: the source's own.
   *
   * @throws {UnparseableError} where the body is not what the provider sends.
   */
  normalize(request: SignedRequest, secrets: string[], config?: Record<string, unknown>): Promise<ProviderEvent[]>;
  /** The answer that the provider expects. */
  acknowledge(outcome: Acknowledgement): Response;
  /** Merchants sign these posts themselves, so what bounds their own calls bounds them too, and says so as there. */
  isOwn?: true;
  /** What a source's `config` may hold, where the provider needs one. */
  config?: z.ZodType<Record<string, unknown>>;
  /** What is no secret of this provider; absent: any text that is long enough is one. */
  secretFault?: SecretFault;
  /** Answers the challenge by which a provider tests a URL before it sends events there. */
  handshake?(request: Request, secrets: string[]): Promise<Response>;
}

/** A request that was signed and still is no event, such as a body that is not JSON. Sending it again does not help. */
export class UnparseableError extends Error {
  override name = "UnparseableError";
}

const RETRY_AFTER_SECONDS = 30;

/** What most providers want to hear: 200 without a body, 401 for a bad signature, 503 to have it sent again. */
export function acknowledgePlainly(outcome: Acknowledgement): Response {
  if (outcome === "bad-signature") return new Response("bad signature\n", { status: 401 });
  if (outcome === "unavailable") {
    const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
    return new Response("unavailable\n", { status: 503, headers });
  }
  return new Response(null, { status: 200 });
}
