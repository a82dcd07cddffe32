import { bodyFor } from "./envelope.ts";

/** What stays of each thing that an event is about: what accounts are made of. */
const KEPT: Record<string, readonly string[]> = {
  payment: ["id", "reference", "status", "reported", "version", "amount", "refunded"],
  refund: ["id", "amount", "whole"],
  dispute: ["id", "amount", "evidenceDueBy"],
  payout: ["id", "amount", "arrivalDate"],
  account: ["id", "available", "pending"],
  provider: ["name", "source", "eventId", "type", "authenticity"],
};
const KEPT_OF_HEAD = ["id", "apiVersion", "type", "timestamp", "livemode", "sequence", "stale"];

/**
 * The body of an event whose person is to be forgotten: ids, amounts and states stay, the user and every text that
 * somebody has written or that tells of a card go. A list of what stays, so that what comes to be added goes. Null:
 * the template is none, nothing of it stays.
 */
export function forgetPerson(template: string): string | null {
  let body: unknown;
  try {
    body = JSON.parse(bodyFor(template, null));
  } catch {
    return null;
  }
  const head = pick(body, KEPT_OF_HEAD);
  const said = pick(body, ["data"])["data"];
  const data = Object.entries(KEPT).flatMap(([name, fields]) => {
    const thing = pick(said, [name])[name];
    return typeof thing === "object" && thing !== null ? [[name, pick(thing, fields)]] : [];
  });
  return JSON.stringify({ ...head, user: null, erased: true, data: Object.fromEntries(data) });
}

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter(([name]) => names.includes(name)));
}
