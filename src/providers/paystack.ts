import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { idOf, instantOfIso, minorMoneyOf, isoOf, paymentOf } from "./reading.ts";
import { paystackFault } from "./secret-faults.ts";
import { hexOf } from "./signature.ts";

/** https://paystack.com/docs/payments/webhooks/#types-of-events, each with its state behind it where that decides. */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["charge.success", "payment.succeeded"],
  ["preauthorization.reserve.success", "payment.authorized"],
  ["preauthorization.capture.success", "payment.succeeded"],
  ["preauthorization.release.success", "payment.canceled"],
  ["charge.dispute.create", "dispute.opened"],
  ["charge.dispute.remind", "dispute.evidence_required"],
  ["charge.dispute.resolve", "dispute.closed"],
  ["charge.dispute.resolve merchant-accepted", "dispute.accepted"],
  ["charge.dispute.resolve auto-accepted", "dispute.accepted"],
  ["charge.dispute.resolve declined", "dispute.won"],
  ["refund.pending", "refund.pending"],
  ["refund.processing", "refund.pending"],
  // The customer's bank account has to be given by hand.
  ["refund.needs-attention", "refund.pending"],
  ["refund.processed", "refund.succeeded"],
  ["refund.failed", "refund.failed"],
  ["transfer.success", "payout.paid"],
  ["transfer.failed", "payout.failed"],
  ["transfer.reversed", "payout.returned"],
  ["invoice.create", "invoice.created"],
  ["invoice.update", "invoice.updated"],
  ["invoice.update success", "invoice.paid"],
  ["invoice.payment_failed", "invoice.payment_failed"],
  ["paymentrequest.pending", "invoice.created"],
  ["paymentrequest.success", "invoice.paid"],
  ["subscription.create", "subscription.created"],
  ["subscription.not_renew", "subscription.updated"],
  ["subscription.disable", "subscription.canceled"],
  ["subscription.expiring_cards", "payment_method.expiring"],
  ["direct_debit.authorization.created", "mandate.created"],
  ["direct_debit.authorization.active", "mandate.active"],
] as const);

/**
 * Paystack: `x-paystack-signature`, HMAC-SHA512 in hex over the body; the secret is the account's API key. Events have
 * no id. A payment goes by its reference, since refunds name nothing else of it.
 * https://paystack.com/docs/payments/webhooks/
 */
export const paystack: Provider = {
  name: "paystack",
  secretFault: paystackFault,

  mayBeSigned: ({ headers }) => headers.has("x-paystack-signature"),

  verify: ({ body, headers }, secrets) => verifyHexHmac(headers.get("x-paystack-signature"), body, secrets, "SHA-512"),

  async normalize({ body }, secrets) {
    const event = parseObject(body);
    const providerType = textAt(event, "event");
    if (!providerType) throw new UnparseableError("the body is not a Paystack event");
    const data = at(event, "data");
    // Cards that expire come in a list, of any number of customers.
    const parts: unknown[] = Array.isArray(data) && data.length > 0 ? data : [data];
    const ownId = providerType.startsWith("refund") ? await idOfBody(body) : "";
    return parts.map((part): ProviderEvent => ({
      eventId: null,
      providerType,
      type: typeOf(providerType, part),
      occurredAt: timeOf(providerType, part),
      livemode: isLive(part, secrets),
      customer: textAt(part, "customer", "customer_code") ?? textAt(part, "customer", "code") ?? null,
      authenticity: "signed",
      data: dataOf(providerType, part, ownId),
      raw: event,
    }));
  },

  acknowledge: acknowledgePlainly,
};

function typeOf(providerType: string, data: unknown): EventType {
  const state = textAt(data, providerType.startsWith("charge.dispute.") ? "resolution" : "status");
  return TYPES.get(`${providerType} ${state}`) ?? TYPES.get(providerType) ?? "unknown";
}

