import { createMessageBatch } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { consumeDead, redriveDead } from "../../src/delivery/dead-letters.ts";
import { consumeBackup } from "../../src/ingest/backup.ts";
import { V, type BackupMessage, type DeliveriesMessage, type EventItem } from "../../src/outbox/contract.ts";
import { MAX_SPENT_DEAD_LETTERS } from "../../src/platform/caps.ts";
import { eventRecord, newEventId, readBy } from "../api/support.ts";
import { unique } from "../support/builders.ts";
import { call } from "../support/merchant.ts";

const HOUR = 3_600_000;
const key = env.ADMIN_TOKEN;

afterEach(() => vi.restoreAllMocks());

type Body = BackupMessage | DeliveriesMessage;

/** A message that says what becomes of it, and in which order with the rest of what `steps` is told. */
function messageOf<T extends Body>(body: T, attempts = 1, steps: string[] = []) {
  const id = unique("msg");
  const batch = createMessageBatch<T>("dead", [{ id, timestamp: new Date(), attempts, body }]);
  const [message] = batch.messages;
  vi.spyOn(message!, "ack").mockImplementation(() => void steps.push("ack"));
  vi.spyOn(message!, "retry").mockImplementation(() => void steps.push("retry"));
  return { id, batch, steps };
}

/** The bindings with a backup queue that takes messages, or does not, and a D1 that works or does not. */
function bindings({ sends = true, stores = true } = {}, steps: string[] = []) {
  const sent: BackupMessage[] = [];
  const BACKUP = {
    send: async (message: BackupMessage) => {
      if (!sends) {
        throw new Error("The queue is down");
      }
      steps.push("send");
      sent.push(message);
    },
  } as unknown as Queue;
  const down = {
    prepare: () => {
      throw new Error("D1 is down");
    },
  } as unknown as D1Database;
  return { env: { ...env, BACKUP, DB: stores ? env.DB : down } as Env, sent };
}

const settleMessage = (text = "p"): BackupMessage => ({ v: V, kind: "settle", key: text, settles: [] });

const logMessage = (): BackupMessage => {
  const event = eventRecord(unique("mer"), newEventId(Date.now()), Date.now());
  return { v: V, kind: "log", rows: [{ event: { ...event, template: "x".repeat(50_000) } }] };
};

async function letterOf(message: string): Promise<Record<string, unknown> | undefined> {
  const { json } = await call("GET", "/v1/admin/dead-letters?limit=100", { key });
  return json.data.find(({ id }) => String(id).endsWith(message));
}

const redrive = (letter: Record<string, unknown> | undefined) =>
  call("POST", `/v1/admin/dead-letters/${String(letter?.["id"])}/redrive`, { key });

describe("a dead message of `backup`", () => {
  it("stands in the table before it is acknowledged, whole, once", async () => {
    const body = logMessage();
    const { id, batch, steps } = messageOf<Body>(body, 3);
    await consumeDead(batch, bindings().env);
    await consumeDead(batch, bindings().env);
    expect(steps).toEqual(["ack", "ack"]);
    const letter = await letterOf(id);
    expect(letter).toMatchObject({ queue: "backup", kind: "log", attempts: 3, error: null, redrivenAt: null });
    expect(JSON.stringify(body).startsWith(String(letter!["body"]))).toBe(true);
    expect(String(letter!["body"]).length).toBe(4096);
    const kept = await env.DB.prepare("SELECT body FROM dead_letters WHERE id = ?").bind(letter!["id"]).first("body");
    expect(JSON.parse(String(kept))).toEqual(body);
  });

  it("is listed by its start, and no more of it is read", async () => {
    await consumeDead(messageOf<Body>(logMessage()).batch, bindings().env);
    expect(await readBy("/v1/admin/dead-letters", key)).not.toContain("x".repeat(4_096));
  });

  it("goes around again where D1 does not take it, and stays where it is where nothing does", async () => {
    const around = messageOf<Body>(settleMessage());
    const { env: withQueue, sent } = bindings({ stores: false }, around.steps);
    await consumeDead(around.batch, withQueue);
    expect(around.steps).toEqual(["send", "ack"]);
    expect(sent).toEqual([settleMessage()]);
    const stuck = messageOf<Body>(settleMessage());
    await consumeDead(stuck.batch, bindings({ stores: false, sends: false }).env);
    expect(stuck.steps).toEqual(["retry"]);
  });

  it("is written down at its last attempt, with its error; before that, and where D1 is down too, it is tried again", async () => {
    const ctx = { waitUntil: () => undefined };
    const failing = { getByName: () => ({ settle: () => Promise.reject(new Error("The outbox is broken")) }) };
    const broken = (stores = true) => ({ ...bindings({ stores }).env, USER_OUTBOX: failing }) as unknown as Env;
    for (const [attempts, stores, then] of [
      [99, true, "retry"],
      [100, true, "ack"],
      [101, false, "retry"],
    ] as const) {
      const { id, batch, steps } = messageOf<BackupMessage>(settleMessage(), attempts);
      await consumeBackup(batch, broken(stores), ctx);
      expect({ attempts, steps }).toEqual({ attempts, steps: [then] });
      const kept = then === "ack" ? { kind: "settle", attempts, error: "Error: The outbox is broken" } : undefined;
      expect(await letterOf(id)).toEqual(kept && expect.objectContaining(kept));
    }
  });
});

