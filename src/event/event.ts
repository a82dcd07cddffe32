import type { EventType } from "./event-types.ts";
import type { Money } from "./money.ts";

/**
 * How far an event can be believed. `signed`: a signature over the whole body; `signed-weak`: over parts or a
 * checksum of it; `token`: a static secret beside it; `fetched`: read again from the provider's API.
 */
export type Authenticity = (typeof AUTHENTICITIES)[number];

/** From the surest to the least. */
export const AUTHENTICITIES = ["signed", "fetched", "signed-weak", "token"] as const;

/**
 * A payment as one event reports it. `reference` is the merchant's own (order) number. `refunded`: the sum of all its
 * refunds, in an event of a provider that names the sum and not the refund.
 */
export interface Payment {
  id: string;
  amount?: Money;
  refunded?: Money;
  reference?: string;
  method?: string;
  failure?: { code?: string; message?: string };
}

/**
 * A refund of a payment. `amount` is this refund's own, not the sum of all; without one nobody has said how much it is.
 * `whole`: nothing of the payment is left after it, as where the amount is in something that is no currency.
 */
interface Refund {
  id: string;
  amount?: Money;
  whole?: true;
  reason?: string;
}

/** A dispute (chargeback, inquiry) about a payment. `evidenceDueBy` is an ISO 8601 instant. */
interface Dispute {
  id: string;
  amount?: Money;
  reason?: string;
  evidenceDueBy?: string;
}

interface Payout {
  id: string;
  amount?: Money;
  arrivalDate?: string;
}

interface Account {
  id: string;
  available?: Money[];
  pending?: Money[];
}

interface PaymentMethod {
  id: string;
  brand?: string;
  last4?: string;
  expMonth?: number;
  expYear?: number;
}

/** What an event is about. A refund or dispute event carries its payment too, at least its id. */
export interface EventData {
  payment?: Payment;
  refund?: Refund;
  dispute?: Dispute;
  payout?: Payout;
  account?: Account;
  paymentMethod?: PaymentMethod;
  /** Only for the merchant's own `custom.*` types: any JSON object. */
  custom?: Record<string, unknown>;
  /** Only for what Paybell tells of its own work: the `data` as it stands. */
  operation?: Record<string, unknown>;
}

/** One event as a provider adapter reads it from a verified request. Times in epoch milliseconds. */
export interface ProviderEvent {
  /** The provider's id of the event, its only one in the source; null where the provider does not sign one. */
  eventId: string | null;
  providerType: string;
  type: EventType;
  /** Null where the provider does not say: then it counts as having happened when it was received. */
  occurredAt: number | null;
  livemode: boolean;
  /** The provider's customer id, where the event names one. */
  customer: string | null;
  authenticity: Authenticity;
  data: EventData;
  /** The provider's object as JSON, for `userFrom` pointers. */
  raw: unknown;
}

/** Where a canonical event came from; null in an event that the merchant posted itself. */
interface Origin {
  name: string;
  source: string;
  eventId: string | null;
  type: string;
  authenticity: Authenticity;
}

/** One canonical payment event, before it has a place in its ordering key. Times in epoch milliseconds. */
export interface PaymentEvent {
  type: EventType;
  occurredAt: number;
  livemode: boolean;
  user: string | null;
  data: EventData;
  origin: Origin | null;
}
