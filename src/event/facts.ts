import type { PaymentEvent } from "./event.ts";
import type { Money } from "./money.ts";

// What is known of one payment, as a merge: joining facts is commutative, associative and idempotent, so neither the
// order in which events arrive nor their duplicates can matter. What the facts amount to: lifecycle.ts.

/**
 * What a `payment.*` event can claim, by rank. Below {@link HARD_FROM} the claims are soft: a payment goes back and
 * forth between them, and the latest counts. From there on they are hard: the highest rank counts.
 */
export const PAYMENT_RANKS = {
  created: 5,
  pending: 10,
  requires_action: 20,
  processing: 30,
  failed: 40,
  authorized: 50,
  partially_captured: 55,
  canceled: 60,
  expired: 60,
  succeeded: 70,
  reversed: 80,
} as const;

/**
 * What a `dispute.*` event can claim, by rank; soft and hard as for payments. A later ruling replaces an earlier, and so
 * does the news that a dispute which was decided goes on.
 */
const DISPUTE_RANKS = {
  warning: 10,
  opened: 20,
  evidence_required: 25,
  under_review: 30,
  closed: 50,
  won: 60,
  lost: 60,
  accepted: 60,
  reopened: 60,
  reversed: 70,
} as const;

/**
 * What a refund can be, by rank: the highest counts, whenever it was claimed. A refund that succeeded can still fail
 * (the bank sends it back), one that failed does not succeed: the provider makes a new one.
 */
const REFUND_RANKS = { pending: 10, succeeded: 20, failed: 30, returned: 40 } as const;

/** The rank from which a claim is hard. */
const HARD_FROM = 50;

/** The rank from which a claim about a dispute rules it, or undoes a ruling. */
const RULING_FROM = 60;

/** A payment's own status, before refunds and disputes. */
export type PaymentStatus = keyof typeof PAYMENT_RANKS;
type DisputeStatus = keyof typeof DISPUTE_RANKS;
type RefundStatus = keyof typeof REFUND_RANKS;

/** An amount and when it was said (epoch ms). */
interface AmountAt extends Money {
  at: number;
}

/** An amount of the payment itself; `rank`: of the hard claim that it came with, 0: a soft one, -1: none. */
interface PaymentAmount extends AmountAt {
  rank: number;
}

/**
 * One refund. `amount`: null while nobody has said how much it is, which is never taken for all. `whole`: the provider
 * says that nothing of the payment is left after it.
 */
interface RefundFact {
  id: string;
  status: RefundStatus;
  amount: AmountAt | null;
  whole?: true;
}

interface DisputeClaim {
  status: DisputeStatus;
  at: number;
}

/**
 * The strongest claim about one dispute. `step`: the latest that is no ruling, where that is another: it counts if the
 * dispute has been reopened before it.
 */
interface DisputeFact extends DisputeClaim {
  id: string;
  step?: DisputeClaim;
}

/** All that is remembered of one payment, as JSON. Times in epoch milliseconds; lists sorted by id. */
export interface Facts {
  /** How often the truth about this payment has changed. */
  version: number;
  /** The first and the last time at which each status was claimed. */
  seen: Partial<Record<PaymentStatus, [first: number, last: number]>>;
  /** Whether the money is drawn from a bank account, where a failure may come after the success. */
  bankDebit: boolean;
  amount: PaymentAmount | null;
  /** The highest sum of refunds that the provider named. */
  refunded: Money | null;
  refunds: RefundFact[];
  disputes: DisputeFact[];
}

/** Facts of a payment of which nothing is known. */
export const NO_FACTS: Facts = {
  version: 0,
  seen: {},
  bankDebit: false,
  amount: null,
  refunded: null,
  refunds: [],
  disputes: [],
};

/** Names by which providers call payments that are drawn from a bank account. */
const BANK_DEBITS: ReadonlySet<string> = new Set([
  "ach",
  "ach_debit",
  "acss_debit",
  "au_becs_debit",
  "autogiro",
  "bacs",
  "bacs_debit",
  "becs",
  "becs_nz",
  "betalingsservice",
  "directdebit",
  "nz_bank_account",
  "pad",
  "sepa",
  "sepa_core",
  "sepa_debit",
  "sepadirectdebit",
  "us_bank_account",
]);

/**
 * What one event claims about its payment, as facts of version 0; null if it claims nothing. `key`: by which the event
 * is known again. A refund that has no id of its own goes by it, so that it is told apart from every other.
 */
export function claimOf(event: PaymentEvent, key: string): Facts | null {
  const [family, claim = ""] = event.type.split(".", 2);
  const { payment, refund, dispute } = event.data;
  const at = event.occurredAt;
  const about = (rank: number): Facts => ({
    ...NO_FACTS,
    bankDebit: BANK_DEBITS.has(payment?.method?.toLowerCase() ?? ""),
    amount: payment?.amount ? { ...payment.amount, at, rank } : null,
    refunded: payment?.refunded ?? null,
  });
  if (family === "payment" && isKeyOf(PAYMENT_RANKS, claim)) {
    return { ...about(amountRankOf(claim)), seen: { [claim]: [at, at] } };
  }
  if (family === "refund") {
    const facts = about(-1);
    // The sum of all refunds names none of them.
    if (!refund && facts.refunded) return facts;
    const status = isKeyOf(REFUND_RANKS, claim) ? claim : "pending";
    const amount = refund?.amount ? { ...refund.amount, at } : null;
    const id = refund?.id || `event:${key}`;
    return { ...facts, refunds: [{ id, status, amount, ...(refund?.whole && { whole: true }) }] };
  }
  if (family === "dispute" && isKeyOf(DISPUTE_RANKS, claim)) {
    // A dispute without an id is the payment's only one, whose steps have to meet.
    return { ...about(-1), disputes: [{ id: dispute?.id ?? "", status: claim, at }] };
  }
  return null;
}

