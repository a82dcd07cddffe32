import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { writeLog } from "../../src/store/log.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";
import { attempt, deliveryRow, eventRecord, logEvents, newEventId, readBy } from "./support.ts";

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(() => {
  vi.restoreAllMocks();
});

const post = (body: unknown, headers: Record<string, string> = {}) =>
  call("POST", "/v1/events", { key: merchant.key, body, headers });
const get = (path: string) => call("GET", path, { key: merchant.key });

function event(id: string | undefined, overrides: Record<string, unknown> = {}) {
  return {
    ...(id !== undefined && { id }),
    type: "payment.succeeded",
    user: "u_1",
    timestamp: "2026-11-23T13:00:00.5+01:00",
    data: { payment: { id: "p_77", amount: { value: "1999", currency: "EUR" }, reference: "order-77" } },
    ...overrides,
  };
}

describe("POST /v1/events", () => {
  it("takes an event once, and knows it again", async () => {
    const first = await post(event("a"));
    expect(first).toMatchObject({
      status: 202,
      json: { id: expect.stringMatching(/^evt_/), sequence: 1, status: "accepted" },
    });
    const { data, ...rest } = event("a");
    expect(await post({ data, ...rest })).toEqual({ status: 202, json: { ...first.json, status: "duplicate" } });
    const other = await post(event("a", { type: "payment.failed" }));
    expect(other).toMatchObject({ status: 409, json: { code: "idempotency_conflict" } });
    expect(String(other.json["detail"])).toContain(String(first.json["id"]));
  });

  it("knows an event by its Idempotency-Key as by its id, and goes by the id where there are both", async () => {
    const header = { "idempotency-key": "a" };
    const first = await post(event(undefined), header);
    expect(first.json["status"]).toBe("accepted");
    expect((await post(event(undefined), header)).json).toEqual({ ...first.json, status: "duplicate" });
    expect((await post(event("a"))).json).toEqual({ ...first.json, status: "duplicate" });
    expect((await post(event("b"), header)).json["status"]).toBe("accepted");
  });

  it("keeps the ids of merchants apart", async () => {
    await post(event("a"));
    merchant = await newMerchant();
    expect((await post(event("a"))).json["status"]).toBe("accepted");
  });

  it("takes an array, with one result an event and in order", async () => {
    const known = await post(event("a"));
    await post(event("c"));
    const { status, json } = await post([event("a"), event("b"), event("c", { livemode: false })]);
    expect(status).toBe(202);
    expect(json.data.map((one) => one["status"])).toEqual(["duplicate", "accepted", "conflict"]);
    expect(json.data[0]?.["id"]).toBe(known.json["id"]);
  });

  it("takes one id of two users as two events, also within one millisecond", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const posted = await Promise.all(
      ["u_a", "u_b"].map((user) => post(event("a", { user, data: { payment: { id: `p_${user}` } } }))),
    );
    vi.useRealTimers();
    expect(posted.map(({ json }) => json["status"])).toEqual(["accepted", "accepted"]);
    expect(new Set(posted.map(({ json }) => json["id"])).size).toBe(2);
  });

  it("takes 100 events at once", async () => {
    const { json } = await post(Array.from({ length: 100 }, (_, i) => event(`e${i}`)));
    expect(json.data.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it("takes a merchant's own types with data of any shape", async () => {
    const custom = { a: [1, { b: null }], ключ: "значение 🔔", __proto__: { x: 1 } };
    const { status, json } = await post({ id: "a", type: "custom.order.shipped", data: { custom } });
    expect(status).toBe(202);
    await vi.waitUntil(async () => (await get(`/v1/events/${String(json["id"])}`)).status === 200, { timeout: 5000 });
  });

  it("delivers what it took", async () => {
    const bodies: string[] = [];
    receive(async (request) => {
      bodies.push(await request.text());
      return new Response(null, { status: 204 });
    });
    await newEndpoint(merchant.key);
    const { json } = await post(event("a"));
    const shown = await untilStatus(merchant.key, String(json["id"]), "delivered");
    expect(shown).toMatchObject({
      id: json["id"],
      type: "payment.succeeded",
      user: "u_1",
      payment: "p_77",
      source: "api",
      provider: null,
      livemode: true,
      stale: false,
      sequence: 1,
      occurredAt: "2026-11-23T12:00:00.500Z",
      alteredAt: null,
    });
    const delivered = JSON.parse(bodies[0] ?? "null") as Record<string, unknown>;
    expect(shown["body"]).toEqual({ ...delivered, previous: null });
    expect(shown["deliveries"]).toMatchObject([
      {
        status: "delivered",
        waitingFor: null,
        channel: "webhook",
        attempts: [{ number: 1, class: "delivered", status: 204 }],
      },
    ]);
  });
});

describe("GET /v1/events", () => {
  const AT = Date.parse("2026-11-20T12:00:00Z");

  it("lists the newest first, page by page, also from a time on", async () => {
    const ids = await logEvents(merchant.id, 5, "ep_1", { from: AT });
    const first = await get("/v1/events?limit=3");
    expect(first.json.data.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 3));
    const second = await get(`/v1/events?limit=3&after=${String(first.json["next"])}`);
    expect(second.json.data.map(({ id }) => id)).toEqual(ids.toReversed().slice(3));
    expect(second.json["next"]).toBeNull();
    const oldest = await get("/v1/events?limit=2&order=asc");
    expect(oldest.json.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const since = await get(`/v1/events?since=${new Date(AT + 3).toISOString()}`);
    expect(since.json.data.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 2));
  });

  it("reads no bodies: a page of them would be megabytes", async () => {
    const [id] = await logEvents(merchant.id, 1, "ep_1");
    const read = await readBy("/v1/events", merchant.key);
    expect(read).toContain(id);
    expect(read).not.toContain("previous");
  });

  it("refuses a filter that it does not know, which would show everything", async () => {
    expect((await get("/v1/events?sinse=2026-11-20T12:00:00Z")).status).toBe(422);
  });

  it("shows the attempts of a delivery in their order, with times as ISO 8601", async () => {
    const id = newEventId(AT);
    const row = deliveryRow(merchant.id, id, "ep_1", AT);
    await writeLog(env.DB, [
      { event: eventRecord(merchant.id, id, AT) },
      ...[10, 9, 2, 1].map((counter) => ({
        delivery: {
          ...row,
          counter,
          status: "retrying" as const,
          attempt: attempt(AT + counter, { retryAt: AT + 9000 }),
        },
      })),
    ]);
    const { json } = await get(`/v1/events/${id}`);
    expect(json["body"]).toEqual({ id, previous: null, data: { payment: { id: "pi_1" } } });
    const [delivery] = json["deliveries"] as { attempts: Record<string, unknown>[] }[];
    expect(delivery?.attempts.map(({ number }) => number)).toEqual([1, 2, 9, 10]);
    expect(delivery?.attempts[0]).toMatchObject({
      at: "2026-11-20T12:00:00.001Z",
      retryAt: "2026-11-20T12:00:09.000Z",
    });
  });
});
