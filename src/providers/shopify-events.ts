import type { EventData, ProviderEvent } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Money } from "../event/money.ts";
import { at, type Json, known, textAt } from "./json.ts";
import { failureOf, idOf, instantOfIso, isoOf, moneyOf, paymentOf } from "./reading.ts";

// The payment is the order: refunds, disputes and transactions name no other.

/** What an object says. `state`: what is added to its kind, so that the two name the type of the event. */
interface Reading {
  state: (string | undefined)[];
  type: EventType;
  data: EventData;
  /** The first that is there is when it happened. */
  times: unknown[];
  customer?: string | undefined;
  isTest?: boolean;
}

/** By Shopify's name of the kind of object, as in its GraphQL ids. */
const READERS: ReadonlyMap<string, (object: Json) => Reading> = new Map([
  ["Order", readOrder],
  ["OrderTransaction", readTransaction],
  ["Refund", readRefund],
  ["Dispute", readDispute],
  ["SubscriptionContract", readContract],
  ["SubscriptionBillingAttempt", readBilling],
]);

/** By an order's `financial_status`. That of one that is refunded says nothing new: the refund does. */
const ORDER_TYPES: ReadonlyMap<unknown, EventType> = new Map<unknown, EventType>([
  ["pending", "payment.pending"],
  ["authorized", "payment.authorized"],
  ["partially_paid", "payment.partially_captured"],
  ["paid", "payment.succeeded"],
  ["voided", "payment.canceled"],
  ["expired", "payment.expired"],
]);

/**
 * By kind and status. Whether a capture or a sale pays all of an order, only the order says; a refund's own event has
 * what its transactions repeat.
 */
const TRANSACTION_TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["authorization success", "payment.authorized"],
  ["void success", "payment.canceled"],
  ...["authorization", "capture", "sale"].flatMap((kind): [string, EventType][] => [
    [`${kind} pending`, "payment.pending"],
    [`${kind} failure`, "payment.failed"],
    [`${kind} error`, "payment.failed"],
  ]),
]);

/** By the status of a refund's transactions: the first that one of them has counts. */
const REFUND_TYPES = [
  ["success", "refund.succeeded"],
  ["pending", "refund.pending"],
  ["failure", "refund.failed"],
  ["error", "refund.failed"],
] as const;

const DISPUTE_TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["needs_response", "dispute.opened"],
  ["under_review", "dispute.under_review"],
  ["charge_refunded", "dispute.closed"],
  ["accepted", "dispute.accepted"],
  ["won", "dispute.won"],
  ["lost", "dispute.lost"],
]);

/** By a contract's status. Of one that is active only the topic, which nobody signs, says whether it is new. */
const CONTRACT_TYPES: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["active", "subscription.updated"],
  ["paused", "subscription.updated"],
  ["failed", "subscription.past_due"],
  ["cancelled", "subscription.canceled"],
  ["expired", "subscription.canceled"],
]);

/** What a body is and says. Never throws: one of a kind that has no mapping is `unknown`. */
export function readShopifyEvent(
  object: Json,
): Pick<ProviderEvent, "providerType" | "type" | "data" | "occurredAt" | "customer"> & { isTest: boolean } {
  const kind = kindOf(object);
  const { state, type, data, times, customer, isTest } = READERS.get(kind)?.(object) ?? readOther(object);
  return {
    providerType: [kind, ...state.filter((part) => part !== undefined)].join("."),
    type,
    data,
    occurredAt: times.map(instantOfIso).find((instant) => instant !== null) ?? null,
    customer: customer ?? null,
    isTest: isTest ?? object["test"] === true,
  };
}

/** A dispute has no GraphQL id. */
function kindOf(object: Json): string {
  const kind = /^gid:\/\/shopify\/(\w{1,64})\/./.exec(textAt(object, "admin_graphql_api_id") ?? "")?.[1];
  const isDispute = kind === "ShopifyPaymentsDispute" || (!kind && Object.hasOwn(object, "evidence_due_by"));
  return isDispute ? "Dispute" : (kind ?? "unknown");
}

function readOrder(order: Json): Reading {
  const status = textAt(order, "financial_status");
  const id = idOf(order["id"]);
  const isCanceled = status === "pending" && Boolean(order["cancelled_at"]);
  const details = known({
    amount: moneyOf(order["total_price"], order["currency"]),
    reference: textAt(order, "name"),
  });
  return {
    state: [status],
    type: id === undefined ? "unknown" : isCanceled ? "payment.canceled" : (ORDER_TYPES.get(status) ?? "unknown"),
    data: id === undefined ? {} : { payment: { ...details, id } },
    times: [order["updated_at"], order["created_at"]],
    customer: idOf(at(order, "customer", "id")),
  };
}

