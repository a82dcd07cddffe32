import { z } from "@hono/zod-openapi";
import { and, asc, eq, gt, lt } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";

import { isChannel } from "../event/channels.ts";
import type { WaitingFor as StoredWaitingFor } from "../outbox/contract.ts";
import type { DeliveryRecord } from "../store/delivery-list.ts";
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
      "retry_after",
      "daily_limit",
      "backoff",
    ]),
    delivery: z.string().optional().openapi({ description: "The delivery that comes first in the lane." }),
    until: Instant.optional(),
  })
  .openapi("WaitingFor");

const Attempt = z
  .object({
    number: z.int().openapi({
      description:
        "Rises from attempt to attempt, with gaps: attempts that Paybell planned and did not make have numbers too.",
    }),
    at: Instant,
    class: z.string().openapi({ example: "timeout" }),
    durationMs: z.number(),
    trigger: z.enum(["scheduled", "manual"]),
    url: z.string().optional(),
    status: z.int().optional(),
    response: z.string().optional().openapi({ description: "The first 4 KiB of an endpoint's answer." }),
    message: z.string().optional().openapi({ description: "The id that the channel's provider gave the message." }),
    code: z.string().optional().openapi({
      description:
        "Why a webhook got no answer: timed_out, name_not_found, name_or_tls, tls_failed, connection_refused, connection_lost, unreachable, answer_cut_off or network_error. Of a message to a person: the name that the channel's provider gives the error.",
      example: "name_or_tls",
    }),
    error: z.string().optional().openapi({ description: "The same in a sentence." }),
    retryAt: Instant.optional(),
  })
  .openapi("Attempt");

/** A delivery as the API shows it. */
export const Delivery = z
  .object({
    id: z.string(),
    event: z.string(),
    type: z.string().nullable().openapi({
      description: "The type of the event. `null`: the event is no longer in the log.",
      example: "payment.succeeded",
    }),
    payment: z.string().nullable().openapi({ description: "The payment that the event is about, if it names one." }),
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

/** A delivery of the log as the API shows it. */
export function toDelivery(row: DeliveryRecord): z.infer<typeof Delivery> {
  return {
    id: row.id,
    event: row.event,
    type: row.type,
    payment: row.payment,
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

/** Reasons as rows of the release before have them. */
const RENAMED = new Map<string, StoredWaitingFor["reason"]>([["retryAfter", "retry_after"]]);

/** What a delivery waits for, as the API shows it. */
export function toWaitingFor(stored: StoredWaitingFor | null): z.infer<typeof WaitingFor> | null {
  if (stored === null) {
    return null;
  }
  const { until, reason, ...rest } = stored;
  return { reason: RENAMED.get(reason) ?? reason, ...rest, ...(until !== undefined && { until: toIso(until) }) };
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
