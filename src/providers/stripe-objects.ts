import type { EventData, Payment } from "../event/event.ts";
import { type Money, moneyFromMinor } from "../event/money.ts";
import { at, isObject, type Json, known, textAt } from "./json.ts";

// What Stripe's objects say, in our words. Nothing here throws: a field that is missing or absurd is left out.

/** Where Stripe counts in other decimals than ISO 4217. https://docs.stripe.com/currencies#special-cases */
const DECIMALS: ReadonlyMap<string, number> = new Map([
  ["isk", 2],
  ["ugx", 2],
  ["mga", 0],
]);

/** The last instant that an ISO 8601 text of four-digit years can name, in epoch seconds. */
const LAST_SECOND = 253_402_300_799;

/** The id of an object that stands there itself (expanded) or by its id; undefined where there is neither. */
export function idOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : textAt(value, "id");
}

/** Epoch milliseconds of one of Stripe's times in seconds; null for what is no instant. */
export function instantOf(seconds: unknown): number | null {
  const isInstant = Number.isSafeInteger(seconds) && Number(seconds) >= 0 && Number(seconds) <= LAST_SECOND;
  return isInstant ? Number(seconds) * 1000 : null;
}

/** Only which payment an object belongs to: its payment intent, else its charge; nothing where it names neither. */
export function readPaymentId(object: Json): EventData {
  const kind = textAt(object, "object");
  const own = kind === "payment_intent" || kind === "charge" ? idOf(object) : undefined;
  const id = idOf(at(object, "payment_intent")) ?? idOf(at(object, "charge")) ?? own;
  return id ? { payment: { id } } : {};
}

export function readIntent(intent: Json): EventData {
  return paymentData(idOf(intent), {
    amount: moneyAt(intent, "amount"),
    reference: textAt(intent, "metadata", "order_id"),
    method: methodOfIntent(intent),
  });
}

/** What was received may be less than what was asked for. */
export function readCapturedIntent(intent: Json): EventData {
  const { payment } = readIntent(intent);
  return paymentData(payment?.id, { ...payment, amount: moneyAt(intent, "amount_received") ?? payment?.amount });
}

export function readFailedIntent(intent: Json): EventData {
  const { payment } = readIntent(intent);
  const error = at(intent, "last_payment_error");
  return paymentData(payment?.id, {
    ...payment,
    failure: failureOf(textAt(error, "decline_code") ?? textAt(error, "code"), textAt(error, "message")),
  });
}

/** Of a charge that belongs to a payment intent only the intent's id. */
export function readCharge(charge: Json): EventData {
  if (idOf(at(charge, "payment_intent"))) return readPaymentId(charge);
  return paymentData(idOf(charge), {
    amount: at(charge, "captured") === true ? capturedOf(charge) : moneyAt(charge, "amount"),
    reference: textAt(charge, "metadata", "order_id"),
    method: textAt(charge, "payment_method_details", "type"),
    failure: failureOf(textAt(charge, "failure_code"), textAt(charge, "failure_message")),
  });
}

/** The sum of all refunds of the charge; API versions before 2022-11-15 also list them. */
export function readRefundedCharge(charge: Json): EventData {
  const { payment } = paymentData(idOf(at(charge, "payment_intent")) ?? idOf(charge), {
    amount: capturedOf(charge),
    refunded: moneyAt(charge, "amount_refunded"),
  });
  const refund = newestRefundOf(charge);
  return known({ payment, refund: refund ? readRefund(refund).refund : undefined });
}

/** The refund that a charge lists first, which is its newest; null where it lists none. */
export function newestRefundOf(charge: Json): Json | null {
  const list = at(charge, "refunds", "data");
  const newest: unknown = Array.isArray(list) ? list[0] : null;
  return isObject(newest) && idOf(newest) ? newest : null;
}

export function readRefund(refund: Json): EventData {
  const id = idOf(refund);
  const details = known({ amount: moneyAt(refund, "amount"), reason: textAt(refund, "reason") });
  return { ...readPaymentId(refund), ...(id && { refund: { id, ...details } }) };
}

