import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { deliveryId } from "../../src/event/ids.ts";
import { eraseDue } from "../../src/outbox/erasing.ts";
import { gateKey, userKey } from "../../src/outbox/keys.ts";
import { eraseBite, newErasure, type Erasure } from "../../src/store/erasures.ts";
import { writeLog } from "../../src/store/log.ts";
import { suppress } from "../../src/store/people.ts";
import { erasures, jobs } from "../../src/store/schema.ts";
import { attempt, deliveryRow, eventRecord, furnishedMerchant, logEvents, newJob } from "../api/support.ts";
import { accept, acceptEvent, endpoint, paymentEvent } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive } from "../support/merchant.ts";

const DAY = 24 * 3_600_000;
/** What a merchant owns besides its log. */
const OWNED = ["users", "suppressions", "endpoints", "api_keys", "sources", "channel_accounts", "jobs"];

let merchant: { id: string; key: string };

beforeEach(async () => {
  await env.DB.exec("DELETE FROM erasures");
  merchant = await newMerchant();
});

afterEach(() => vi.restoreAllMocks());

/** Every row of the log and of the people of a merchant, as text. */
async function stored(): Promise<string> {
  const tables = ["events", "deliveries", "users", "audit"];
  const rows = await env.DB.batch(
    tables.map((table) => env.DB.prepare(`SELECT * FROM ${table} WHERE merchant = ?`).bind(merchant.id)),
  );
  return JSON.stringify(rows.map(({ results }) => results));
}

const left = async () => env.DB.prepare("SELECT id FROM erasures WHERE merchant = ?").bind(merchant.id).all();

/** An event of a user in the log, with a delivery; both tell of the person. */
async function logged(user: string, at: number, status: "delivered" | "pending" = "delivered"): Promise<string> {
  const [id] = await logEvents(merchant.id, 1, "ep_1", { from: at });
  const key = await userKey(merchant.id, user);
  const record = { ...eventRecord(merchant.id, id!, at), user, key };
  await env.DB.prepare("DELETE FROM events WHERE id = ?").bind(id!).run();
  await env.DB.prepare("DELETE FROM deliveries WHERE event = ?").bind(id!).run();
  const template = `{"id":"${id!}","user":"${user}","sequence":1,"previous":\u0000,"data":{"payment":{"id":"pi_1","amount":{"value":"1999"}},"custom":{"name":"${user}"}}}`;
  const said = attempt(at, { class: "delivered", response: `Thank you, ${user}`, error: user, message: user });
  const delivery = { ...deliveryRow(merchant.id, id!, "ep_1", at), user, key, status, attempt: said };
  await writeLog(env.DB, [{ event: { ...record, template } }, { delivery }]);
  return id!;
}

/** An erasure is asked for, and nothing has gone on with it yet. */
const ask = (user: string) =>
  drizzle(env.DB)
    .insert(erasures)
    .values(newErasure(merchant.id, user, Date.now()));

const erase = async (user: string) => {
  const { status, json } = await call("DELETE", `/v1/users/${user}`, { key: merchant.key });
  expect(status).toBe(202);
  return String(json["id"]);
};

