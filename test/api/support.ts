import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";

import { createApp } from "../../src/api/app.ts";
import { deliveryId, eventId, randomId } from "../../src/event/ids.ts";
import type { Attempt, DeliveryRow, EventRecord } from "../../src/outbox/contract.ts";
import { NO_PROGRESS, type Job } from "../../src/store/jobs.ts";
import { closeRequest, keepQuarantined } from "../../src/store/quarantine.ts";
import { writeLog } from "../../src/store/log.ts";
import { jobs } from "../../src/store/schema.ts";
import { holdToDocument } from "../support/document.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";

/** An answer of the API, with its headers. */
export interface Answer {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
}

/** One call as bytes go over the wire: nothing is added to what the test says. */
export async function send(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: BodyInit } = {},
): Promise<Answer> {
  const response = await exports.default.fetch(
    new Request(`https://paybell.test${path}`, { method, headers, ...(body !== undefined && { body }) }),
  );
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
  const text = await response.text();
  holdToDocument({ method, path, status: response.status, headers: response.headers, text });
  return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : {} };
}

/** What D1 answers to the one call of the operator's or a merchant's, as text: more may be read than is shown. */
export async function readBy(path: string, key: string): Promise<string> {
  const answers: unknown[] = [];
  const noting = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") {
          return value;
        }
        return (...args: unknown[]) => {
          const result: unknown = value.apply(target, args);
          if (result instanceof Promise) {
            return result.then((answer) => {
              answers.push(answer);
              return answer as unknown;
            });
          }
          return typeof result === "object" && result !== null ? noting(result) : result;
        };
      },
    });
  const headers = { authorization: `Bearer ${key}` };
  const response = await createApp().request(path, { headers }, { ...env, DB: noting(env.DB) });
  if (response.status !== 200) {
    throw new Error(`${path}: ${response.status}`);
  }
  return JSON.stringify(answers);
}

const TABLES = [
  "merchants",
  "api_keys",
  "sources",
  "endpoints",
  "endpoint_hosts",
  "channel_accounts",
  "users",
  "suppressions",
  "events",
  "deliveries",
  "jobs",
  "dead_letters",
  "quarantine",
];

/** All that D1 holds, to compare before and after. */
export async function everything(): Promise<unknown[]> {
  const tables = await env.DB.batch(TABLES.map((table) => env.DB.prepare(`SELECT * FROM ${table}`)));
  return tables.map(({ results }) => results);
}

/** A merchant that has one of everything. */
export interface FurnishedMerchant {
  id: string;
  key: string;
  /** Id of a second key. */
  keyId: string;
  source: string;
  sourceSecret: string;
  endpoint: string;
  user: string;
  event: string;
  delivery: string;
  job: string;
  quarantined: string;
}

/**
 * Makes a merchant with a second key, a source with a secret, an endpoint, an account for email, a user, an event with
 * a delivered delivery, a job that is over, and a quarantined request.
 */
export async function furnishedMerchant(): Promise<FurnishedMerchant> {
  const { id, key } = await newMerchant();
  const second = await call("POST", "/v1/api-keys", { key, body: { scopes: ["log:read"] } });
  const source = await call("POST", "/v1/sources", {
    key,
    body: { provider: "stripe", secrets: ["whsec_of_the_tests_1"] },
  });
  const endpoint = await newEndpoint(key);
  const account = { provider: "cloudflare", from: "Shop" };
  await call("PUT", "/v1/channels/email", { key, body: account });
  await call("PUT", "/v1/users/u_1", { key, body: { email: "ada@customers.example", locale: "en" } });
  const [event] = await logEvents(id, 1, endpoint.id);
  const job = newJob(id);
  await drizzle(env.DB).insert(jobs).values(job);
  return {
    id,
    key,
    keyId: String(second.json["id"]),
    source: String(source.json["id"]),
    sourceSecret: String((source.json["secrets"] as { id: string }[])[0]?.id),
    endpoint: endpoint.id,
    user: "u_1",
    event: event!,
    delivery: deliveryId(event!, endpoint.id),
    job: job.id,
    quarantined: await newQuarantined(id, String(source.json["id"])),
  };
}

