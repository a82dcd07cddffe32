import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { adyenKey } from "./adyen.ts";
import { ADYEN_DECIMALS } from "./adyen-events.ts";
import { verifyBase64Hmac } from "./header-hmac.ts";
import { at, isObject, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, minorMoneyOf, signedMinorMoneyOf } from "./reading.ts";
import { adyenFault } from "./secret-faults.ts";

/**
 * Adyen's webhooks of its platform (transfers, account holders, tokens, …): `HmacSignature`, HMAC-SHA256 in base64 over
 * the body; the secret is the key in hex. No id is signed and times come in seconds, so the body itself is the id.
 * https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
export const adyenPlatform: Provider = {
  name: "adyen-platform",
  secretFault: adyenFault,

  mayBeSigned: ({ headers }) => headers.has("hmacsignature"),

  verify: ({ body, headers }, secrets) => verifyBase64Hmac(headers.get("hmacsignature"), body, secrets.map(adyenKey)),

  async normalize({ body }) {
    const event = parseObject(body);
    const providerType = textAt(event, "type");
    if (!providerType) throw new UnparseableError("the body is not a webhook of Adyen");
    const object = event["data"];
    const data = isObject(object) ? object : {};
    const normalized: ProviderEvent = {
      eventId: null,
      providerType,
      ...readEvent(providerType, data),
      occurredAt: instantOfIso(event["timestamp"] ?? event["createdAt"] ?? data["creationDate"]),
      livemode: textAt(event, "environment") === "live",
      customer: textAt(data, "shopperReference") ?? textAt(data, "accountHolder", "id") ?? null,
      authenticity: "signed",
      raw: event,
    };
    return [normalized];
  },

  acknowledge: acknowledgePlainly,
};

function readEvent(providerType: string, data: Json): { type: EventType; data: EventData } {
  switch (providerType) {
    case "balancePlatform.transfer.created":
    case "balancePlatform.transfer.updated":
      return readTransfer(data);
    case "balancePlatform.accountHolder.created":
    case "balancePlatform.accountHolder.updated":
      return { type: "account.updated", data: accountOf(textAt(data, "accountHolder", "id")) };
    case "balancePlatform.balanceAccount.created":
    case "balancePlatform.balanceAccount.updated":
      return { type: "account.updated", data: accountOf(textAt(data, "balanceAccount", "id")) };
    case "balancePlatform.balanceAccount.balance.updated":
      return { type: "account.balance_changed", data: readBalance(data) };
    case "recurring.token.created":
      return { type: "payment_method.attached", data: tokenOf(data) };
    case "recurring.token.updated":
      return { type: "payment_method.updated", data: tokenOf(data) };
    case "recurring.token.disabled":
      return { type: "payment_method.detached", data: tokenOf(data) };
    default:
      return { type: "unknown", data: {} };
  }
}

/** Money that leaves for a bank is a payout; any other that is booked changes a balance. */
function readTransfer(data: Json): { type: EventType; data: EventData } {
  const status = textAt(data, "status") ?? "";
  const id = textAt(data, "id");
  if (textAt(data, "category") === "bank" && textAt(data, "direction") === "outgoing" && id) {
    const amount = minorMoneyOf(at(data, "amount", "value"), at(data, "amount", "currency"), ADYEN_DECIMALS);
    return { type: typeOfPayout(status), data: { payout: { ...known({ amount }), id } } };
  }
  const account = accountOf(textAt(data, "balanceAccount", "id"));
  return { type: status === "booked" ? "account.balance_changed" : "unknown", data: account };
}

function typeOfPayout(status: string): EventType {
  switch (status) {
    case "received":
      return "payout.created";
    case "authorised":
      return "payout.in_transit";
    case "booked":
      return "payout.paid";
    case "failed":
    case "refused":
    case "error":
      return "payout.failed";
    case "cancelled":
    case "canceled":
      return "payout.canceled";
    case "returned":
      return "payout.returned";
    default:
      return "unknown";
  }
}

/** Balances may be negative. https://docs.adyen.com/api-explorer/balance-webhooks */
function readBalance(data: Json): EventData {
  const id = textAt(data, "balanceAccountId");
  const moneyAt = (name: string): Money[] => {
    const money = signedMinorMoneyOf(at(data, "balances", name), at(data, "currency"), ADYEN_DECIMALS);
    return money ? [money] : [];
  };
  return id ? { account: { id, available: moneyAt("available"), pending: moneyAt("pending") } } : {};
}

function accountOf(id: string | undefined): EventData {
  return id ? { account: { id } } : {};
}

function tokenOf(data: Json): EventData {
  const id = textAt(data, "storedPaymentMethodId");
  return id ? { paymentMethod: { id } } : {};
}
