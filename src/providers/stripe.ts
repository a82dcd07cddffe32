import { isInstant } from "../event/instant.ts";
import type { ProviderEvent } from "../event/event.ts";
import { at, isObject, type Json, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, type SignedRequest, UnparseableError } from "./provider.ts";
import { stripeFault } from "./secret-faults.ts";
import { bytesOfHex, ifFresh, MAX_HEADER_LENGTH, prefixed, secondsOf, verifyHmac } from "./signature.ts";
import { customerOf, readStripeEvent } from "./stripe-events.ts";
import { instantOf } from "./stripe-objects.ts";

/** Stripe's own default: how old a signed time may be. */
const TOLERANCE_SECONDS = 300;

/**
 * Stripe: `Stripe-Signature: t=…,v1=…`, HMAC-SHA256 in hex over `{t}.{body}`; the secret is used as it is written,
 * `whsec_` included. Several `v1` during a rotation. `v0` is for tests and never counts.
 * https://docs.stripe.com/webhooks/signature
 */
export const stripe: Provider = {
  name: "stripe",
  secretFault: stripeFault,

  mayBeSigned: ({ headers }) => headers.has("stripe-signature"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const header = headers.get("stripe-signature");
    if (!header) return { ok: false, reason: "header_missing" };
    const signature = parseHeader(header);
    if (!signature) return { ok: false, reason: "header_malformed" };
    const { signedAt, signatures } = signature;
    const verification = await verifyHmac(prefixed(`${signedAt}.`, body), signatures, secrets);
    return ifFresh(verification, signedAt, now, toleranceSeconds);
  },

  async normalize(request) {
    const event = parseObject(request.body);
    const eventId = textAt(event, "id");
    const providerType = textAt(event, "type");
    const family = textAt(event, "object");
    if (!eventId || !providerType || (family !== "event" && family !== "v2.core.event")) {
      throw new UnparseableError("the body is not a Stripe event");
    }
    const object = at(event, "data", "object");
    const { type, data } = readStripeEvent(providerType, isObject(object) ? object : {}, event);
    const normalized: ProviderEvent = {
      eventId,
      providerType,
      type,
      occurredAt: createdAt(event) ?? receivedAt(request),
      livemode: at(event, "livemode") === true,
      customer: customerOf(event),
      authenticity: "signed",
      data,
      raw: event,
    };
    return [normalized];
  },

  acknowledge: acknowledgePlainly,
};

/** Null unless the header has a time and a well-formed `v1`. Of several times the last one counts, as at Stripe. */
function parseHeader(header: string): { signedAt: number; signatures: Uint8Array[] } | null {
  if (header.length > MAX_HEADER_LENGTH) return null;
  let signedAt: number | null = null;
  const signatures: Uint8Array[] = [];
  for (const item of header.split(",")) {
    const [name, value = ""] = item.split("=", 2);
    if (name === "t") {
      signedAt = secondsOf(value);
      if (signedAt === null) return null;
    }
    const bytes = name === "v1" && /^[0-9a-f]{64}$/.test(value) ? bytesOfHex(value) : null;
    if (bytes) signatures.push(bytes);
  }
  return signedAt === null || signatures.length === 0 ? null : { signedAt, signatures };
}

/** Epoch ms of `created`: seconds in snapshot events, ISO 8601 in thin ones. Null where it is no instant. */
function createdAt(event: Json): number | null {
  const created = at(event, "created");
  if (typeof created === "string") return isInstant(Date.parse(created)) ? Date.parse(created) : null;
  return instantOf(created);
}

/** Epoch ms of the signed time of the request, for an event that does not say when it was. */
function receivedAt({ headers }: SignedRequest): number {
  return (parseHeader(headers.get("stripe-signature") ?? "")?.signedAt ?? 0) * 1000;
}
