import { z } from "zod";

import { isEventType, isTypePattern, nearestEventType, nearestTypePattern } from "./event-types.ts";
import type { PaymentEvent } from "./event.ts";
import { isInstant } from "./instant.ts";
import { isCurrency } from "./money.ts";

/** An event type; the message for an unknown one names the nearest. */
export const EventTypeName = nameOf(isEventType, nearestEventType);

/** An event type, a family of them (`payment.*`), or all (`*`). */
export const EventTypePattern = nameOf(isTypePattern, nearestTypePattern);

function nameOf(isKnown: (text: string) => boolean, nearestTo: (text: string) => string | null) {
  return z.string().superRefine((type, context) => {
    if (!isKnown(type)) {
      const nearest = nearestTo(type);
      const message = `Unknown event type${nearest === null ? "" : `, did you mean ${nearest}?`}`;
      context.addIssue({ code: "custom", message, params: { nearest } });
    }
  });
}

/** What ids of users look like. */
export const USER_ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;

/** The id that a merchant gives a user. */
export const UserId = z.string().regex(USER_ID, "1 to 128 characters, none of them a control character");

const Money = z
  .strictObject({
    value: z
      .string()
      .regex(
        /^(0|-?[1-9]\d{0,17})$/,
        'An integer of minor units as a string, without leading zeros, such as "1999" for 19.99 EUR',
      ),
    currency: z.string().refine(isCurrency, "An ISO 4217 code in upper case, such as EUR"),
  })
  .meta({ id: "Money" });

/** Deeper nesting than this is refused: it would overflow the stack of whoever walks it. */
const MAX_DEPTH = 32;

const Id = z.string().min(1).max(255);
const Text = z.string().max(500);

const Payment = z.strictObject({
  id: Id,
  amount: Money.optional(),
  refunded: Money.optional(),
  reference: Text.optional(),
  method: Text.optional(),
  failure: z.strictObject({ code: Text.optional(), message: Text.optional() }).optional(),
});

const EventData = z.strictObject({
  payment: Payment.optional(),
  refund: z
    .strictObject({
      id: Id,
      amount: Money.optional().describe(
        "How much was refunded. Without it the amount is unknown, and Paybell does not take the refund for a full one.",
      ),
      whole: z.literal(true).optional().describe("After this refund nothing is left of the payment."),
      reason: Text.optional(),
    })
    .optional(),
  dispute: z
    .strictObject({
      id: Id,
      amount: Money.optional(),
      reason: Text.optional(),
      evidenceDueBy: z.iso.datetime({ offset: true }).optional(),
    })
    .optional(),
  payout: z.strictObject({ id: Id, amount: Money.optional(), arrivalDate: z.iso.date().optional() }).optional(),
  account: z
    .strictObject({ id: Id, available: z.array(Money).optional(), pending: z.array(Money).optional() })
    .optional(),
  paymentMethod: z
    .strictObject({
      id: Id,
      brand: Text.optional(),
      last4: z
        .string()
        .regex(/^\d{4}$/, "The last four digits, such as 4242")
        .optional(),
      expMonth: z.int().min(1).max(12).optional(),
      expYear: z.int().min(2000).max(2100).optional(),
    })
    .optional(),
  custom: z
    .record(z.string(), z.unknown())
    .refine((custom) => !isDeeperThan(custom, MAX_DEPTH), `Nested deeper than ${MAX_DEPTH} levels`)
    .optional()
    .describe("For your own types. A number that JSON parsers would change is refused: send it as a string."),
});

/** What an event of a family has to carry: a refund and a dispute name their payment too. */
const REQUIRED: ReadonlyMap<string, (keyof z.infer<typeof EventData>)[]> = new Map([
  ["payment", ["payment"]],
  ["refund", ["refund", "payment"]],
  ["dispute", ["dispute", "payment"]],
  ["payout", ["payout"]],
  ["payment_method", ["paymentMethod"]],
]);

/** One canonical event as a merchant posts it, or a payment system of its own signs it. */
export const CanonicalEvent = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, "1 to 255 printable characters without spaces")
      .optional()
      .describe(
        "Your own id of the event, by which Paybell knows it again. Instead of it you can send the Idempotency-Key header.",
      ),
    type: EventTypeName,
    user: UserId.optional().describe("Your id of the person or company that the event concerns."),
    livemode: z.boolean().optional().describe("`true` by default."),
    timestamp: z.iso
      .datetime({ offset: true, abort: true, error: "An RFC 3339 time with its zone, such as 2026-11-23T12:00:00Z" })
      .refine((text) => isInstant(Date.parse(text)), "A time from 1970 until the end of 9999, in UTC")
      .optional()
      .describe("When it happened; now by default."),
    data: EventData,
  })
  .superRefine(({ type, data }, context) => {
    for (const field of REQUIRED.get(type.split(".")[0]!) ?? []) {
      if (data[field] === undefined) {
        context.addIssue({ code: "custom", path: ["data", field], message: `An event of type ${type} carries this` });
      }
    }
    if (data.custom !== undefined && !type.startsWith("custom.")) {
      context.addIssue({ code: "custom", path: ["data", "custom"], message: "Only for types that begin with custom." });
    }
  });

/** The canonical event that an input stands for; `now` (epoch ms): when it happened, if it does not say. */
export function toPaymentEvent(input: z.infer<typeof CanonicalEvent>, now: number): PaymentEvent {
  return {
    type: input.type as PaymentEvent["type"],
    occurredAt: input.timestamp === undefined ? now : Date.parse(input.timestamp),
    livemode: input.livemode ?? true,
    user: input.user ?? null,
    data: input.data as PaymentEvent["data"],
    origin: null,
  };
}

/** Whether a JSON value has more than `depth` levels of arrays and objects. Looks no deeper than that. */
function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}
