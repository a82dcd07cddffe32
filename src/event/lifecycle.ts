import type { PaymentEvent } from "./event.ts";
import {
  amountRankOf,
  claimOf,
  compareClaims,
  disputeStatusOf,
  isKeyOf,
  joinFacts,
  NO_FACTS,
  PAYMENT_RANKS,
} from "./facts.ts";
import type { Facts, PaymentStatus } from "./facts.ts";

export type { Facts } from "./facts.ts";

/**
 * Everything that the status of a payment can be: what was claimed of it itself, and above that what became of it
 * by disputes and refunds.
 */
export type Status = PaymentStatus | "refunded" | "partially_refunded" | "disputed" | "dispute_lost";

/** What one event did to the facts of its payment. */
export interface Applied {
  facts: Facts;
  /** The event makes a claim about the payment, and the truth is what it was without it. */
  stale: boolean;
  truth: {
    status: Status;
    /** The status that a `payment.*` event claims; null for every other. */
    reported: Status | null;
    version: number;
  };
}

/**
 * Takes one event into the facts of its payment (null: none yet). Null where the event concerns no payment. `key`: by
 * which the event is known again, whenever it comes.
 *
 * The truth is a pure function of the facts, so that events in any order and any number of duplicates end in the same
 * one. Its version rises by one with every change and never else. Events that claim nothing about a payment (`unknown`,
 * `custom.*`, payouts, invoices, …) leave the facts alone and are never stale.
 */
export function applyEvent(facts: Facts | null, event: PaymentEvent, key: string): Applied | null {
  if (!event.data.payment) return null;
  const before = facts ?? NO_FACTS;
  const claim = claimOf(event, key);
  const joined = claim ? joinFacts(before, claim) : before;
  const isChanged = claim !== null && truthOf(joined) !== truthOf(before);
  const version = before.version + (isChanged ? 1 : 0);
  return {
    facts: { ...joined, version },
    stale: claim !== null && !isChanged,
    truth: { status: statusOf(joined), reported: reportedBy(event), version },
  };
}

/**
 * Joins what two places know of one payment, whichever is named first. The version is the higher one of both, and one
 * more where the higher-versioned side learns something by it.
 */
export function mergeFacts(a: Facts, b: Facts): Facts {
  const joined = joinFacts(a, b);
  const truth = truthOf(joined);
  const isChanged = [a, b].some((side) => side.version === joined.version && truthOf(side) !== truth);
  return { ...joined, version: joined.version + (isChanged ? 1 : 0) };
}

/** What an event said of its payment, as its body has it. */
export interface Said {
  type: string;
  data: { refund?: { id: string }; dispute?: { id: string } };
}

/**
 * Whether what an event said of its payment is still so: the payment has the status, the refund or the dispute that it
 * told of stands as it said. An event that claims nothing is never out of date.
 */
export function isStillSo(facts: Facts, { type, data }: Said): boolean {
  const [family = "", claim = ""] = type.split(".", 2);
  switch (family) {
    case "payment":
      return !isKeyOf(PAYMENT_RANKS, claim) || statusOf(facts) === claim;
    case "refund": {
      const known = facts.refunds.find(({ id }) => id === data.refund?.id);
      return known === undefined || known.status === claim;
    }
    case "dispute": {
      const known = facts.disputes.find(({ id }) => id === data.dispute?.id);
      const status = known && disputeStatusOf(known);
      return status === undefined || status === claim || (OPEN.has(status) && OPEN.has(claim));
    }
    default:
      return true;
  }
}

/** What a dispute is while nobody has decided it. */
const OPEN: ReadonlySet<string> = new Set(["opened", "evidence_required", "under_review", "reopened"]);

/**
 * The status of a payment: an open dispute first, then a lost one, then refunds (whole, in part), then its own. A
 * warning is no dispute yet: it moves no money. A payment of which nothing was claimed is `created`.
 */
export function statusOf(facts: Facts): Status {
  const disputes = facts.disputes.map(disputeStatusOf);
  if (disputes.some((status) => OPEN.has(status))) return "disputed";
  if (disputes.includes("lost") || disputes.includes("accepted")) return "dispute_lost";
  return refundStatusOf(facts) ?? ownStatusOf(facts) ?? "created";
}

/**
 * All that makes up the truth, as text to compare: the status, the payment's own below it with the amount that came
 * with it, the sum refunded and whether that is all, every refund that is not in that sum, every dispute.
 */
function truthOf(facts: Facts): string {
  const own = ownStatusOf(facts);
  const { amount } = facts;
  const isOfOwn = own !== null && amount !== null && amount.rank === amountRankOf(own);
  const { total, currency } = refundedOf(facts);
  return JSON.stringify([
    statusOf(facts),
    own,
    isOfOwn ? [amount.value, amount.currency] : null,
    [String(total), currency, refundStatusOf(facts)],
    facts.refunds
      .filter((refund) => refund.status !== "succeeded" || refund.amount?.currency !== currency)
      .map((refund) => [refund.id, refund.status]),
    facts.disputes.map((dispute) => [dispute.id, disputeStatusOf(dispute)]),
  ]);
}

/**
 * The strongest claim. A bank debit that failed after it had succeeded is `reversed`: the bank took the money back.
 * Every other failure after a success is a claim that came late.
 */
function ownStatusOf({ seen, bankDebit }: Facts): PaymentStatus | null {
  if (bankDebit && seen.succeeded && seen.failed && seen.failed[1] > seen.succeeded[0]) return "reversed";
  const claims = Object.entries(seen).map(([status, [, last]]) => ({ status: status as PaymentStatus, at: last }));
  return claims.sort((a, b) => compareClaims(PAYMENT_RANKS, b, a))[0]?.status ?? null;
}

/**
 * Whole once the sum reaches the payment's amount, or once the provider says so. A refund of which nobody has said how
 * much it is refunds a part: that money went back is known, that all of it did is not.
 */
function refundStatusOf(facts: Facts): "refunded" | "partially_refunded" | null {
  if (facts.refunds.some(isWhole)) return "refunded";
  const { total, currency } = refundedOf(facts);
  if (total === 0n && !facts.refunds.some((refund) => refund.status === "succeeded")) return null;
  const paid = facts.amount;
  return paid?.currency === currency && total >= BigInt(paid.value) ? "refunded" : "partially_refunded";
}

function isWhole({ status, whole }: Facts["refunds"][number]): boolean {
  return status === "succeeded" && whole === true;
}

/**
 * The sum of the refunds that succeeded, in the payment's currency. The provider's own sum counts as far as it exceeds
 * all refunds that are known one by one: it also holds those that are pending or fail later.
 */
function refundedOf(facts: Facts): { total: bigint; currency: string | null } {
  const listed = facts.refunds.flatMap(({ status, amount }) => (amount ? [{ status, ...amount }] : []));
  const currency = facts.amount?.currency ?? facts.refunded?.currency ?? listed[0]?.currency ?? null;
  const sum = (items: { value: string }[]): bigint => items.reduce((total, { value }) => total + BigInt(value), 0n);
  const known = listed.filter((refund) => refund.currency === currency);
  const unlisted = sum(facts.refunded?.currency === currency ? [facts.refunded] : []) - sum(known);
  const succeeded = sum(known.filter(({ status }) => status === "succeeded"));
  return { total: unlisted > 0n ? succeeded + unlisted : succeeded, currency };
}

function reportedBy({ type }: PaymentEvent): Status | null {
  const [family, claim = ""] = type.split(".", 2);
  return family === "payment" && isKeyOf(PAYMENT_RANKS, claim) ? claim : null;
}
