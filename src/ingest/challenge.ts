import { z } from "zod";

import type { Source } from "../store/config.ts";

/** What another Paybell posts to learn whether its webhooks are wanted here: docs/endpoints.md. */
const Challenge = z.strictObject({
  type: z.literal("endpoint.verification"),
  challenge: z.string().regex(/^ver_[0-9a-z]{1,64}$/),
});
/** Longer than any. */
const MAX_BYTES = 256;

/**
 * The challenge that a verified request holds, if it is one: its source takes what other Paybells send, and whoever has
 * its secret may send there. Null: it is an event.
 */
export function challengeIn({ provider }: Source, body: Uint8Array): string | null {
  if (provider !== "standard" || body.byteLength > MAX_BYTES) {
    return null;
  }
  try {
    return Challenge.safeParse(JSON.parse(new TextDecoder().decode(body))).data?.challenge ?? null;
  } catch {
    return null;
  }
}