describe("the erasure of a user", () => {
  it("takes the person out of contact and log; amounts, ids and how it went stay", async () => {
    await call("PUT", "/v1/users/ada_marker", { key: merchant.key, body: { email: "ada@customers.example" } });
    const event = await logged("ada_marker", Date.now() - DAY);
    const other = await logged("bob", Date.now() - DAY);
    await erase("ada_marker");
    await vi.waitFor(async () => expect(await stored()).not.toContain("ada_marker"), { interval: 25 });
    const { json } = await call("GET", `/v1/events/${event}`, { key: merchant.key });
    expect(json).toMatchObject({
      user: null,
      payment: "pi_1",
      body: { user: null, erased: true, data: { payment: { id: "pi_1", amount: { value: "1999" } } } },
      deliveries: [{ status: "delivered", attempts: [{ class: "delivered", status: 500 }] }],
    });
    expect((await call("GET", `/v1/events/${other}`, { key: merchant.key })).json["user"]).toBe("bob");
  });

  it("lets what was erased be neither sent again nor canceled", async () => {
    const delivery = deliveryId(await logged("ada_marker", Date.now() - DAY), "ep_1");
    await erase("ada_marker");
    await vi.waitFor(async () => expect(await stored()).not.toContain("ada_marker"), { interval: 25 });
    const { key } = merchant;
    expect((await call("POST", `/v1/deliveries/${delivery}/retry`, { key })).json["code"]).toBe("not_found");
    expect((await call("POST", `/v1/deliveries/${delivery}/cancel`, { key })).json["code"]).toBe("already_over");
  });

  it("cancels what the person has not been told, and lets webhooks go out", async () => {
    const key = await userKey(merchant.id, "ada");
    const plan = [endpoint("email"), endpoint("ep_1")];
    const [accepted] = await accept(
      env.USER_OUTBOX.getByName(key),
      await acceptEvent({
        merchant: merchant.id,
        plan,
        event: paymentEvent({ user: "ada" }),
        receivedAt: Date.now() - 1000,
      }),
    );
    const event = accepted!.status === "accepted" ? accepted!.id : "";
    await erase("ada");
    const standing = async (destination: string) => {
      const delivery = deliveryId(event, destination);
      return (await env.USER_OUTBOX.getByName(key).inspect({ v: 1, event, delivery })).found;
    };
    await vi.waitFor(async () => expect(await standing("email")).toBe(false), { interval: 25 });
    expect(await standing("ep_1")).toBe(true);
    const row = await env.DB.prepare("SELECT status, reason FROM deliveries WHERE id = ?")
      .bind(deliveryId(event, "email"))
      .first();
    expect(row).toEqual({ status: "canceled", reason: "user_erased" });
  });

  it("waits for what is unfinished, and comes again daily until that is over; the audit has its end", async () => {
    const now = Date.now();
    const waiting = await logged("ada", now - DAY, "pending");
    const erasure = await erase("ada");
    await vi.waitFor(async () => {
      const row = await env.DB.prepare("SELECT due_at FROM erasures WHERE id = ?")
        .bind(erasure)
        .first<number>("due_at");
      expect(row).toBeGreaterThan(now + DAY / 2);
    });
    expect((await call("GET", `/v1/events/${waiting}`, { key: merchant.key })).json["user"]).toBe("ada");
    await env.DB.prepare("UPDATE deliveries SET status = 'exhausted' WHERE event = ?").bind(waiting).run();
    await eraseDue(env, now + 2 * DAY);
    expect((await call("GET", `/v1/events/${waiting}`, { key: merchant.key })).json["user"]).toBeNull();
    await eraseDue(env, now + 16 * DAY);
    expect((await left()).results).toEqual([]);
    const { data } = (await call("GET", "/v1/audit", { key: merchant.key })).json;
    expect(data[0]).toMatchObject({ action: "user.erased", target: erasure, actor: "paybell" });
  });

  it("touches nothing that came after it was asked for", async () => {
    await erase("ada");
    const later = await logged("ada", Date.now() + 60_000);
    await eraseDue(env, Date.now() + 2 * DAY);
    expect((await call("GET", `/v1/events/${later}`, { key: merchant.key })).json["user"]).toBe("ada");
  });

  it("takes the person out of jobs that are over; one that runs goes on for that person alone", async () => {
    const filter = { statuses: ["exhausted" as const], since: 0, until: 1, user: "ada", channel: "email" };
    const [over, running, other] = [
      newJob(merchant.id, { filter }),
      newJob(merchant.id, { filter, status: "running", finishedAt: null }),
      newJob(merchant.id, { filter: { ...filter, user: "bob" } }),
    ];
    await drizzle(env.DB).insert(jobs).values([over, running, other]);
    await ask("ada");
    await eraseDue(env, Date.now());
    const rows = await drizzle(env.DB).select().from(jobs).where(eq(jobs.merchant, merchant.id));
    const left = new Map(rows.map((row) => [row.id, row.filter]));
    const { user: _, ...nobody } = filter;
    expect(left.get(over.id)).toEqual(nobody);
    expect(left.get(running.id)).toEqual(filter);
    expect(left.get(other.id)).toEqual({ ...filter, user: "bob" });
  });

  it("looks again, daily, only at what may have been on its way: 45 days of the log", async () => {
    await ask("ada");
    const now = Date.now();
    await eraseDue(env, now);
    const [recent, old] = [await logged("ada", now - 44 * DAY), await logged("ada", now - 46 * DAY)];
    await eraseDue(env, now + 2 * DAY);
    const userOf = async (event: string) =>
      (await call("GET", `/v1/events/${event}`, { key: merchant.key })).json["user"];
    expect([await userOf(recent), await userOf(old)]).toEqual([null, "ada"]);
  });

  it("does not hold up another one, neither by its length nor by how many there are of its merchant", async () => {
    const other = await newMerchant();
    const long = { ...merchant };
    await logEvents(long.id, 2_300, "ep_1", { from: Date.now() - DAY });
    await Promise.all(Array.from({ length: 12 }, () => ask("u_1")));
    merchant = other;
    const event = await logged("ada", Date.now() - DAY);
    await ask("ada");
    await eraseDue(env, Date.now());
    expect((await call("GET", `/v1/events/${event}`, { key: other.key })).json["user"]).toBeNull();
    const named = "SELECT count(*) AS n FROM events WHERE merchant = ? AND user IS NOT NULL";
    expect(await env.DB.prepare(named).bind(long.id).first("n")).toBeGreaterThan(0);
  });

  it("looks at more rows in a bite than it would delete", async () => {
    await logEvents(merchant.id, 2_300, "ep_1", { from: Date.now() - DAY });
    const afterDeliveries = await eraseBite(env, newErasure(merchant.id, "ada", Date.now()), Date.now());
    expect(afterDeliveries?.place).toMatch(/^dlv_/);
    expect(await eraseBite(env, afterDeliveries!, Date.now())).toBeNull();
  });

  it("goes through a log of any length, bite by bite", async () => {
    const from = Date.now() - DAY;
    await logEvents(merchant.id, 2_300, "ep_1", { from });
    await erase("u_1");
    await eraseDue(env, Date.now() + 2 * DAY);
    await eraseDue(env, Date.now() + 2 * DAY);
    const count = await env.DB.prepare(
      "SELECT (SELECT count(*) FROM events WHERE merchant = ?1 AND user IS NOT NULL) + (SELECT count(*) FROM deliveries WHERE merchant = ?1 AND user IS NOT NULL) AS n",
    )
      .bind(merchant.id)
      .first("n");
    expect(count).toBe(0);
  });
});

