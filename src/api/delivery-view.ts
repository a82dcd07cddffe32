import { z } from "@hono/zod-openapi";
import { and, asc, eq, gt, lt } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

import { isChannel } from "../event/channels.ts";
import type { WaitingFor as StoredWaitingFor } from "../outbox/contract.ts";
import { deliveryRange } from "../store/event-deliveries.ts";
import { deliveries } from "../store/schema.ts";
import { Instant, isoOrNull, toIso } from "./schemas.ts";

export const STATUSES = [
  "pending",
  "retrying",
  "sent",
  "delivered",
  "bounced",
  "exhausted",
  "canceled",
  "skipped",
] as const;

const WaitingFor = z
  .object({
    reason: z.enum([
      "lane",
      "paused",
      "disabled",
      "unverified",
      "throttled",
      "breaker",
      "retryAfter",
      "dailyLimit",
      "quietHours",
      "backoff",
    ]),
    delivery: z.string().optional().openapi({ description: "The delivery that holds the lane." }),
    until: Instant.optional(),
  })
  .openapi("WaitingFor");

const Attempt = z
  .object({
    number: z.int().openapi({ description: "Of the dispatch that it belongs to; rises, not without gaps." }),
    at: Instant,
    class: z.string().openapi({ example: "timeout" }),
    durationMs: z.number(),
    trigger: z.enum(["scheduled", "manual"]),
    url: z.string().optional(),
    status: z.int().optional(),
    response: z.string().optional().openapi({ description: "The first 4 KiB of an endpoint's answer." }),
    message: z.string().optional().openapi({ description: "The id that the channel's provider gave the message." }),
    code: z.string().optional().openapi({ description: "The channel's provider's own name of the error." }),
    error: z.string().optional(),
    retryAt: Instant.optional(),
  })
  .openapi("Attempt");

/** A delivery as the API shows it. */
export const Delivery = z
  .object({
    id: z.string(),
    event: z.string(),
    endpoint: z.string().nullable(),
    channel: z.string(),
    user: z.string().nullable(),
    provider: z.string().nullable(),
    status: z.enum(STATUSES),
    reason: z.string().nullable(),
    waitingFor: WaitingFor.nullable(),
    acceptedAt: Instant,
    deliveredAt: Instant.nullable(),
    attempts: z.array(Attempt),
  })
  .openapi("Delivery");

type Row = typeof deliveries.$inferSelect;

export function toDelivery(row: Row): z.infer<typeof Delivery> {
  return {
    id: row.id,
    event: row.event,
    endpoint: isChannel(row.destination) ? null : row.destination,
    channel: isChannel(row.destination) ? row.destination : "webhook",
    user: row.user,
    provider: row.provider,
    status: row.status,
    reason: row.reason,
    waitingFor: toWaitingFor(row.waitingFor),
    acceptedAt: toIso(row.acceptedAt),
    deliveredAt: isoOrNull(row.deliveredAt),
    attempts: Object.entries(row.attempts)
      .map(([counter, { at, retryAt, ...attempt }]) => ({
        number: Number(counter),
        at: toIso(at),
        ...attempt,
        ...(retryAt !== undefined && { retryAt: toIso(retryAt) }),
      }))
      .toSorted((a, b) => a.number - b.number),
  };
}

/** What a delivery waits for, as the API shows it. */
export function toWaitingFor(stored: StoredWaitingFor | null): z.infer<typeof WaitingFor> | null {
  if (stored === null) {
    return null;
  }
  const { until, ...rest } = stored;
  return { ...rest, ...(until !== undefined && { until: toIso(until) }) };
}

/** The deliveries of one event. */
export function deliveriesOf(db: DrizzleD1Database, merchant: string, event: string) {
  const { from, to } = deliveryRange(event);
  return db
    .select()
    .from(deliveries)
    .where(and(eq(deliveries.merchant, merchant), gt(deliveries.id, from), lt(deliveries.id, to)))
    .orderBy(asc(deliveries.id));
}