/** Quarantines a request of a Stripe source, which this release can read; returns its id. */
export async function newQuarantined(merchant: string, source: string, receivedAt = Date.now()): Promise<string> {
  const id = randomId("qua", receivedAt);
  const event = { id: `evt_${id}`, object: "event", type: "payout.paid", livemode: true, data: { object: {} } };
  const request = {
    body: new TextEncoder().encode(JSON.stringify(event)),
    headers: new Headers(),
    url: `https://paybell.test/ingest/${source}`,
  };
  await keepQuarantined(
    env.DB,
    {
      merchant,
      id,
      source,
      reason: "unparseable",
      event: null,
      receivedAt,
      hash: id,
      replayedAt: null,
      ...(await closeRequest(env, id, request)),
    },
    receivedAt,
  );
  return id;
}

/** A job's row: it is over unless `fields` say otherwise. */
export function newJob(merchant: string, fields: Partial<Job> = {}): Job {
  const { startedAt = Date.now() } = fields;
  return {
    ...NO_PROGRESS,
    merchant,
    id: randomId("job", startedAt),
    kind: "recover",
    filter: { statuses: ["exhausted"], since: startedAt - 1000, until: startedAt },
    perSecond: 10,
    status: "done",
    error: null,
    startedAt,
    updatedAt: startedAt,
    finishedAt: startedAt,
    ...fields,
  };
}

let made = 0;

/** An id of an event received at `at` (epoch ms). */
export function newEventId(at: number): string {
  made += 1;
  return eventId(at, String(made).padStart(10, "0"), "0".repeat(6));
}

/** Writes events with one delivery each to the log, a millisecond apart; returns their ids, the oldest first. */
export async function logEvents(
  merchant: string,
  count: number,
  destination: string,
  { from = Date.now(), row = () => ({}) }: { from?: number; row?: (index: number) => Partial<DeliveryRow> } = {},
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => newEventId(from + index));
  await writeLog(
    env.DB,
    ids.flatMap((id, index) => [
      { event: eventRecord(merchant, id, from + index) },
      { delivery: { ...deliveryRow(merchant, id, destination, from + index), ...row(index) } },
    ]),
  );
  return ids;
}

/** The record of an event accepted at `at` (epoch ms). */
export function eventRecord(merchant: string, id: string, at: number): EventRecord {
  return {
    id,
    merchant,
    source: "api",
    provider: null,
    key: `u/${merchant}/u_1`,
    user: "u_1",
    type: "payment.succeeded",
    payment: "pi_1",
    livemode: true,
    stale: false,
    sequence: 1,
    acceptedAt: at,
    occurredAt: at,
    template: `{"id":"${id}","previous":\u0000,"data":{"payment":{"id":"pi_1"}}}`,
  };
}

/** A delivery that was delivered 150 ms after its event was accepted, of which 50 ms were ours. */
export function deliveryRow(merchant: string, event: string, destination: string, at: number): DeliveryRow {
  return {
    id: deliveryId(event, destination),
    merchant,
    event,
    destination,
    user: "u_1",
    key: `u/${merchant}/u_1`,
    provider: null,
    acceptedAt: at,
    counter: 1,
    status: "delivered",
    reason: null,
    waitingFor: null,
    dueAt: null,
    previous: null,
    attempt: attempt(at + 50, { class: "delivered", durationMs: 100, status: 204 }),
  };
}

/** An attempt started at `at` (epoch ms) that the receiver answered with 500. */
export function attempt(at: number, overrides: Partial<Attempt> = {}): Attempt {
  return { at, class: "http", durationMs: 20, trigger: "scheduled", status: 500, ...overrides };
}
