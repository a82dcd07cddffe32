import { readCdpEvent } from "./coinbase-cdp-events.ts";
import { at, type Json, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, ModeConfig } from "./reading.ts";
import { bytesOfHex, ifFresh, MAX_HEADER_LENGTH, prefixed, secondsOf, verifyHmac } from "./signature.ts";

const TOLERANCE_SECONDS = 300;
/** How many headers a signature may cover. */
const MAX_COVERED = 16;
/** Where the event's id is, for the events that have none in their body; it counts only where it is signed. */
const ID_HEADERS = ["x-hook0-id", "x-event-id"];

/**
 * Coinbase's Developer Platform (CDP), with Coinbase Business and Payment Acceptance: `X-Hook0-Signature:
 * t=…,h=names,v1=…`, HMAC-SHA256 in hex over `{t}.{names}.{values}.{body}`, the names with spaces and the values with
 * dots between them; `v0` is over `{t}.{body}` and counts only where there is no `v1`.
 * https://docs.cdp.coinbase.com/webhooks/payment-acceptance/verification
 */
export const coinbaseCdp: Provider = {
  name: "coinbase-cdp",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("x-hook0-signature"),

  async verify({ body, headers }, secrets, { now, toleranceSeconds = TOLERANCE_SECONDS }) {
    const header = headers.get("x-hook0-signature");
    if (!header) return { ok: false, reason: "header_missing" };
    const signature = parseHeader(header);
    if (!signature) return { ok: false, reason: "header_malformed" };
    const { timestamp, covered, bytes } = signature;
    const values = covered?.map((name) => headers.get(name));
    if (values?.includes(null)) return { ok: false, reason: "covered_header_missing" };
    const prefix = values ? `${timestamp}.${covered!.join(" ")}.${values.join(".")}.` : `${timestamp}.`;
    const verification = await verifyHmac(prefixed(prefix, body), [bytes], secrets);
    return ifFresh(verification, Number(timestamp), now, toleranceSeconds);
  },

  async normalize({ body, headers }, _secrets, config) {
    const event = parseObject(body);
    const covered = parseHeader(headers.get("x-hook0-signature") ?? "")?.covered ?? [];
    const named = ID_HEADERS.find((name) => covered.some((other) => other.toLowerCase() === name));
    const id = (named && headers.get(named)) || null;
    // The values of the headers are signed with dots between: a part of the next one could have been moved into the id.
    if (id?.includes(".")) throw new UnparseableError("the id in a header has a dot");
    const providerType = textAt(event, "eventType") ?? "unknown";
    const { type, data } = readCdpEvent(providerType, event);
    return [
      {
        eventId: textAt(event, "eventId") ?? id,
        providerType,
        type,
        occurredAt: instantOfIso(at(event, "timestamp")) ?? instantOfIso(at(event, "updatedAt")),
        livemode: isLive(config) && !isOfTestnet(event),
        customer: null,
        authenticity: "signed",
        data,
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

interface Signature {
  /** As it was signed: decimal seconds. */
  timestamp: string;
  /** The headers that are signed too, as they are named; null where only time and body are. */
  covered: string[] | null;
  bytes: Uint8Array;
}

/** Null unless each field is there once and well formed. */
function parseHeader(header: string): Signature | null {
  if (header.length > MAX_HEADER_LENGTH) return null;
  const fields = new Map<string, string>();
  for (const item of header.split(",")) {
    const [name = "", value = ""] = item.trimStart().split("=", 2);
    if (fields.has(name)) return null;
    fields.set(name, value);
  }
  const timestamp = fields.get("t") ?? "";
  const isWhole = fields.has("v1");
  const covered = isWhole ? (fields.get("h") ?? "").split(" ") : null;
  const bytes = bytesOfHex(fields.get(isWhole ? "v1" : "v0") ?? "");
  const isNamed = covered === null || (covered.length <= MAX_COVERED && covered.every(isHeaderName));
  return isNamed && secondsOf(timestamp) !== null && bytes?.length === 32 ? { timestamp, covered, bytes } : null;
}

function isHeaderName(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(text);
}

/** Whether the event is of money on a network for tests, such as `base-sepolia`. */
function isOfTestnet(event: Json): boolean {
  const session = at(event, "data", "paymentSession");
  const networks = [
    textAt(event, "network"),
    textAt(session, "source", "network"),
    textAt(session, "target", "network"),
  ];
  return networks.some((network) => /-(sepolia|testnet|devnet)$/.test(network ?? ""));
}