describe("an erasure that is asked for again", () => {
  it("is the one that is open, however often at once", async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => erase("ada")));
    expect(new Set(ids).size).toBe(1);
    expect((await left()).results).toEqual([{ id: ids[0] }]);
    const { data } = (await call("GET", "/v1/audit", { key: merchant.key })).json;
    expect(data.filter(({ action }) => action === "user.erasure_started")).toMatchObject([{ target: ids[0] }]);
  });

  it("reaches what came meanwhile, and the addresses that were given again", async () => {
    const first = await erase("ada");
    const passed = "SELECT since FROM erasures WHERE id = ?";
    await vi.waitFor(async () => expect(await env.DB.prepare(passed).bind(first).first("since")).toBeGreaterThan(0));
    await env.DB.prepare("UPDATE erasures SET created_at = created_at - 60000 WHERE id = ?").bind(first).run();
    const event = await logged("ada", Date.now() - 30_000);
    await call("PUT", "/v1/users/ada", { key: merchant.key, body: { email: "ada@customers.example" } });
    expect(await erase("ada")).toBe(first);
    await eraseDue(env, Date.now());
    expect((await call("GET", `/v1/events/${event}`, { key: merchant.key })).json["user"]).toBeNull();
    expect((await call("GET", "/v1/users/ada", { key: merchant.key })).status).toBe(404);
  });

  it("is not ended by the last pass of what was asked for before", async () => {
    const now = Date.now();
    const before = newErasure(merchant.id, "ada", now - 15 * DAY);
    await drizzle(env.DB).insert(erasures).values(before);
    expect(await erase("ada")).toBe(before.id);
    let erasure: Erasure | null = before;
    while (erasure !== null) erasure = await eraseBite(env, erasure, now);
    expect((await left()).results).toEqual([{ id: before.id }]);
    const { data } = (await call("GET", "/v1/audit", { key: merchant.key })).json;
    expect(data.map(({ action }) => action)).not.toContain("user.erased");
  });
});