/** The rank that an amount has which came with a claim: the claim's own if it is hard, 0 if it is soft. */
export function amountRankOf(status: PaymentStatus): number {
  const rank = PAYMENT_RANKS[status];
  return rank >= HARD_FROM ? rank : 0;
}

/** Everything that either knows. The version is the higher one. */
export function joinFacts(a: Facts, b: Facts): Facts {
  return {
    version: Math.max(a.version, b.version),
    seen: joinSeen(a.seen, b.seen),
    bankDebit: a.bankDebit || b.bankDebit,
    amount: greater(a.amount, b.amount, (x, y) => x.rank - y.rank || x.at - y.at || compareMoney(x, y)),
    refunded: greater(a.refunded, b.refunded, compareMoney),
    refunds: joinById(a.refunds, b.refunds, joinRefund),
    disputes: joinById(a.disputes, b.disputes, joinDispute),
  };
}

/**
 * Orders two claims, negative if the first one is weaker: every hard one above every soft one; soft ones by time, then
 * rank (providers' clocks tick in seconds); hard ones by rank, then time; what is still equal by name.
 */
export function compareClaims<Status extends string>(
  ranks: Readonly<Record<Status, number>>,
  a: { status: Status; at: number },
  b: { status: Status; at: number },
): number {
  const [rankA, rankB] = [ranks[a.status], ranks[b.status]];
  const isSoft = rankA < HARD_FROM && rankB < HARD_FROM;
  const order = isSoft ? a.at - b.at || rankA - rankB : rankA - rankB || a.at - b.at;
  return order || compareText(a.status, b.status);
}

function joinSeen(a: Facts["seen"], b: Facts["seen"]): Facts["seen"] {
  const joined: Facts["seen"] = {};
  for (const status of Object.keys(PAYMENT_RANKS) as PaymentStatus[]) {
    const [first, second] = [a[status], b[status]];
    const span = first && second ? [Math.min(first[0], second[0]), Math.max(first[1], second[1])] : (first ?? second);
    if (span) joined[status] = [span[0]!, span[1]!];
  }
  return joined;
}

/** The later amount counts, and the higher one of the same time. */
function joinRefund(a: RefundFact, b: RefundFact): RefundFact {
  const { status } = REFUND_RANKS[a.status] >= REFUND_RANKS[b.status] ? a : b;
  const amount = greater(a.amount, b.amount, (x, y) => x.at - y.at || compareMoney(x, y));
  return { id: a.id, status, amount, ...((a.whole || b.whole) && { whole: true }) };
}

function joinDispute(a: DisputeFact, b: DisputeFact): DisputeFact {
  const claims = [a, b].flatMap(({ status, at, step }) => (step ? [{ status, at }, step] : [{ status, at }]));
  const strongest = claims.reduce((x, y) => greater(x, y, (p, q) => compareClaims(DISPUTE_RANKS, p, q)));
  const step = claims
    .filter(({ status }) => DISPUTE_RANKS[status] < RULING_FROM)
    .reduce<DisputeClaim | null>((x, y) => greater(x, y, compareSteps), null);
  const isAnother = step !== null && compareSteps(step, strongest) !== 0;
  return { id: a.id, ...strongest, ...(isAnother && { step }) };
}

function compareSteps(a: DisputeClaim, b: DisputeClaim): number {
  return a.at - b.at || DISPUTE_RANKS[a.status] - DISPUTE_RANKS[b.status] || compareText(a.status, b.status);
}

/** What a dispute is: one that was reopened goes on from there. */
export function disputeStatusOf({ status, at, step }: DisputeFact): DisputeStatus {
  return status === "reopened" && step && step.at > at ? step.status : status;
}

function joinById<T extends { id: string }>(a: T[], b: T[], join: (x: T, y: T) => T): T[] {
  const byId = new Map(a.map((item) => [item.id, item]));
  for (const item of b) {
    const known = byId.get(item.id);
    byId.set(item.id, known ? join(known, item) : item);
  }
  return [...byId.values()].sort((x, y) => compareText(x.id, y.id));
}

function greater<T>(a: T, b: T, compare: (a: NonNullable<T>, b: NonNullable<T>) => number): T {
  if (a === null || a === undefined) return b;
  if (b === null || b === undefined) return a;
  return compare(a, b) >= 0 ? a : b;
}

function compareMoney(a: Money, b: Money): number {
  const difference = BigInt(a.value) - BigInt(b.value);
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  return compareText(a.currency, b.currency);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether `key` is one of the object's own keys, not one that every object inherits. */
export function isKeyOf<T extends object>(object: T, key: string): key is keyof T & string {
  return Object.hasOwn(object, key);
}
