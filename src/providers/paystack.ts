import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { verifyHexHmac } from "./header-hmac.ts";
import { at, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { idOf, instantOfIso, minorMoneyOf, isoOf, paymentOf } from "./reading.ts";

/** https://paystack.com/docs/payments/webhooks/#types-of-events */
const TYPES: ReadonlyMap<string, EventType> = new Map([
  ["charge.success", "payment.succeeded"],
  ["charge.dispute.create", "dispute.opened"],
  ["charge.dispute.remind", "dispute.evidence_required"],
  ["charge.dispute.resolve", "dispute.closed"],
  ["refund.pending", "refund.pending"],
  ["refund.processing", "refund.pending"],
  ["refund.processed", "refund.succeeded"],
  ["refund.failed", "refund.failed"],
  ["transfer.success", "payout.paid"],
  ["transfer.failed", "payout.failed"],
  ["transfer.reversed", "payout.returned"],
  ["invoice.payment_failed", "invoice.payment_failed"],
  ["subscription.create", "subscription.created"],
  ["subscription.disable", "subscription.canceled"],
] as const);

/**
 * Paystack: `x-paystack-signature`, HMAC-SHA512 in hex over the body; the secret is the account's API key. Events have
 * no id. A payment goes by its reference, since refunds name nothing else of it.
 * https://paystack.com/docs/payments/webhooks/
 */
export const paystack: Provider = {
  name: "paystack",

  verify: ({ body, headers }, secrets) => verifyHexHmac(headers.get("x-paystack-signature"), body, secrets, "SHA-512"),

  async normalize({ body }) {
    const event = parseObject(body);
    const providerType = textAt(event, "event");
    if (!providerType) throw new UnparseableError("the body is not a Paystack event");
    const data = at(event, "data");
    return [
      {
        eventId: null,
        providerType,
        type: TYPES.get(providerType) ?? "unknown",
        occurredAt: timeOf(providerType, data),
        livemode: textAt(data, "domain") !== "test",
        customer: textAt(data, "customer", "customer_code") ?? null,
        authenticity: "signed",
        data: dataOf(providerType, data),
        raw: event,
      },
    ];
  },

  acknowledge: acknowledgePlainly,
};

function dataOf(providerType: string, data: unknown): EventData {
  const id = idOf(at(data, "id"));
  const amount = minorMoneyOf(at(data, "amount"), at(data, "currency"));
  if (providerType.startsWith("charge.dispute.")) {
    const disputed = minorMoneyOf(at(data, "refund_amount"), at(data, "currency"));
    const evidenceDueBy = isoOf(instantOfIso(at(data, "dueAt")));
    const details = known({ amount: disputed, reason: textAt(data, "category"), evidenceDueBy });
    return { ...paymentOf(textAt(data, "transaction", "reference")), ...(id && { dispute: { ...details, id } }) };
  }
  switch (providerType.replace(/\..*/, "")) {
    case "charge": {
      const reference = textAt(data, "reference");
      const method = textAt(data, "channel");
      return reference ? { payment: { ...known({ amount, method }), id: reference, reference } } : {};
    }
    case "refund":
      return {
        ...paymentOf(textAt(data, "transaction_reference")),
        ...(id && { refund: { ...known({ amount }), id } }),
      };
    case "transfer": {
      const code = textAt(data, "transfer_code");
      return code ? { payout: { ...known({ amount }), id: code } } : {};
    }
    default:
      return paymentOf(textAt(data, "transaction", "reference"));
  }
}

/** Paystack writes names of times in several ways, and says of a refund not when. A payment's is when it was paid. */
function timeOf(providerType: string, data: unknown): number | null {
  const names =
    providerType === "charge.success"
      ? ["paid_at", "created_at"]
      : ["updated_at", "updatedAt", "created_at", "createdAt"];
  for (const name of names) {
    const instant = instantOfIso(at(data, name));
    if (instant !== null) return instant;
  }
  return null;
}
