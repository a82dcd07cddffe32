import type { ProviderEvent } from "../event/event.ts";
import { readGoCardlessEvent } from "./gocardless-events.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, isObject, parseObject, textAt } from "./json.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";

/**
 * GoCardless: `Webhook-Signature`, HMAC-SHA256 in hex over the body, which holds several events. No time is signed.
 * https://developer.gocardless.com/api-reference/#webhooks-overview
 */
export const gocardless: Provider = {
  name: "gocardless",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("webhook-signature"),

  verify: (request, secrets) => verifyHexHmac(request.headers.get("webhook-signature"), request.body, secrets),

  async normalize({ body }, _secrets, config) {
    const events = at(parseObject(body), "events");
    if (!Array.isArray(events)) throw new UnparseableError("the body holds no list of GoCardless events");
    return events.map((item: unknown): ProviderEvent => {
      const event = isObject(item) ? item : {};
      return {
        eventId: textAt(event, "id") ?? null,
        providerType: `${textAt(event, "resource_type") ?? "unknown"}.${textAt(event, "action") ?? "unknown"}`,
        ...readGoCardlessEvent(event),
        occurredAt: instantOfIso(at(event, "created_at")),
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
