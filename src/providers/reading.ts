import { z } from "zod";

import { isInstant } from "../event/instant.ts";
import type { EventData } from "../event/event.ts";
import { type Money, moneyFromDecimal, moneyFromMinor } from "../event/money.ts";
import { known, textAt } from "./json.ts";

// What several providers write in the same way. Nothing here throws: what is missing or absurd is undefined or null.

/** Of a provider whose events do not say whether they are of its test mode: its source does, and is live if it is silent. */
export const ModeConfig = z.strictObject({ livemode: z.boolean().optional() });

/** Whether the events of a source with such a `config` are of real money. */
export function isLive(config: Record<string, unknown> | undefined): boolean {
  return config?.["livemode"] !== false;
}

/**
 * An amount in major units: text, or a number as `parseObject` reads it, which is written back with the digits that it
 * came with. Undefined for a negative one, and for a currency that ISO 4217 does not know, such as a crypto asset.
 */
export function moneyOf(amount: unknown, currency: unknown): Money | undefined {
  if ((typeof amount !== "string" && typeof amount !== "number") || typeof currency !== "string") return undefined;
  const money = moneyFromDecimal(String(amount), currency);
  return money === null || money.value.startsWith("-") ? undefined : money;
}

/** An id as text, which may be written as a number; undefined where there is none. */
export function idOf(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Epoch milliseconds of an ISO 8601 text, in UTC where it names no zone; null for anything else, and past 9999. */
export function instantOfIso(text: unknown): number | null {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text)) return null;
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  return isInstant(at) ? at : null;
}

/** An instant (epoch ms) as ISO 8601 in UTC; undefined where there is none. */
export function isoOf(instant: number | null): string | undefined {
  return instant === null ? undefined : new Date(instant).toISOString();
}

/** The payment of an id, as what is about it names it. */
export function paymentOf(id: string | undefined): EventData {
  return id === undefined ? {} : { payment: { id } };
}

/** Why something failed, from an object that says so under `code` and `message` or names of its own. */
export function failureOf(
  holder: unknown,
  [code, message]: [string, string] = ["code", "message"],
): { code?: string; message?: string } | undefined {
  const failure = known({ code: textAt(holder, code), message: textAt(holder, message) });
  return Object.keys(failure).length > 0 ? failure : undefined;
}

/**
 * An amount in minor units. `decimals`: of currencies (upper case) in which the provider counts otherwise than ISO
 * 4217. Undefined for a negative one.
 */
export function minorMoneyOf(
  amount: unknown,
  currency: unknown,
  decimals: Readonly<Record<string, number>> = {},
): Money | undefined {
  const money = signedMinorMoneyOf(amount, currency, decimals);
  return money?.value.startsWith("-") ? undefined : money;
}

/** As {@link minorMoneyOf}, of what may be negative, such as a balance. */
export function signedMinorMoneyOf(
  amount: unknown,
  currency: unknown,
  decimals: Readonly<Record<string, number>> = {},
): Money | undefined {
  if ((typeof amount !== "string" && typeof amount !== "number") || typeof currency !== "string") return undefined;
  const code = currency.toUpperCase();
  const providerExponent = Object.hasOwn(decimals, code) ? decimals[code] : undefined;
  return moneyFromMinor(amount, currency, known({ providerExponent })) ?? undefined;
}
