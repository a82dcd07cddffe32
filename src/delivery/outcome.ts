import type { DeliveryRow, DeliveryStatus, Dispatch, EventRecord, Outcome, WaitingFor } from "../outbox/contract.ts";
import type { Endpoint } from "../store/config.ts";
import { deliveryRow } from "../store/log.ts";
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
  const row = (status: DeliveryStatus, rest: Partial<DeliveryRow>) =>
    deliveryRow(record, dispatch, { status, counter: dispatch.counter, ...rest });
  if (endpoint === null || tried === null) {
    return { row: row("canceled", { reason: "endpoint_deleted" }), outcome: { kind: "canceled" } };
  }
  const { attempt, retryAfterMs } = tried;
  if (attempt.class === "delivered") {
    return { row: row("delivered", { attempt }), outcome: { kind: "delivered" } };
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
      row: row("exhausted", { reason: attempt.class, attempt }),
      outcome: { kind: "exhausted" },
    };
  }
  const waitingFor: WaitingFor = { reason: retryAfterMs === null ? "backoff" : "retry_after", until: retryAt };
  return {
    row: row("retrying", {
      reason: attempt.class,
      waitingFor,
      dueAt: retryAt,
      attempt: { ...attempt, retryAt },
    }),
    outcome: {
      kind: "failed",
      at: now,
      retryAt,
      answered: attempt.status !== undefined,
      ...(retryAfterMs !== null && { notBefore: Math.min(now + retryAfterMs, retryAt) }),
    },
  };
}

/** A delivery that was not attempted: asked for again at `until` (epoch ms), and what it `waits` for till then. */
export function deferred(record: EventRecord, dispatch: Dispatch, until: number, waits: WaitingFor): Conclusion {
  const status = dispatch.attempts === 0 ? "pending" : "retrying";
  return {
    row: deliveryRow(record, dispatch, { status, counter: dispatch.counter, waitingFor: waits, dueAt: until }),
    outcome: { kind: "deferred", until, waits },
  };
}