function readTransaction(transaction: Json): Reading {
  const [kind, status] = [textAt(transaction, "kind"), textAt(transaction, "status")];
  const id = idOf(transaction["order_id"]);
  const type = TRANSACTION_TYPES.get(`${kind} ${status}`) ?? "unknown";
  const details = known({
    amount: type === "unknown" ? undefined : moneyIn(transaction),
    failure: type === "payment.failed" ? failureOf(transaction, ["error_code", "message"]) : undefined,
  });
  return {
    state: [kind, status],
    type: id === undefined ? "unknown" : type,
    data: id === undefined ? {} : { payment: { ...details, id } },
    times: [transaction["processed_at"], transaction["created_at"]],
  };
}

/** Its amount is the sum of those transactions that it is called after. One without any gave back goods, not money. */
function readRefund(refund: Json): Reading {
  const listed: unknown = refund["transactions"];
  const transactions = (Array.isArray(listed) ? listed : []).filter((each) => at(each, "kind") === "refund");
  const id = idOf(refund["id"]);
  const having = (status: string) => transactions.filter((each) => at(each, "status") === status);
  const [status, type] = REFUND_TYPES.find(([each]) => having(each).length > 0) ?? ["none", "unknown" as const];
  const amount = sumOf(having(status).map(moneyIn));
  const reason = textAt(refund, "note");
  return {
    state: [],
    type: id === undefined ? "unknown" : type,
    data: {
      ...paymentOf(idOf(refund["order_id"])),
      ...(id !== undefined && type !== "unknown" && { refund: { ...known({ amount, reason }), id } }),
    },
    times: [refund["processed_at"], refund["created_at"]],
    isTest: transactions.some((each) => at(each, "test") === true),
  };
}

/** While an inquiry runs, no money has been moved. */
function readDispute(dispute: Json): Reading {
  const [kind, status] = [textAt(dispute, "type"), textAt(dispute, "status") ?? ""];
  const id = idOf(dispute["id"]);
  const isInquiry = kind === "inquiry" && (status === "needs_response" || status === "under_review");
  const details = known({
    amount: moneyIn(dispute),
    reason: textAt(dispute, "reason"),
    evidenceDueBy: isoOf(instantOfIso(dispute["evidence_due_by"])),
  });
  return {
    state: [kind, status || undefined],
    type: id === undefined ? "unknown" : isInquiry ? "dispute.warning" : (DISPUTE_TYPES.get(status) ?? "unknown"),
    data: { ...paymentOf(idOf(dispute["order_id"])), ...(id !== undefined && { dispute: { ...details, id } }) },
    times: [dispute["finalized_on"], dispute["evidence_sent_on"], dispute["initiated_at"]],
  };
}

function readContract(contract: Json): Reading {
  const status = textAt(contract, "status")?.toLowerCase();
  return {
    state: [status],
    type: CONTRACT_TYPES.get(status ?? "") ?? "unknown",
    data: {},
    times: [contract["updated_at"], contract["created_at"]],
    customer: idOf(contract["customer_id"]),
  };
}

/** An attempt to charge for a contract, which makes an order where it succeeds. */
function readBilling(attempt: Json): Reading {
  const order = idOf(attempt["order_id"]);
  const hasFailed = textAt(attempt, "error_code") !== undefined;
  const isPaid = attempt["ready"] === true && order !== undefined;
  return {
    state: [hasFailed ? "failure" : isPaid ? "success" : undefined],
    type: hasFailed ? "invoice.payment_failed" : isPaid ? "invoice.paid" : "unknown",
    data: paymentOf(order),
    times: [attempt["completed_at"], attempt["updated_at"], attempt["created_at"]],
  };
}

function readOther(object: Json): Reading {
  return { state: [], type: "unknown", data: {}, times: [object["updated_at"], object["created_at"]] };
}

function moneyIn(holder: unknown): Money | undefined {
  return moneyOf(at(holder, "amount"), at(holder, "currency"));
}

/** Undefined where one is unknown, or of another currency. */
function sumOf(amounts: (Money | undefined)[]): Money | undefined {
  const [first] = amounts;
  if (!first || amounts.some((amount) => amount?.currency !== first.currency)) return undefined;
  const total = amounts.reduce((sum, amount) => sum + BigInt(amount!.value), 0n);
  return { value: String(total), currency: first.currency };
}