export function readDispute(dispute: Json): EventData {
  const id = idOf(dispute);
  const details = known({
    amount: moneyAt(dispute, "amount"),
    reason: textAt(dispute, "reason"),
    evidenceDueBy: isoOf(at(dispute, "evidence_details", "due_by")),
  });
  return { ...readPaymentId(dispute), ...(id && { dispute: { id, ...details } }) };
}

/** The amount of a payout is negative where Stripe draws money from the merchant's bank. */
export function readPayout(payout: Json): EventData {
  const id = idOf(payout);
  const details = known({
    amount: signedMoneyAt(payout, "amount", payout),
    arrivalDate: isoOf(at(payout, "arrival_date"))?.slice(0, "2026-01-01".length),
  });
  return id ? { payout: { id, ...details } } : {};
}

/** A balance has no id of its own: it is that of the connected account, else the merchant's own, called `self`. */
export function readBalance(balance: Json, event: Json): EventData {
  const id = textAt(event, "account") ?? "self";
  return { account: { id, available: moneyListAt(balance, "available"), pending: moneyListAt(balance, "pending") } };
}

export function readAccount(account: Json): EventData {
  const id = idOf(account);
  return id ? { account: { id } } : {};
}

export function readSession(session: Json): EventData {
  return paymentData(idOf(at(session, "payment_intent")), {
    amount: moneyAt(session, "amount_total"),
    reference: textAt(session, "client_reference_id"),
  });
}

/** A payment method with its card, or a card of the older kind, which holds the same fields itself. */
export function readPaymentMethod(method: Json): EventData {
  const id = idOf(method);
  const card = at(method, "card") ?? method;
  const details = known({
    brand: textAt(card, "brand"),
    last4: textAt(card, "last4"),
    expMonth: integerAt(card, "exp_month"),
    expYear: integerAt(card, "exp_year"),
  });
  return id ? { paymentMethod: { id, ...details } } : {};
}

/** A mandate is known by the payment method that it lets be charged. */
export function readMandate(mandate: Json): EventData {
  const id = idOf(at(mandate, "payment_method"));
  return id ? { paymentMethod: { id } } : {};
}

type Unsure<T> = { [K in keyof T]?: T[K] | undefined };

function paymentData(id: string | undefined, details: Unsure<Omit<Payment, "id">>): EventData {
  return id ? { payment: { ...known(details), id } } : {};
}

/** How it was paid, where the intent says so for sure: by what was tried last, or the only way that it allows. */
function methodOfIntent(intent: Json): string | undefined {
  const allowed = at(intent, "payment_method_types");
  const only: unknown = Array.isArray(allowed) && allowed.length === 1 ? allowed[0] : undefined;
  return (
    textAt(intent, "last_payment_error", "payment_method", "type") ??
    textAt(intent, "latest_charge", "payment_method_details", "type") ??
    (typeof only === "string" ? only : undefined)
  );
}

function capturedOf(charge: Json): Money | undefined {
  return moneyAt(charge, "amount_captured") ?? moneyAt(charge, "amount");
}

function failureOf(code: string | undefined, message: string | undefined): Payment["failure"] | undefined {
  return code || message ? known({ code, message }) : undefined;
}

function moneyAt(object: Json, key: string): Money | undefined {
  const money = signedMoneyAt(object, key, object);
  return money?.value.startsWith("-") ? undefined : money;
}

/** `holder`: the object that names the currency, in lower case. */
function signedMoneyAt(object: unknown, key: string, holder: unknown): Money | undefined {
  const amount = at(object, key);
  const currency = textAt(holder, "currency");
  if (typeof amount !== "number" || !currency) return undefined;
  const providerExponent = DECIMALS.get(currency);
  return moneyFromMinor(amount, currency, known({ providerExponent })) ?? undefined;
}

function moneyListAt(object: Json, key: string): Money[] {
  const list = at(object, key);
  return Array.isArray(list) ? list.flatMap((item) => signedMoneyAt(item, "amount", item) ?? []) : [];
}

function isoOf(seconds: unknown): string | undefined {
  const instant = instantOf(seconds);
  return instant === null ? undefined : new Date(instant).toISOString();
}

function integerAt(object: unknown, key: string): number | undefined {
  const value = at(object, key);
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}
