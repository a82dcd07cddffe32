import { isOperational, OPERATIONAL_TYPES, type OperationalType } from "./operational.ts";

/**
 * Every type of event that Paybell knows, in families. `unknown` is a verified event of a provider whose type has no
 * counterpart here: it is kept and delivered, and claims nothing.
 */
export const EVENT_TYPES = [
  "payment.created",
  "payment.pending",
  "payment.requires_action",
  "payment.processing",
  "payment.authorized",
  "payment.partially_captured",
  "payment.succeeded",
  "payment.failed",
  "payment.canceled",
  "payment.expired",
  "payment.reversed",
  "payment.authorization_expiring",
  "refund.created",
  "refund.pending",
  "refund.succeeded",
  "refund.failed",
  "refund.returned",
  "dispute.warning",
  "dispute.opened",
  "dispute.evidence_required",
  "dispute.under_review",
  "dispute.won",
  "dispute.lost",
  "dispute.accepted",
  "dispute.reopened",
  "dispute.reversed",
  "dispute.closed",
  "payout.created",
  "payout.in_transit",
  "payout.paid",
  "payout.failed",
  "payout.canceled",
  "payout.returned",
  "settlement.completed",
  "subscription.created",
  "subscription.updated",
  "subscription.past_due",
  "subscription.canceled",
  "invoice.created",
  "invoice.updated",
  "invoice.paid",
  "invoice.payment_failed",
  "invoice.canceled",
  "account.balance_changed",
  "account.balance_low",
  "account.updated",
  "account.requirements_due",
  "payment_method.attached",
  "payment_method.updated",
  "payment_method.detached",
  "payment_method.expiring",
  "mandate.created",
  "mandate.active",
  "mandate.paused",
  "mandate.canceled",
  "mandate.failed",
  "fraud.warning",
  "unknown",
] as const;

/** A type of event: one of {@link EVENT_TYPES}, or the merchant's own, which begins with `custom.`. */
export type EventType = (typeof EVENT_TYPES)[number] | OperationalType | `custom.${string}`;

const KNOWN: ReadonlySet<string> = new Set(EVENT_TYPES);

/** What names several types: a family of them, or all. */
const FAMILIES: ReadonlySet<string> = new Set([
  ...[...EVENT_TYPES, ...OPERATIONAL_TYPES]
    .filter((type) => type.includes("."))
    .map((type) => `${type.split(".")[0]}.*`),
  "custom.*",
  "*",
]);

/** Longest type that is taken, in characters. */
const MAX_LENGTH = 128;

/** How many edits a mistyped type may be away from the one that was meant. */
const MAX_EDITS = 3;

/**
 * Whether `text` is a type of event: a known one, or `custom.` and identifiers of `a-z`, `0-9` and `_` with dots
 * between them, at most 128 characters.
 */
export function isEventType(text: string): text is EventType {
  return KNOWN.has(text) || (text.length <= MAX_LENGTH && /^custom(\.[a-z0-9_]+)+$/.test(text));
}

/** Whether `text` names types: one, a family (`payment.*`, `custom.order.*`), or all (`*`). */
export function isTypePattern(text: string): boolean {
  return (
    isEventType(text) ||
    isOperational(text) ||
    FAMILIES.has(text) ||
    (/^custom\..*\.\*$/.test(text) && isEventType(text.slice(0, -2)))
  );
}

/**
 * Whether a type is one of those that any of several patterns names, as {@link isTypePattern} knows them: takes time
 * with the type alone.
 */
export function prepareTypes(patterns: string[]): (type: string) => boolean {
  const known = new Set(patterns);
  return (type) => {
    if (known.has(type) || (known.has("*") && !isOperational(type))) {
      return true;
    }
    for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
      if (known.has(`${type.slice(0, dot)}.*`)) {
        return true;
      }
    }
    return false;
  };
}

/** The known type that `text` was probably meant to be, at most three edits away; null if none is. For error texts. */
export function nearestEventType(text: string): string | null {
  return nearestOf(text, EVENT_TYPES);
}

/** As {@link nearestEventType}, among the families too. */
export function nearestTypePattern(text: string): string | null {
  return nearestOf(text, [...EVENT_TYPES, ...OPERATIONAL_TYPES, ...FAMILIES]);
}

/** The name that `text` was probably meant to be, at most three edits away; null if none is. */
export function nearestOf(text: string, names: readonly string[]): string | null {
  let nearest: string | null = null;
  let fewest = MAX_EDITS + 1;
  for (const name of names) {
    if (Math.abs(name.length - text.length) >= fewest) continue;
    const edits = editDistance(text.toLowerCase(), name.toLowerCase());
    if (edits < fewest && edits < name.length / 2) {
      nearest = name;
      fewest = edits;
    }
  }
  return nearest;
}

/** Levenshtein distance, a row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
