import { createHash } from "node:crypto";
import { z } from "zod";

import { CanonicalEvent, EventTypeName } from "../src/event/canonical.ts";
import { pointerValue } from "../src/event/json-pointer.ts";
import { isCurrency } from "../src/event/money.ts";
import { isObject, known, parseObject, type Json } from "../src/providers/json.ts";
import { idOf, instantOfIso, isoOf, minorMoneyOf, moneyOf } from "../src/providers/reading.ts";

/** Numbers above this are milliseconds: as seconds they would be in the year 5138. */
const MAX_SECONDS = 100_000_000_000;
/** What `webhook-id` can hold, and what Paybell takes as the id of an event. */
const EVENT_ID = /^[\x21-\x7e]{1,255}$/;

const Pointer = z.string().regex(/^(\/([^~]|~[01])*)+$/, "A JSON Pointer, such as /user_id");
/** Where a value is: in the message, there or not there, or the same in all. */
const Place = z.union([
  Pointer,
  z.strictObject({ pointer: Pointer, optional: z.literal(true) }),
  z.strictObject({ value: z.union([z.string(), z.number(), z.boolean()]) }),
]);
type Place = z.infer<typeof Place>;

const MappedType = EventTypeName.refine(
  (type) => /^(payment|refund)\./.test(type),
  "Messages become events of payments and of refunds",
);

/** What a message's fields mean: the map file. docs/rabbitmq.md says it with examples. */
export const MessageMap = z
  .strictObject({
    status: Place,
    types: z.record(z.string(), MappedType),
    id: Place.optional(),
    user: Place.optional(),
    payment: Place.optional(),
    refund: Place.optional(),
    reference: Place.optional(),
    amount: Place.optional(),
    currency: Place.optional(),
    unit: z.enum(["minor", "major"]).default("minor"),
    occurredAt: Place.optional(),
    livemode: Place.optional(),
    orderBy: z.union([z.literal("routingKey"), Pointer]).optional(),
  })
  .refine(({ amount, currency }) => amount === undefined || currency !== undefined, {
    path: ["currency"],
    error: "An amount has a currency",
  });
export type MessageMap = z.infer<typeof MessageMap>;

type PlaceName = Exclude<keyof MessageMap, "types" | "unit" | "orderBy">;

/** A message as RabbitMQ hands it over. `timestamp`: its property, epoch seconds. */
export interface Message {
  body: Uint8Array;
  routingKey: string;
  messageId?: string;
  timestamp?: number;
}

/**
 * What a message becomes: an event, ready to be posted, and the lane in which it is in order; or why it becomes none,
 * in words that quote nothing of the message. The same message always becomes the same.
 */
export type Mapped = { ok: true; id: string; lane: string; body: string } | { ok: false; reason: string };

/** `dedupe`: `content` makes an id of the body's hash for a message that has none, so that equal messages are one. */
export function eventOf(map: MessageMap, message: Message, { dedupe }: { dedupe?: "content" } = {}): Mapped {
  const json = objectOf(message.body);
  if (json === null) return { ok: false, reason: "not_a_json_object" };
  const faults: string[] = [];
  const take = <T>(name: PlaceName, read: (value: unknown) => T | undefined): T | undefined => {
    const place = map[name];
    const value = place === undefined ? undefined : valueAt(json, place);
    if (value === undefined || value === null) {
      if (place !== undefined && !isOptional(place)) faults.push(`${name}_missing`);
      return undefined;
    }
    const taken = read(value);
    if (taken === undefined) faults.push(`${name}_unusable`);
    return taken;
  };

  const type = take("status", (status) => typeOf(map, status));
  const mappedId = map.id && idOf(valueAt(json, map.id));
  const id = message.messageId || mappedId || (dedupe === "content" ? hashOf(message.body) : "");
  if (!EVENT_ID.test(id)) faults.push(id === "" ? "id_missing" : "id_unusable");
  const user = take("user", idOf);
  const currency = take("currency", currencyOf);
  const amount = take("amount", (value) => (map.unit === "major" ? moneyOf : minorMoneyOf)(value, currency));
  const reference = take("reference", idOf);
  const payment = take("payment", idOf);
  const refund = take("refund", idOf);
  const occurredAt = take("occurredAt", instantOf) ?? instantOf(message.timestamp);
  const livemode = take("livemode", (value) => (typeof value === "boolean" ? value : undefined));
  if (faults.length > 0) return { ok: false, reason: faults.join(" ") };

  const isRefund = type?.startsWith("refund.") === true;
  const event = CanonicalEvent.safeParse(
    known({
      type,
      user,
      livemode,
      timestamp: isoOf(occurredAt ?? null),
      data: known({
        // A message that names no payment is one by itself, but a refund is of another.
        payment: known({
          id: payment ?? (isRefund ? undefined : id),
          reference,
          amount: isRefund ? undefined : amount,
        }),
        refund: isRefund ? known({ id: refund ?? id, amount }) : undefined,
      }),
    }),
  );
  if (!event.success) {
    return { ok: false, reason: `event_invalid ${event.error.issues.map(({ path }) => path.join(".")).join(" ")}` };
  }
  return { ok: true, id, lane: laneOf(map, json, message, user), body: JSON.stringify(event.data) };
}

/** What a message is in order under: what the map says, else its user, else its routing key. */
function laneOf({ orderBy }: MessageMap, json: Json, { routingKey }: Message, user: string | undefined): string {
  if (orderBy !== undefined && orderBy !== "routingKey") return `field ${idOf(pointerValue(json, orderBy)) ?? ""}`;
  return orderBy === undefined && user !== undefined ? `user ${user}` : `key ${routingKey}`;
}

function objectOf(body: Uint8Array): Json | null {
  try {
    return parseObject(body);
  } catch {
    return null;
  }
}

function valueAt(json: Json, place: Place): unknown {
  if (typeof place === "string") return pointerValue(json, place);
  return "value" in place ? place.value : pointerValue(json, place.pointer);
}

function isOptional(place: Place): boolean {
  return isObject(place) && "optional" in place;
}

function typeOf({ types }: MessageMap, status: unknown): string | undefined {
  const name = typeof status === "boolean" ? String(status) : idOf(status);
  return name !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
}

function currencyOf(value: unknown): string | undefined {
  const code = typeof value === "string" ? value.toUpperCase() : "";
  return isCurrency(code) ? code : undefined;
}

/** Epoch ms of ISO 8601 (UTC where it names no zone), of seconds or of milliseconds. */
function instantOf(value: unknown): number | undefined {
  if (typeof value !== "number") return instantOfIso(value) ?? undefined;
  const at = Math.round(value < MAX_SECONDS ? value * 1000 : value);
  return instantOfIso(at > 0 && at < 8.64e15 ? new Date(at).toISOString() : "") ?? undefined;
}

function hashOf(body: Uint8Array): string {
  return `sha256-${createHash("sha256").update(body).digest("hex")}`;
}