describe("the deletion of a merchant", () => {
  it("takes its log with it, and at last its audit and the note of it", async () => {
    await logged("ada", Date.now() - DAY);
    await call("DELETE", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    await eraseDue(env, Date.now());
    expect(JSON.parse(await stored())).toMatchObject([
      [],
      [],
      [],
      [{ action: "merchant.created" }, { action: "merchant.deleted" }],
    ]);
    // What was still on its way is logged later, and goes too.
    await logged("ada", Date.now());
    await eraseDue(env, Date.now() + 16 * DAY);
    expect(JSON.parse(await stored())).toEqual([[], [], [], []]);
    expect((await left()).results).toEqual([]);
  });

  it("takes all else with it, also what comes of calls that were under way, and older erasures", async () => {
    const { id, endpoint } = await furnishedMerchant();
    await suppress(env, id, "email", "ada@customers.example", "opted_out");
    const rows = await env.DB.batch(
      OWNED.map((table) => env.DB.prepare(`SELECT * FROM ${table} WHERE merchant = ?`).bind(id)),
    );
    const { key } = merchant;
    merchant = { id, key };
    await ask("ada");
    await call("DELETE", `/v1/merchants/${id}`, { key: env.ADMIN_TOKEN });
    const owned = async () => {
      const left = await env.DB.batch<{ n: number }>(
        OWNED.map((table) => env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE merchant = ?`).bind(id)),
      );
      return left.map(({ results }) => results[0]!.n);
    };
    const none = OWNED.map(() => 0);
    await vi.waitFor(async () => expect(await owned()).toEqual(none), { interval: 25 });
    expect(await env.DB.prepare("SELECT user FROM erasures WHERE merchant = ?").bind(id).all()).toMatchObject({
      results: [{ user: null }],
    });
    for (const [index, table] of OWNED.entries()) {
      for (const row of rows[index]!.results as Record<string, unknown>[]) {
        const names = Object.keys(row);
        await env.DB.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => "?").join()})`)
          .bind(...Object.values(row))
          .run();
      }
    }
    expect(await owned()).not.toContain(0);
    await env.ENDPOINT_GATE.getByName(await gateKey(id, endpoint)).park({
      v: 1,
      merchant: id,
      endpoint,
      outbox: "u/1",
    });
    await eraseDue(env, Date.now() + 2 * DAY);
    expect(await owned()).toEqual(none);
    const parked = await runInDurableObject(
      env.ENDPOINT_GATE.getByName(await gateKey(id, endpoint)),
      (_, { storage }) => storage.sql.exec("SELECT outbox FROM parked").toArray(),
    );
    expect(parked).toEqual([]);
  });

  it("ends what was pending", async () => {
    const { id } = await newEndpoint(merchant.key, { retrySchedule: [1] });
    const sent = receive(() => new Response(null, { status: 500 }));
    const { json } = await call("POST", "/v1/events", {
      key: merchant.key,
      body: { id: "e_1", type: "custom.note", user: "u_1", data: {} },
    });
    await vi.waitUntil(() => sent.length === 1, { timeout: 5_000 });
    await call("DELETE", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    await vi.waitFor(
      async () => {
        const status = await env.DB.prepare("SELECT status FROM deliveries WHERE merchant = ? AND id = ?")
          .bind(merchant.id, deliveryId(String(json["id"]), id))
          .first("status");
        expect(status).toBe("canceled");
      },
      { timeout: 8_000, interval: 50 },
    );
    expect(sent).toHaveLength(1);
  });
});
