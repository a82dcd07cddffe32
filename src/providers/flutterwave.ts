import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { at, type Json, known, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider } from "./provider.ts";
import { idOf, instantOfIso, isLive, ModeConfig, moneyOf } from "./reading.ts";
import { verifyToken } from "./signature.ts";

const CHARGES: Readonly<Record<string, EventType>> = {
  successful: "payment.succeeded",
  failed: "payment.failed",
  pending: "payment.pending",
};

/** What a transfer's status means, in v3 and v4. */
export const TRANSFERS: Readonly<Record<string, EventType>> = {
  new: "payout.created",
  initiated: "payout.created",
  pending: "payout.in_transit",
  successful: "payout.paid",
  succeeded: "payout.paid",
  failed: "payout.failed",
  cancelled: "payout.canceled",
};

/**
 * Flutterwave v3: `verif-hash` repeats the secret hash of the dashboard. It says nothing about the body, so that
 * nothing in there counts as signed. Amounts are JSON numbers in major units.
 * https://developer.flutterwave.com/v3.0/docs/webhooks
 */
export const flutterwave: Provider = {
  name: "flutterwave",
  config: ModeConfig,

  mayBeSigned: ({ headers }) => headers.has("verif-hash"),

  async verify({ headers }, secrets) {
    const token = headers.get("verif-hash");
    return token ? verifyToken(token, secrets) : { ok: false, reason: "header_missing" };
  },

  async normalize({ body }, _secrets, config) {
    return [readFlutterwave(parseObject(body), config)];
  },

  acknowledge: acknowledgePlainly,
};

/** The event that a body holds. */
export function readFlutterwave(event: Json, config: Record<string, unknown> | undefined): ProviderEvent {
  const object = at(event, "data");
  const providerType = textAt(event, "event") ?? textAt(event, "event.type") ?? "unknown";
  return {
    eventId: null,
    providerType,
    ...read(providerType, object),
    occurredAt: instantOfIso(at(object, "created_at")),
    livemode: isLive(config),
    customer: idOf(at(object, "customer", "id")) ?? null,
    authenticity: "token",
    raw: event,
  };
}

function read(providerType: string, object: unknown): { type: EventType; data: EventData } {
  const id = idOf(at(object, "id"));
  const status = statusOf(object);
  switch (id === undefined ? "" : providerType) {
    case "charge.completed":
    case "charge.failed":
      return { type: typeIn(CHARGES, status), data: { payment: readCharge(id!, object) } };
    case "transfer.completed": {
      const amount = moneyOf(at(object, "amount"), at(object, "currency"));
      return { type: typeIn(TRANSFERS, status), data: { payout: { ...known({ amount }), id: id! } } };
    }
    case "subscription.cancelled":
      return { type: "subscription.canceled", data: {} };
    default:
      return { type: "unknown", data: {} };
  }
}

function readCharge(id: string, charge: unknown): NonNullable<EventData["payment"]> {
  const message = statusOf(charge) === "failed" ? textAt(charge, "processor_response") : undefined;
  const details = known({
    amount: moneyOf(at(charge, "amount"), at(charge, "currency")),
    reference: textAt(charge, "tx_ref"),
    method: textAt(charge, "payment_type"),
    failure: message === undefined ? undefined : { message },
  });
  return { ...details, id };
}

/** The status of an object in lower case: charges write it so, transfers in capitals. */
export function statusOf(object: unknown): string {
  return textAt(object, "status")?.toLowerCase() ?? "";
}

/** The type for a status; `unknown` for one that is not in the table. */
export function typeIn(table: Readonly<Record<string, EventType>>, status: string): EventType {
  return Object.hasOwn(table, status) ? table[status]! : "unknown";
}
