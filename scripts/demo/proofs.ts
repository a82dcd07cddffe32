// What the webhooks that a merchant's server received prove.

import type { Received } from "./receiver.ts";
import { QUICK_RETRIES_SECONDS } from "./shop.ts";

/** Whether one customer's webhooks at one endpoint came in sequence without a gap, and the first of them as posted. */
export function isInOrder(webhooks: Received[], posted: string[]): boolean {
  const events = [...new Map(webhooks.map(({ event }) => [event.id, event])).values()];
  const isRising = webhooks.every(({ event }, i) => event.sequence >= (webhooks[i - 1]?.event.sequence ?? 0));
  const isWhole = events.every(({ previous }, i) => previous === (events[i - 1]?.sequence ?? null));
  return isRising && isWhole && posted.every((id, i) => events[i]?.data.provider?.eventId === id);
}

/** Whether one webhook was tried until it was taken: same id, numbered attempts, never before its time. */
export function isRetried(webhooks: Received[]): boolean {
  const waited = webhooks.map(({ at }, i) => at - (webhooks[i - 1]?.at ?? 0));
  return (
    webhooks.map(({ status }) => status).join() === "500,500,204" &&
    webhooks.map(({ attempt }) => attempt).join() === "1,2,3" &&
    new Set(webhooks.map(({ id }) => id)).size === 1 &&
    QUICK_RETRIES_SECONDS.every((seconds, i) => (waited[i + 1] ?? 0) >= seconds * 1000)
  );
}

/** Whether what came late says that the payment is still as the original event left it. */
export function isStale([late]: Received[], [original]: Received[]): boolean {
  if (!late || !original) return false;
  const { payment } = late.event.data;
  const isTruthKept = payment?.status === "succeeded" && payment.version === original.event.data.payment?.version;
  return late.event.stale && payment?.reported === "processing" && isTruthKept;
}