describe("a dead message of `deliveries`", () => {
  it("is shown, its start only, and is not sent around", async () => {
    const item: EventItem = { v: V, record: eventRecord("mer_1", newEventId(0), 0), planned: [], ready: [] };
    const items = Array.from({ length: 50 }, () => item);
    const { id, batch, steps } = messageOf<Body>({ v: V, items });
    await consumeDead(batch, bindings({ sends: false }).env);
    expect(steps).toEqual(["ack"]);
    const letter = await letterOf(id);
    expect(letter).toMatchObject({ queue: "deliveries", kind: "deliveries" });
    expect(await redrive(letter)).toMatchObject({ status: 409, json: { code: "not_redrivable" } });
    const lost = messageOf<Body>({ v: V, items });
    await consumeDead(lost.batch, bindings({ stores: false }).env);
    expect(lost.steps).toEqual(["ack"]);
  });
});

describe("a redrive", () => {
  it("brings the message to where it was meant to go, once", async () => {
    const body = logMessage();
    const { id, batch } = messageOf<Body>(body);
    await consumeDead(batch, bindings().env);
    const { status, json } = await redrive(await letterOf(id));
    expect(status).toBe(200);
    expect(await letterOf(id)).toEqual(json);
    expect(json["redrivenAt"]).toMatch(/Z$/);
    const [row] = body.kind === "log" ? body.rows : [];
    const event = row && "event" in row ? row.event : null;
    await vi.waitUntil(
      async () => env.DB.prepare("SELECT id FROM events WHERE merchant = ?").bind(event!.merchant).first("id"),
      { timeout: 10_000 },
    );
    expect(await redrive(await letterOf(id))).toMatchObject({ status: 409, json: { code: "not_redrivable" } });
    expect(await redrive({ id: "dead_none" })).toMatchObject({ status: 404 });
  });

  it("that the queue does not take leaves the message where it is, with the error", async () => {
    const { id, batch } = messageOf<Body>(settleMessage());
    await consumeDead(batch, bindings().env);
    await redriveDead(bindings({ sends: false }).env, Date.now() + 2 * HOUR);
    expect(await letterOf(id)).toMatchObject({ redrivenAt: null, error: "Error: The queue is down" });
  });

  it("happens by itself after an hour; two weeks later the letter is gone", async () => {
    const { id, batch } = messageOf<Body>(settleMessage("mine"));
    await consumeDead(batch, bindings().env);
    const early = bindings();
    await redriveDead(early.env, Date.now() + HOUR - 60_000);
    expect(early.sent).not.toContainEqual(settleMessage("mine"));
    const late = bindings();
    await redriveDead(late.env, Date.now() + HOUR + 60_000);
    expect(late.sent).toContainEqual(settleMessage("mine"));
    expect(await letterOf(id)).toMatchObject({ redrivenAt: expect.stringMatching(/Z$/) });
    await redriveDead(bindings().env, Date.now() + 15 * 24 * HOUR);
    expect(await letterOf(id)).toBeUndefined();
  });

  it("leaves of it what is shown: the queue has the rest", async () => {
    const { id, batch } = messageOf<Body>(settleMessage("x".repeat(10_000)));
    await consumeDead(batch, bindings().env);
    await redriveDead(bindings().env, Date.now() + 2 * HOUR);
    const kept = await env.DB.prepare("SELECT length(body) AS chars FROM dead_letters WHERE id LIKE ?")
      .bind(`%${id}`)
      .first("chars");
    expect(kept).toBe(4_096);
  });
});

describe("dead letters that nobody needs any more", () => {
  it("are at most 10,000, the newest; what waits to go around is none of them", async () => {
    const { id, batch } = messageOf<Body>(settleMessage("waits"));
    await consumeDead(batch, bindings().env);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO dead_letters SELECT 'dead_zz' || printf('%06d', i), iif(i % 2, 'deliveries', 'backup'), 'settle', ?1, 1,
         '{}', NULL, iif(i % 2, NULL, ?1) FROM n`,
    )
      .bind(Date.now(), MAX_SPENT_DEAD_LETTERS + 10)
      .run();
    await redriveDead(bindings().env, Date.now());
    const left = await env.DB.prepare(
      "SELECT count(*) AS letters, min(id) AS first FROM dead_letters WHERE id LIKE 'dead_zz%'",
    ).first();
    expect(left).toEqual({ letters: MAX_SPENT_DEAD_LETTERS, first: "dead_zz000011" });
    await env.DB.prepare("DELETE FROM dead_letters WHERE id LIKE 'dead_zz%'").run();
    expect(await letterOf(id)).toMatchObject({ redrivenAt: null });
  });
});