/** What does not say which domain it is of is told by the key that signs it. */
function isLive(data: unknown, secrets: string[]): boolean {
  const domain = textAt(data, "domain");
  return domain === undefined
    ? secrets.length === 0 || secrets.some((secret) => !secret.startsWith("sk_test_"))
    : domain !== "test";
}

/** `ownId`: for a refund that has no id, which some have not until the bank knows of them; empty for all else. */
function dataOf(providerType: string, data: unknown, ownId: string): EventData {
  const id = idOf(at(data, "id"));
  const amount = minorMoneyOf(at(data, "amount"), at(data, "currency"));
  if (providerType.startsWith("charge.dispute.")) {
    const disputed = minorMoneyOf(at(data, "refund_amount"), at(data, "currency"));
    const evidenceDueBy = isoOf(instantOfIso(at(data, "dueAt")));
    const details = known({ amount: disputed, reason: textAt(data, "category"), evidenceDueBy });
    return { ...paymentOf(textAt(data, "transaction", "reference")), ...(id && { dispute: { ...details, id } }) };
  }
  switch (providerType.replace(/\..*/, "")) {
    case "charge":
    case "preauthorization": {
      const reference = textAt(data, "reference");
      const method = textAt(data, "channel") ?? textAt(data, "authorization", "channel");
      const captured = minorMoneyOf(at(data, "captured_amount"), at(data, "currency"));
      return reference
        ? { payment: { ...known({ amount: captured ?? amount, method }), id: reference, reference } }
        : {};
    }
    case "refund": {
      const refund = { ...known({ amount }), id: id ?? textAt(data, "refund_reference") ?? ownId };
      return { ...paymentOf(textAt(data, "transaction_reference")), refund };
    }
    case "transfer": {
      const code = textAt(data, "transfer_code");
      return code ? { payout: { ...known({ amount }), id: code } } : {};
    }
    case "direct_debit":
      return methodOf(textAt(data, "authorization_code"), data);
    case "subscription":
      return providerType === "subscription.expiring_cards" ? expiringCardOf(data) : {};
    default:
      return paymentOf(textAt(data, "transaction", "reference"));
  }
}

function methodOf(id: string | undefined, data: unknown): EventData {
  const [brand, last4] = [textAt(data, "brand"), textAt(data, "last4")];
  const expires = { expMonth: countAt(data, "exp_month"), expYear: countAt(data, "exp_year") };
  return id ? { paymentMethod: { ...known({ brand, last4, ...expires }), id } } : {};
}

/** A card that expires is named by its subscription alone, and described: "visa ending with 4081", "12/2021". */
function expiringCardOf(card: unknown): EventData {
  const id = textAt(card, "subscription", "subscription_code");
  const last4 = /\b\d{4}$/.exec(textAt(card, "description") ?? "")?.[0];
  const [, month, year] = /^(\d\d?)\/(\d{4})$/.exec(textAt(card, "expiry_date") ?? "") ?? [];
  const expires = month && year ? { expMonth: Number(month), expYear: Number(year) } : {};
  return id ? { paymentMethod: { ...known({ brand: textAt(card, "brand"), last4 }), ...expires, id } } : {};
}

function countAt(data: unknown, key: string): number | undefined {
  const count = Number(at(data, key));
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

/** Paystack writes names of times in several ways, and says of a refund not when. A payment's is when it was paid. */
function timeOf(providerType: string, data: unknown): number | null {
  const isPayment = providerType === "charge.success" || providerType === "invoice.update";
  const names = isPayment
    ? ["paid_at", "created_at"]
    : ["captured_at", "updated_at", "updatedAt", "created_at", "createdAt"];
  for (const name of names) {
    const instant = instantOfIso(at(data, name));
    if (instant !== null) return instant;
  }
  return null;
}

/** Events have no id, and go by their bytes; so does what an event alone tells of. */
async function idOfBody(body: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(body)));
  return `body-${hexOf(hash.subarray(0, 16))}`;
}
