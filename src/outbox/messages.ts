import { V, type DeliveriesMessage, type EventItem, type LogRow } from "./contract.ts";
import { MAX_LEASE_MS, type Entry } from "./pending.ts";

/** A queue bills by 64 KB written, read and deleted: what a message holds up to that costs nothing more. */
const MAX_MESSAGE_BYTES = 60_000;
const MAX_DELIVERIES = 12;
/** So many planned deliveries, with a template, stay under the 128 KB that a message may have. */
const MAX_PLANNED = 100;
/** So many deliveries are made into messages at a time. */
export const SEND_BITE = 200;
/** A template over this travels by reference. */
const MAX_TEMPLATE_BYTES = 40_000;

/** The item as it travels: without its template where that is too large, so that the consumer asks the outbox. */
export function toTravel(item: EventItem): EventItem {
  const { template } = item.record;
  return template !== null && byteLength(template) > MAX_TEMPLATE_BYTES
    ? { ...item, record: { ...item.record, template: null } }
    : item;
}

/** Packs items into as few messages as their deliveries and bytes allow, in order. */
export function pack(items: EventItem[]): DeliveriesMessage[] {
  const messages: DeliveriesMessage[] = [];
  let bytes = 0;
  let deliveries = 0;
  for (const item of items.flatMap(split)) {
    const size = byteLength(JSON.stringify(item));
    const message = messages.at(-1);
    if (message && bytes + size <= MAX_MESSAGE_BYTES && deliveries + item.ready.length <= MAX_DELIVERIES) {
      message.items.push(item);
      bytes += size;
      deliveries += item.ready.length;
    } else {
      messages.push({ v: V, items: [item] });
      bytes = size;
      deliveries = item.ready.length;
    }
  }
  return messages;
}

/** Sends messages in as few calls as the queue allows: 100 messages and 256 KB a call. */
export async function send(queue: Queue, messages: DeliveriesMessage[]): Promise<void> {
  let batch: { body: DeliveriesMessage; contentType: "json" }[] = [];
  let bytes = 0;
  for (const body of messages) {
    const size = byteLength(JSON.stringify(body));
    if (batch.length === 100 || bytes + size > 240_000) {
      await queue.sendBatch(batch);
      batch = [];
      bytes = 0;
    }
    batch.push({ body, contentType: "json" });
    bytes += size;
  }
  if (batch.length > 0) {
    await queue.sendBatch(batch);
  }
}

/** Log rows in parts of at most so many characters of JSON each; one row alone may be longer. */
export function inParts(rows: LogRow[], maxChars: number): LogRow[][] {
  const parts: LogRow[][] = [];
  let chars = Infinity;
  for (const row of rows) {
    const size = JSON.stringify(row).length;
    if (chars + size > maxChars) {
      parts.push([]);
      chars = 0;
    }
    parts.at(-1)!.push(row);
    chars += size;
  }
  return parts;
}

/**
 * Of dispatches whose lease ran out, those as old as messages that their queue still holds: they are not lost. A first
 * one is looked for among `deliveries` alone, so that no backlog of what is sent again holds it up.
 */
export async function stillQueued(
  queues: { deliveries: Queue; retries: Queue },
  expired: Entry[],
  now: number,
): Promise<Entry[]> {
  const unclaimed = expired.filter(({ pending }) => !pending.claimed);
  if (unclaimed.length === 0) {
    return [];
  }
  const [oldestFirst, oldestAgain] = await Promise.all([oldestIn(queues.deliveries), oldestIn(queues.retries)]);
  return unclaimed.filter(({ pending: { sentAt, counter } }) => {
    const oldest = counter === 1 ? oldestFirst : Math.min(oldestFirst, oldestAgain);
    return sentAt >= oldest && sentAt + MAX_LEASE_MS > now;
  });
}

/** When the oldest message of a queue was sent (epoch ms); Infinity: it has none, or does not say. */
async function oldestIn(queue: Queue): Promise<number> {
  return (await queue.metrics().catch(() => null))?.oldestMessageTimestamp?.getTime() ?? Infinity;
}

function split(item: EventItem): EventItem[] {
  const traveling = toTravel(item);
  const count = Math.max(item.ready.length / MAX_DELIVERIES, item.planned.length / MAX_PLANNED, 1);
  return Array.from({ length: Math.ceil(count) }, (_, part) => ({
    ...traveling,
    planned: item.planned.slice(part * MAX_PLANNED, (part + 1) * MAX_PLANNED),
    ready: item.ready.slice(part * MAX_DELIVERIES, (part + 1) * MAX_DELIVERIES),
  }));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
