import { V, type BackupMessage, type EventItem, type LogRow } from "./contract.ts";

// What comes out of a queue or a row may be of another release, or broken: it is looked at before it is believed.

type Shape = Record<string, (value: unknown) => boolean>;

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown) => typeof value === "number";
const isTextOrNull = (value: unknown) => value === null || typeof value === "string";
const isV = (value: unknown) => value === V;
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (shape: Shape) => (value: unknown) => Array.isArray(value) && value.every((one) => fits(one, shape));

const RECORD: Shape = {
  id: isText,
  merchant: isText,
  source: isText,
  key: isText,
  user: isTextOrNull,
  type: isText,
  acceptedAt: isNumber,
  occurredAt: isNumber,
  template: isTextOrNull,
};
const ITEM: Shape = {
  v: isV,
  record: (value) => fits(value, RECORD),
  planned: listOf({ delivery: isText, destination: isText }),
  ready: listOf({ delivery: isText, destination: isText, counter: isNumber, startBy: isNumber, attempts: isNumber }),
};
const DELIVERY_ROW: Shape = {
  id: isText,
  merchant: isText,
  event: isText,
  destination: isText,
  key: isText,
  status: isText,
  counter: isNumber,
  acceptedAt: isNumber,
};
const ACCEPT: Shape = {
  id: isText,
  dedupeKey: isText,
  inputHash: isText,
  receivedAt: isNumber,
  merchant: isText,
  source: isText,
  event: (value) => fits(value, { type: isText, occurredAt: isNumber, user: isTextOrNull, data: isObject }),
  plan: listOf({ destination: isText }),
};
const BACKUP: Record<BackupMessage["kind"], Shape> = {
  log: { rows: (value) => Array.isArray(value) && value.every(isLogRow) },
  settle: {
    key: isText,
    settles: listOf({ event: isText, delivery: isText, counter: isNumber, outcome: isObject }),
  },
  accept: { event: (value) => fits(value, ACCEPT) },
  quarantine: {
    row: (value) =>
      fits(value, {
        merchant: isText,
        id: isText,
        source: isText,
        reason: isText,
        receivedAt: isNumber,
        hash: isText,
        request: isText,
        body: isText,
      }),
  },
  enrich: { source: isText, receivedAt: isNumber, url: isText, headers: Array.isArray, body: isText },
  announce: { merchant: isText, type: isText, target: isText, data: isObject, at: isNumber },
  alert: { id: isText, to: isText, subject: isText, text: isText },
};

/** The items of a `deliveries` message that can be read. `isWhole`: none was left out; the outbox sends those again. */
export function readItems(body: unknown): { items: EventItem[]; isWhole: boolean } {
  if (!fits(body, { v: isV, items: Array.isArray })) {
    return { items: [], isWhole: false };
  }
  const { items: all } = body as { items: unknown[] };
  const items = all.filter((item): item is EventItem => fits(item, ITEM));
  return { items, isWhole: items.length === all.length };
}

/** A `backup` message, if it can be read. */
export function readBackup(body: unknown): BackupMessage | null {
  if (!fits(body, { v: isV, kind: (kind) => isText(kind) && Object.hasOwn(BACKUP, kind) })) {
    return null;
  }
  const message = body as BackupMessage;
  return fits(message, BACKUP[message.kind]) ? message : null;
}

/** Whether something is a row of the log. */
export function isLogRow(value: unknown): value is LogRow {
  return (
    fits(value, { event: (event) => fits(event, RECORD) }) ||
    fits(value, { delivery: (delivery) => fits(delivery, DELIVERY_ROW) })
  );
}

/** A list of pending deliveries in a row of an outbox. */
export const isPendingList = listOf({
  delivery: isText,
  destination: isText,
  lane: isTextOrNull,
  state: isText,
  due: isNumber,
  counter: isNumber,
  attempts: isNumber,
});

/** The JSON value of a text; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fits(value: unknown, shape: Shape): boolean {
  const fields = isObject(value) ? new Map<string, unknown>(Object.entries(value as object)) : null;
  return fields !== null && Object.entries(shape).every(([name, isFit]) => isFit(fields.get(name)));
}
