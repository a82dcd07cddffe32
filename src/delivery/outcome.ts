import type { DeliveryRow, DeliveryStatus, Dispatch, EventRecord, Outcome, WaitingFor } from "../outbox/contract.ts";
import type { Endpoint } from "../store/config.ts";
import type { Tried } from "./attempt.ts";
import { DEFAULT_RETRY_SCHEDULE_SECONDS, nextAttemptAt } from "./retry.ts";

/** How a dispatch ended: its row in the log, and what the outbox is told. */
export interface Conclusion {
  row: DeliveryRow;
  outcome: Outcome;
}

/** Decides what follows from a try. `tried` is null where the endpoint is gone: the delivery is canceled. */
export function conclude(
  record: EventRecord,
  dispatch: Dispatch,
  endpoint: Endpoint | null,
  tried: Tried | null,
): Conclusion {
  if (endpoint === null || tried === null) {
    return { row: toRow(record, dispatch, "canceled", { reason: "endpoint_deleted" }), outcome: { kind: "canceled" } };
  }
  const { attempt, retryAfterMs } = tried;
  if (attempt.class === "delivered") {
    return { row: toRow(record, dispatch, "delivered", { attempt }), outcome: { kind: "delivered" } };
  }
  const now = attempt.at + attempt.durationMs;
  const retryAt =
    attempt.class === "refused"
      ? null
      : nextAttemptAt({
          schedule: endpoint.retryScheduleSeconds ?? DEFAULT_RETRY_SCHEDULE_SECONDS,
          attempts: dispatch.attempts + 1,
          now,
          acceptedAt: record.acceptedAt,
          retryAfterMs,
          random: Math.random(),
        });
  if (retryAt === null) {
    return {
      row: toRow(record, dispatch, "exhausted", { reason: attempt.class, attempt }),
      outcome: { kind: "exhausted" },
    };
  }
  const waitingFor: WaitingFor = { reason: retryAfterMs === null ? "backoff" : "retryAfter", until: retryAt };
  return {
    row: toRow(record, dispatch, "retrying", {
      reason: attempt.class,
      waitingFor,
      dueAt: retryAt,
      attempt: { ...attempt, retryAt },
    }),
    outcome: { kind: "failed", at: now, retryAt, answered: attempt.status !== undefined },
  };
}

function toRow(
  record: EventRecord,
  { delivery, destination, counter, previous }: Dispatch,
  status: DeliveryStatus,
  rest: Partial<DeliveryRow>,
): DeliveryRow {
  return {
    id: delivery,
    merchant: record.merchant,
    event: record.id,
    destination,
    user: record.user,
    key: record.key,
    provider: record.provider,
    acceptedAt: record.acceptedAt,
    counter,
    status,
    reason: null,
    waitingFor: null,
    dueAt: null,
    previous,
    attempt: null,
    ...rest,
  };
}
