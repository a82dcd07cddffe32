import { at, isObject, parseObject, textAt } from "./json.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { readPaddleEvent } from "./paddle-events.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { bytesOfHex, ifFresh, MAX_HEADER_LENGTH, prefixed, secondsOf, verifyHmac } from "./signature.ts";

/** How far the signed time may be from now, either way. Paddle's own library allows 5 s, and only into the past. */
const TOLERANCE_SECONDS = 300;

/** What Paddle's webhook simulator sends: https://developer.paddle.com/api-reference/simulation-run-events */
const SIMULATED = /^ntfsimevt_/;

/**
 * Paddle Billing: `Paddle-Signature: ts=…;h1=…`, HMAC-SHA256 in hex over `{ts}:{body}`, several `h1` during a rotation.
 * https://developer.paddle.com/webhooks/signature-verification
 */
export const paddle: Provider = {
  name: "paddle",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("paddle-signature"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const header = headers.get("paddle-signature");
    if (!header) return { ok: false, reason: "header_missing" };
    const signature = parseHeader(header);
    if (!signature) return { ok: false, reason: "header_malformed" };
    const { timestamp, signatures } = signature;
    const verification = await verifyHmac(prefixed(`${timestamp}:`, body), signatures, secrets);
    return ifFresh(verification, Number(timestamp), now, toleranceSeconds);
  },

  async normalize({ body }, _secrets, config) {
    const event = parseObject(body);
    const eventId = textAt(event, "event_id");
    const providerType = textAt(event, "event_type");
    if (!eventId || !providerType) throw new UnparseableError("the body is not a Paddle event");
    const data = at(event, "data");
    const object = isObject(data) ? data : {};
    const isCustomer = providerType.startsWith("customer.");
    return [
      {
        eventId,
        providerType,
        ...readPaddleEvent(providerType, object),
        occurredAt: instantOfIso(at(event, "occurred_at")),
        livemode: isLive(config) && !SIMULATED.test(eventId),
        customer: textAt(object, isCustomer ? "id" : "customer_id") ?? null,
        authenticity: "signed",
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

/** Null unless the header has one time, as it was signed, and a well-formed `h1`. */
function parseHeader(header: string): { timestamp: string; signatures: Uint8Array[] } | null {
  if (header.length > MAX_HEADER_LENGTH) return null;
  const items = header.split(";").map((item) => item.split("=", 2));
  const [timestamp = "", ...others] = items.flatMap(([name, value = ""]) => (name === "ts" ? [value] : []));
  const signatures = items.flatMap(([name, value = ""]) => {
    const bytes = name === "h1" && /^[0-9a-f]{64}$/.test(value) ? bytesOfHex(value) : null;
    return bytes ? [bytes] : [];
  });
  const isWhole = others.length === 0 && secondsOf(timestamp) !== null && signatures.length > 0;
  return isWhole ? { timestamp, signatures } : null;
}
