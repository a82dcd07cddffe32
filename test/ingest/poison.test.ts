import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import worker from "../../src/index.ts";
import { V, type BackupMessage } from "../../src/outbox/contract.ts";
import { unpark } from "../../src/outbox/parking.ts";
import { deliveryRow, newEventId } from "../api/support.ts";
import { acceptEvent, newOutbox, unique } from "../support/builders.ts";

/** What no release has ever sent, and what a later one might. */
const POISON = [null, 1, "text", [], {}, { v: V }, { v: V, items: "none" }, { v: 2, kind: "log", rows: [] }];

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await env.DB.prepare("DELETE FROM parked").run();
});

afterEach(() => vi.restoreAllMocks());

/** Lets the Worker consume messages; how each of them ended. */
async function consume(queue: string, bodies: unknown[], bindings: Partial<Env> = {}): Promise<string[]> {
  const ends = bodies.map(() => "none");
  const messages = bodies.map((body, i) => ({
    id: unique("msg"),
    timestamp: new Date(),
    attempts: 1,
    body,
    ack: () => (ends[i] = "ack"),
    retry: () => (ends[i] = "retry"),
  }));
  const ctx = createExecutionContext();
  const batch = { queue, messages, ackAll: () => undefined, retryAll: () => undefined } as unknown as MessageBatch;
  await worker.queue(batch, { ...env, ...bindings } as Env, ctx);
  await waitOnExecutionContext(ctx);
  return ends;
}

async function parked(): Promise<{ queue: string; body: string }[]> {
  const { results } = await env.DB.prepare("SELECT queue, body FROM parked").all<{ queue: string; body: string }>();
  return results;
}

/** A row of the log that can be recognized. */
function logMessage(merchant: string): BackupMessage {
  return { v: V, kind: "log", rows: [{ delivery: deliveryRow(merchant, newEventId(Date.now()), "ep_1", Date.now()) }] };
}

const isLogged = async (merchant: string) =>
  (await env.DB.prepare("SELECT 1 FROM deliveries WHERE merchant = ?").bind(merchant).first()) !== null;

describe("a message that nobody can read", () => {
  it("is dropped from deliveries, whose outbox owns the work; the others of the batch are worked off", async () => {
    const { outbox, merchant } = await newOutbox();
    const [accepted] = await outbox.accept({ v: V, events: [await acceptEvent({ merchant, plan: [] })] });
    const item = accepted!.status === "accepted" ? accepted!.item : null;
    const good = { v: V, items: [null, item] };
    expect(await consume("deliveries", [...POISON, good])).toEqual([...POISON, good].map(() => "ack"));
    expect(await env.DB.prepare("SELECT 1 FROM events WHERE merchant = ?").bind(merchant).first()).not.toBeNull();
    expect(await parked()).toEqual([]);
  });

  it("is parked from backup, where it may be the only copy; the others of the batch are worked off", async () => {
    const merchant = unique("mer");
    const bodies = [...POISON, logMessage(merchant)];
    expect(await consume("backup", bodies)).toEqual(bodies.map(() => "ack"));
    const bodiesOf = (list: unknown[]) => new Set(list.map((body) => JSON.stringify(body)));
    expect(new Set((await parked()).map(({ body }) => body))).toEqual(bodiesOf(POISON));
    expect(await isLogged(merchant)).toBe(true);
  });

  it("stays in backup while D1 does not take it", async () => {
    const DB = new Proxy(env.DB, {
      get: () => () => {
        throw new Error("D1 does not answer");
      },
    });
    expect(await consume("backup", [{}], { DB })).toEqual(["retry"]);
  });

  it("is parked or dropped from dead, and the handler does not throw", async () => {
    expect(await consume("dead", POISON)).toEqual(POISON.map(() => "ack"));
    expect((await parked()).every(({ queue }) => queue === "backup")).toBe(true);
  });
});

describe("what is parked", () => {
  it("goes on its way once it can be read: the release that sent it is back", async () => {
    const message = logMessage(unique("mer"));
    await consume("backup", [{}]);
    await env.DB.prepare("INSERT INTO parked VALUES ('msg_later', 'backup', ?, 1)").bind(JSON.stringify(message)).run();
    const send = vi.fn<(body: unknown) => Promise<void>>(async () => undefined);
    await unpark({ ...env, BACKUP: { send } as unknown as Queue });
    expect(send.mock.calls.map(([body]) => body)).toEqual([message]);
    expect((await parked()).map(({ body }) => body)).toEqual(["{}"]);
  });
});
