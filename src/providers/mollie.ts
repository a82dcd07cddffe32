import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { MollieConfig } from "./config.ts";
import { at, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, moneyOf, paymentOf } from "./reading.ts";
import { bytesOfHex, MAX_HEADER_LENGTH, verifyHmac, verifyToken } from "./signature.ts";

const HEADER = "x-mollie-signature";

/**
 * Names of `WebhookEventTypes` in mollie-api-typescript, and `dispute.*` and `profile.*` of mollie-api-php; an open
 * payment is only read, never announced. A capture that fails leaves its payment authorized.
 */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["payment.open", "payment.created"],
  ["payment.pending", "payment.pending"],
  ["payment.authorized", "payment.authorized"],
  ["payment.paid", "payment.succeeded"],
  ["payment.failed", "payment.failed"],
  ["payment.canceled", "payment.canceled"],
  ["payment.expired", "payment.expired"],
  ["capture.succeeded", "payment.succeeded"],
  ["payment-link.paid", "payment.succeeded"],
  ["refund.queued", "refund.created"],
  ["refund.pending", "refund.pending"],
  ["refund.processing", "refund.pending"],
  ["refund.refunded", "refund.succeeded"],
  ["refund.failed", "refund.failed"],
  ["refund.canceled", "refund.failed"],
  ["chargeback.received", "dispute.opened"],
  ["chargeback.reversed", "dispute.won"],
  ["dispute.created", "dispute.opened"],
  ["dispute.updated", "dispute.under_review"],
  ["dispute.resolved", "dispute.closed"],
  ["payout.initiated", "payout.created"],
  ["payout.processing-at-bank", "payout.in_transit"],
  ["payout.completed", "payout.paid"],
  ["payout.canceled", "payout.canceled"],
  ["payout.failed", "payout.failed"],
  ["business-account-transfer.requested", "payout.created"],
  ["business-account-transfer.initiated", "payout.in_transit"],
  ["business-account-transfer.pending-review", "payout.in_transit"],
  ["business-account-transfer.processed", "payout.paid"],
  ["business-account-transfer.failed", "payout.failed"],
  ["business-account-transfer.blocked", "payout.failed"],
  ["business-account-transfer.returned", "payout.returned"],
  ["sales-invoice.created", "invoice.created"],
  ["sales-invoice.issued", "invoice.updated"],
  ["sales-invoice.canceled", "invoice.canceled"],
  ["sales-invoice.paid", "invoice.paid"],
  ["balance-transaction.created", "account.balance_changed"],
  ["profile.verified", "account.updated"],
  ["profile.blocked", "account.updated"],
] as const);

/**
 * Mollie: `X-Mollie-Signature`, HMAC-SHA256 in hex over the body, with or without `sha256=`, several during a rotation.
 * A source whose config has `webhooks: "legacy"` takes the older form instead, `id=tr_…`, which nobody signs: its
 * secret stands as `?token=` in the URL that Mollie is given, and the event claims nothing.
 * https://docs.mollie.com/reference/webhooks-best-practices
 */
export const mollie: Provider = {
  name: "mollie",
  config: MollieConfig,

  mayBeSigned: ({ headers, url }, config) => (isLegacy(config) ? tokenIn(url) !== null : headers.has(HEADER)),

  async verify({ body, headers, url }, secrets, { config }) {
    if (isLegacy(config)) {
      const token = tokenIn(url);
      return token ? verifyToken(token, secrets) : { ok: false, reason: "token_missing" };
    }
    const header = headers.get(HEADER);
    if (!header) return { ok: false, reason: "header_missing" };
    const signatures = header.length > MAX_HEADER_LENGTH ? [] : header.split(",").flatMap(signatureOf);
    if (signatures.length === 0) return { ok: false, reason: "header_malformed" };
    return verifyHmac(new Uint8Array(body), signatures, secrets);
  },

  async normalize({ body }, _secrets, config) {
    return [isLegacy(config) ? readLegacy(body, isLive(config)) : readEvent(parseObject(body), isLive(config))];
  },

  acknowledge: acknowledgePlainly,
};

function tokenIn(url: string): string | null {
  return URL.canParse(url) ? new URL(url).searchParams.get("token") : null;
}

function isLegacy(config: Record<string, unknown> | undefined): boolean {
  return config?.["webhooks"] === "legacy";
}

function signatureOf(text: string): Uint8Array[] {
  const hex = text.trim().replace(/^sha256=/, "");
  const bytes = hex.length === 64 ? bytesOfHex(hex) : null;
  return bytes ? [bytes] : [];
}

function readEvent(event: Json, isLive: boolean): ProviderEvent {
  const eventId = textAt(event, "id");
  const providerType = textAt(event, "type");
  if (!eventId || !providerType) throw new UnparseableError("the body is not a Mollie event");
  const entity = at(event, "_embedded", "entity");
  const id = textAt(entity, "id") ?? textAt(event, "entityId");
  const mode = textAt(entity, "mode");
  return {
    eventId,
    providerType,
    ...(id ? readEntity(providerType, id, entity) : { type: "unknown", data: {} }),
    occurredAt: instantOfIso(at(event, "createdAt")),
    livemode: mode === undefined ? isLive : mode !== "test",
    customer: textAt(entity, "customerId") ?? null,
    authenticity: "signed",
    raw: event,
  };
}

/** What happened to an entity, by Mollie's name of it: a webhook that sends "simple" payloads only names the id. */
export function readEntity(providerType: string, id: string, entity: unknown): { type: EventType; data: EventData } {
  return { type: typeOf(providerType, entity), data: dataOf(providerType, id, entity) };
}

/** How a dispute stands is what it says itself, where it does; a capture pays what it names. */
function typeOf(providerType: string, entity: unknown): EventType {
  const [family] = providerType.split(".");
  const status = family === "dispute" ? textAt(entity, "status") : undefined;
  if (status === "won" || status === "lost" || status === "accepted") return `dispute.${status}`;
  if (family === "capture" && !textAt(entity, "paymentId")) return "unknown";
  return TYPES.get(providerType) ?? "unknown";
}

function dataOf(providerType: string, id: string, entity: unknown): EventData {
  const amount = moneyOf(at(entity, "amount", "value"), at(entity, "amount", "currency"));
  const paymentId = textAt(entity, "paymentId");
  const about = paymentOf(paymentId);
  switch (providerType.replace(/\..*/, "")) {
    case "payment":
    case "payment-link": {
      const reference = textAt(entity, "metadata", "order_id");
      return { payment: { ...known({ amount, reference, method: textAt(entity, "method") }), id } };
    }
    case "refund":
      return { ...about, refund: { ...known({ amount }), id } };
    case "chargeback":
    case "dispute":
      return { ...about, dispute: { ...known({ amount, reason: textAt(entity, "reason", "description") }), id } };
    case "business-account-transfer":
    case "payout":
      return { payout: { ...known({ amount }), id } };
    case "profile":
      return { account: { id } };
    // A capture may be of a part: its amount is not the payment's.
    default:
      return about;
  }
}

/** The older form says which object has changed, and nothing of how. */
function readLegacy(body: Uint8Array, livemode: boolean): ProviderEvent {
  const form = new URLSearchParams(new TextDecoder().decode(body));
  const id = form.get("id");
  if (!id || !/^\w{4,64}$/.test(id)) throw new UnparseableError("the body is not a form with an id");
  return {
    eventId: null,
    providerType: "legacy",
    type: "unknown",
    occurredAt: null,
    livemode,
    customer: null,
    authenticity: "token",
    data: id.startsWith("tr_") ? { payment: { id } } : {},
    raw: { id },
  };
}
