import type { FailureClass, Sent } from "../channels/adapter.ts";
import type { Attempt, DeliveryRow, DeliveryStatus, Dispatch, EventRecord, WaitingFor } from "../outbox/contract.ts";
import { deliveryRow } from "../store/log.ts";
import type { Conclusion } from "./outcome.ts";
import { DEFAULT_RETRY_SCHEDULE_SECONDS, nextAttemptAt } from "./retry.ts";

/**
 * How long after its acceptance anybody wants to be told of an event. Providers forget idempotency keys after as
 * long: a message is never sent again with a key that is no longer known.
 */
export const PEOPLE_MS = 24 * 3_600_000;

/** The least wait after a failure that is our account's fault: somebody has to mend it. */
const CONFIG_WAIT_MS = 300_000;

/** One message that was asked of a provider. `at`: epoch ms; `isSafeToRepeat`: the provider has idempotency keys. */
export interface Asked {
  sent: Sent;
  at: number;
  durationMs: number;
  isSafeToRepeat: boolean;
}

/** A delivery that is not made, and why; the person is not told. */
export function skipped(record: EventRecord, dispatch: Dispatch, reason: string): Conclusion {
  return { row: rowOf(record, dispatch, "skipped", { reason }), outcome: { kind: "skipped" } };
}

/** A delivery that waited for so long that nobody wants it any more. */
export function expired(record: EventRecord, dispatch: Dispatch): Conclusion {
  return { row: rowOf(record, dispatch, "exhausted", { reason: "expired" }), outcome: { kind: "exhausted" } };
}

/** Decides what follows from a provider's answer. */
export function concludeNotice(record: EventRecord, dispatch: Dispatch, asked: Asked): Conclusion {
  const { sent, at, durationMs } = asked;
  const base: Omit<Attempt, "class"> = { at, durationMs, trigger: dispatch.trigger };
  if (sent.ok) {
    const attempt: Attempt = { ...base, class: "sent", message: sent.id };
    return { row: rowOf(record, dispatch, "sent", { attempt }), outcome: { kind: "sent" } };
  }
  const attempt: Attempt = {
    ...base,
    class: sent.class,
    ...(sent.code !== undefined && { code: sent.code.slice(0, 100) }),
    error: withoutAddresses(sent.detail),
  };
  const now = at + durationMs;
  const retryAt = retryTime(record, dispatch, sent, asked.isSafeToRepeat, now);
  if (retryAt === null) {
    const status = ENDS[sent.class] ?? "exhausted";
    return { row: rowOf(record, dispatch, status, { reason: sent.class, attempt }), outcome: { kind: status } };
  }
  const waitingFor: WaitingFor = { reason: WAITS[sent.class] ?? "backoff", until: retryAt };
  return {
    row: rowOf(record, dispatch, "retrying", {
      reason: sent.class,
      waitingFor,
      dueAt: retryAt,
      attempt: { ...attempt, retryAt },
    }),
    outcome: { kind: "failed", at: now, retryAt, answered: sent.class === "address_busy" },
  };
}

/** What ends otherwise than exhausted. */
const ENDS: Partial<Record<FailureClass, "bounced" | "skipped">> = { address_dead: "bounced", opted_out: "skipped" };

const WAITS: Partial<Record<FailureClass, WaitingFor["reason"]>> = { throttled: "retry_after", config: "breaker" };

/** When to ask again, in epoch ms; null: never. */
function retryTime(
  record: EventRecord,
  { attempts }: Dispatch,
  sent: Sent & { ok: false },
  isSafeToRepeat: boolean,
  now: number,
): number | null {
  switch (sent.class) {
    case "address_dead":
    case "opted_out":
    case "content":
    case "invalid":
      return null;
    case "ambiguous":
      if (!isSafeToRepeat) {
        return null;
      }
      break;
    case "transient":
    case "throttled":
    case "address_busy":
    case "config":
      break;
  }
  return nextAttemptAt({
    schedule: DEFAULT_RETRY_SCHEDULE_SECONDS,
    attempts: attempts + 1,
    now,
    acceptedAt: record.acceptedAt,
    retryAfterMs: sent.class === "config" ? CONFIG_WAIT_MS : (sent.retryAfterMs ?? null),
    random: Math.random(),
    maxAgeMs: PEOPLE_MS,
  });
}

/** Providers quote addresses in their errors; the log keeps none. */
function withoutAddresses(text: string): string {
  return text
    .replaceAll(/[^\s<>"'(]+@[^\s<>"')]+/g, "[address]")
    .replaceAll(/\+?\d[\d\s().-]{5,}\d/g, "[number]")
    .slice(0, 500);
}

function rowOf(
  record: EventRecord,
  dispatch: Dispatch,
  status: DeliveryStatus,
  rest: Partial<DeliveryRow>,
): DeliveryRow {
  return deliveryRow(record, dispatch, { status, counter: dispatch.counter, ...rest });
}
