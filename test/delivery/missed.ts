import { env } from "cloudflare:workers";
import { vi } from "vitest";

import { deliveryId, eventId } from "../../src/event/ids.ts";
import type { DeliveryRow, EventRecord } from "../../src/outbox/contract.ts";
import { userKey } from "../../src/outbox/keys.ts";
import { jobName } from "../../src/store/jobs.ts";
import { writeLog } from "../../src/store/log.ts";
import { attempt, deliveryRow, eventRecord } from "../api/support.ts";
import { call } from "../support/merchant.ts";

export interface Merchant {
  id: string;
  key: string;
}

/** A delivery that an endpoint missed. */
export interface Missed {
  user: string;
  event: string;
  delivery: string;
}

let made = 0;

/**
 * Writes deliveries to the log that are exhausted after one attempt, round the users, in order of acceptance: three a
 * millisecond, whose ids are in the opposite order. `row`, `event`: what differs.
 */
export async function miss(
  merchant: Merchant,
  endpoint: string,
  {
    count,
    users = 1,
    from = Date.now() - 3_600_000,
    row = () => ({}),
    event = () => ({}),
  }: {
    count: number;
    users?: number;
    from?: number;
    row?: (index: number) => Partial<DeliveryRow>;
    event?: (index: number) => Partial<EventRecord>;
  },
): Promise<Missed[]> {
  const missed = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      made += 1;
      const at = from + Math.floor(index / 3);
      const id = eventId(at, "0".repeat(10), String(999_999 - made));
      const user = `u_${index % users}`;
      const key = await userKey(merchant.id, user);
      const sequence = Math.floor(index / users) + 1;
      const record = { ...eventRecord(merchant.id, id, at), key, user, sequence, ...event(index) };
      const exhausted = { status: "exhausted" as const, reason: "http", attempt: attempt(at + 50) };
      const delivery = { ...deliveryRow(merchant.id, id, endpoint, at), key, user, ...exhausted, ...row(index) };
      return { record, delivery };
    }),
  );
  await writeLog(
    env.DB,
    missed.flatMap(({ record, delivery }) => [{ event: record }, { delivery }]),
  );
  return missed.map(({ record, delivery }) => ({
    user: String(record.user),
    event: record.id,
    delivery: deliveryId(record.id, delivery.destination),
  }));
}

export interface ShownJob extends Record<string, unknown> {
  id: string;
  status: string;
  looked: number;
  queued: number;
  skipped: number;
  delivered: number;
}

/** Begins a job that recovers an endpoint, from a day ago on. */
export async function recover({ key }: Merchant, endpoint: string, fields: object = {}): Promise<string> {
  const since = new Date(Date.now() - 24 * 3_600_000).toISOString();
  const body = { since, perSecond: 100, ...fields };
  const { status, json } = await call("POST", `/v1/endpoints/${endpoint}/recover`, { key, body });
  if (status !== 202) {
    throw new Error(`No job: ${status} ${JSON.stringify(json)}`);
  }
  return String(json["id"]);
}

export async function showJob({ key }: Merchant, job: string): Promise<ShownJob> {
  return (await call("GET", `/v1/jobs/${job}`, { key })).json as unknown as ShownJob;
}

/** Waits until a job has ended; its alarms come by themselves. */
export async function untilOver(merchant: Merchant, job: string): Promise<ShownJob> {
  return vi.waitUntil(
    async () => {
      const shown = await showJob(merchant, job);
      return shown.status !== "running" && shown;
    },
    { timeout: 60_000, interval: 50 },
  );
}

export function objectOf({ id: merchant }: Merchant, id: string) {
  return env.REPLAY_JOB.getByName(jobName({ merchant, id }));
}
