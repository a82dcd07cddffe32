import type { ProviderEvent } from "../event/event.ts";
import { readGoCardlessEvent } from "./gocardless-events.ts";
import { at, isObject, parseObject, textAt } from "./json.ts";
import { isLive, ModeConfig } from "./mode.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { bytesOfHex, verifyHmac } from "./signature.ts";

/** Characters of the signature: 32 bytes in hex. */
const SIGNATURE_LENGTH = 64;

/**
 * GoCardless: `Webhook-Signature`, HMAC-SHA256 in hex over the body, which holds several events. No time is signed.
 * https://developer.gocardless.com/api-reference/#webhooks-overview
 */
export const gocardless: Provider = {
  name: "gocardless",
  config: ModeConfig,

  async verify({ body, headers }, secrets) {
    const header = headers.get("webhook-signature");
    if (!header) return { ok: false, reason: "header-missing" };
    const signature = header.length === SIGNATURE_LENGTH ? bytesOfHex(header) : null;
    if (!signature) return { ok: false, reason: "header-malformed" };
    return verifyHmac(Uint8Array.from(body), [signature], secrets);
  },

  async normalize({ body }, _secrets, config) {
    const events = at(parseObject(body), "events");
    if (!Array.isArray(events)) throw new UnparseableError("the body holds no list of GoCardless events");
    return events.map((item: unknown): ProviderEvent => {
      const event = isObject(item) ? item : {};
      return {
        eventId: textAt(event, "id") ?? null,
        providerType: `${textAt(event, "resource_type") ?? "unknown"}.${textAt(event, "action") ?? "unknown"}`,
        ...readGoCardlessEvent(event),
        occurredAt: Date.parse(textAt(event, "created_at") ?? "") || null,
        livemode: isLive(config),
        customer: textAt(event, "links", "customer") ?? null,
        authenticity: "signed",
        raw: event,
      };
    });
  },

  /** GoCardless knows 498 for a bad signature, and 204 for what was taken. */
  acknowledge(outcome) {
    if (outcome === "bad-signature") return new Response("bad signature\n", { status: 498 });
    return outcome === "unavailable" ? acknowledgePlainly(outcome) : new Response(null, { status: 204 });
  },
};
