import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";

import { deliveryId } from "../../src/event/ids.ts";
import { call, newEndpoint, newMerchant, receive } from "../support/merchant.ts";

/** Retries are real: they come a second after the failure, and the tests wait for them. */
const RETRIED = { timeout: 20_000 };
const RETRY_SOON = { retrySchedule: [1] };
const RETRY_LATER = { retrySchedule: [3600] };

let key: string;
let merchant: string;
let endpoint: { id: string; secret: string };

beforeEach(async () => {
  ({ id: merchant, key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

/** What the endpoint was sent, as it read it. */
interface Sent {
  url: string;
  redirect: string;
  headers: Record<string, string>;
  body: string;
}

/** Answers the requests of the one endpoint that the merchant has; `seen` counts those of the same event, from 1. */
async function listen(fields: object, answer: (seen: number, sequence: number) => Response): Promise<Sent[]> {
  endpoint = await newEndpoint(key, { ...fields });
  const sent: Sent[] = [];
  receive(async (request) => {
    const { url, redirect, headers } = request;
    const body = await request.text();
    sent.push({ url, redirect, headers: Object.fromEntries(headers), body });
    const { id, sequence } = JSON.parse(body);
    return answer(sent.filter((one) => one.headers["webhook-id"] === id).length, sequence);
  });
  return sent;
}

const ok = () => new Response(null, { status: 204 });
const broken = () => new Response("out of order", { status: 500 });

let posted = 0;

/** Posts an event of the one user; returns its id and its delivery's. */
async function post(custom: object = {}): Promise<{ event: string; delivery: string }> {
  posted += 1;
  const body = { id: `e_${posted}`, type: "custom.note", user: "u_1", data: { custom } };
  const { status, json } = await call("POST", "/v1/events", { key, body });
  expect(status).toBe(202);
  const event = String(json["id"]);
  return { event, delivery: deliveryId(event, endpoint.id) };
}

interface Shown {
  status: string;
  reason: string | null;
  waitingFor: { reason: string; until?: string; delivery?: string } | null;
  attempts: {
    class: string;
    at: string;
    durationMs: number;
    status?: number;
    response?: string;
    error?: string;
    retryAt?: string;
  }[];
}

async function show(delivery: string): Promise<Shown> {
  return (await call("GET", `/v1/deliveries/${delivery}`, { key })).json as unknown as Shown;
}

async function until(delivery: string, status: string): Promise<Shown> {
  return vi.waitUntil(
    async () => {
      const shown = await show(delivery);
      return shown.status === status && shown;
    },
    { timeout: 10_000, interval: 25 },
  );
}

const act = async (delivery: string, action: string) => call("POST", `/v1/deliveries/${delivery}/${action}`, { key });

describe("a thin webhook", () => {
  it("names an event that can be read at once, and is the same at every attempt", RETRIED, async () => {
    endpoint = await newEndpoint(key, { ...RETRY_SOON, payload: "thin" });
    const bodies: string[] = [];
    const read: unknown[] = [];
    receive(async (request) => {
      bodies.push(await request.text());
      read.push((await call("GET", JSON.parse(bodies[0]!).url, { key })).json["body"]);
      return bodies.length === 1 ? broken() : ok();
    });
    const { event, delivery } = await post({ n: 1 });
    await until(delivery, "delivered");
    expect(JSON.parse(bodies[0]!)).toEqual({
      id: event,
      apiVersion: expect.any(String),
      type: "custom.note",
      timestamp: expect.any(String),
      livemode: true,
      url: `/v1/events/${event}`,
    });
    expect(read[0]).toMatchObject({ id: event, user: "u_1", data: { custom: { n: 1 } } });
    expect(bodies[1]).toBe(bodies[0]);
  });
});

describe("an answer of the endpoint", () => {
  it.each([200, 201, 202, 204, 299])("%i is a delivery", async (status) => {
    const sent = await listen({}, () => new Response(null, { status }));
    const { event, delivery } = await post();
    const shown = await until(delivery, "delivered");
    expect(shown).toMatchObject({ reason: null, waitingFor: null, attempts: [{ class: "delivered", status }] });
    expect(sent).toHaveLength(1);
    expect(sent[0]!.headers).toMatchObject({ "webhook-id": event, "paybell-attempt": "1" });
  });

  it("500 and then 204: tried again when its schedule says, with the same id and the same bytes", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (seen) => (seen === 1 ? broken() : ok()));
    const { event, delivery } = await post({ note: "café 🔔 $& \u2028" });
    const failed = await until(delivery, "retrying");
    expect(failed).toMatchObject({
      reason: "http",
      waitingFor: { reason: "backoff", until: failed.attempts[0]!.retryAt },
      attempts: [{ class: "http", status: 500, response: "out of order" }],
    });
    const { attempts } = await until(delivery, "delivered");
    expect(attempts.map((attempt) => attempt.class)).toEqual(["http", "delivered"]);
    expect(Date.parse(attempts[1]!.at)).toBeGreaterThanOrEqual(Date.parse(attempts[0]!.retryAt!));
    expect(Date.parse(attempts[0]!.retryAt!) - Date.parse(attempts[0]!.at)).toBeGreaterThanOrEqual(1000);
    expect(sent.map(({ headers }) => [headers["webhook-id"], headers["paybell-attempt"]])).toEqual([
      [event, "1"],
      [event, "2"],
    ]);
    expect(sent[1]!.body).toBe(sent[0]!.body);
    for (const { body, headers } of sent) {
      expect(new Webhook(endpoint.secret).verify(body, headers)).toMatchObject({ id: event });
    }
  });

  it("301 is a failure, and its Location is never asked", RETRIED, async () => {
    const location = "https://elsewhere.example/hook";
    const sent = await listen(RETRY_SOON, () => new Response(null, { status: 301, headers: { location } }));
    const { delivery } = await post();
    const shown = await until(delivery, "exhausted");
    expect(shown).toMatchObject({
      reason: "redirect",
      attempts: [
        { class: "redirect", status: 301 },
        { class: "redirect", status: 301 },
      ],
    });
    const asked = { url: "https://shop.example/hook", redirect: "manual" };
    expect(sent).toMatchObject([asked, asked]);
  });

  it("410 says that the endpoint is gone", async () => {
    await listen(RETRY_LATER, () => new Response(null, { status: 410 }));
    const shown = await until((await post()).delivery, "retrying");
    expect(shown).toMatchObject({ reason: "gone", attempts: [{ class: "gone", status: 410 }] });
  });

  it.each([429, 503])("%i with Retry-After: waits as long as it is asked to", async (status) => {
    await listen(RETRY_SOON, () => new Response(null, { status, headers: { "retry-after": "600" } }));
    const shown = await until((await post()).delivery, "retrying");
    expect(shown).toMatchObject({ reason: "throttled", waitingFor: { reason: "retry_after" } });
    const [attempt] = shown.attempts;
    const wait = Date.parse(shown.waitingFor!.until!) - Date.parse(attempt!.at);
    expect(wait).toBeGreaterThanOrEqual(600_000);
    // At most a tenth later, and what the exchange itself took.
    expect(wait).toBeLessThanOrEqual(660_000 + 5_000);
  });

  it("of 1 MB is a delivery: its start is kept, and the rest not even read", async () => {
    let read = 0;
    let isCanceled = false;
    const endless = () =>
      new ReadableStream({
        pull: (controller) => {
          read += 1024;
          controller.enqueue(new TextEncoder().encode("x".repeat(1024)));
          if (read >= 1_000_000) {
            controller.close();
          }
        },
        cancel: () => {
          isCanceled = true;
        },
      });
    await listen({}, () => new Response(endless()));
    const { attempts } = await until((await post()).delivery, "delivered");
    expect(attempts[0]!.response).toBe("x".repeat(4096));
    expect(isCanceled).toBe(true);
    expect(read).toBeLessThan(100_000);
  });

  it("takes until its body has come: the attempt ends with that", async () => {
    endpoint = await newEndpoint(key, { url: `${inject("receiver")}/late` });
    const { attempts } = await until((await post()).delivery, "delivered");
    expect(attempts[0]!.response).toBe("so far");
    expect(attempts[0]!.durationMs).toBeGreaterThanOrEqual(390);
  });

  it("that says in its body that it failed is a delivery all the same: the log has what it said", async () => {
    await listen({}, () => Response.json({ error: "no such order" }));
    const { attempts } = await until((await post()).delivery, "delivered");
    expect(attempts).toMatchObject([{ class: "delivered", status: 200, response: '{"error":"no such order"}' }]);
  });

  it("that never comes because the connection fails is tried again", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (seen) => {
      if (seen === 1) {
        throw new TypeError("Network connection lost.");
      }
      return ok();
    });
    const { attempts } = await until((await post()).delivery, "delivered");
    expect(attempts).toMatchObject([
      { class: "connection", code: "connection_lost", error: expect.stringContaining("broke it off") },
      { class: "delivered" },
    ]);
    expect(attempts[0]).not.toHaveProperty("status");
    expect(sent[1]!.body).toBe(sent[0]!.body);
  });
});

describe("the end of a delivery", () => {
  it("a schedule that is used up exhausts it, and the lane goes on", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (_, sequence) => (sequence === 1 ? broken() : ok()));
    const [head, behind] = [await post(), await post()];
    await until(head.delivery, "retrying");
    expect((await show(behind.delivery)).waitingFor).toEqual({ reason: "lane", delivery: head.delivery });
    const shown = await until(head.delivery, "exhausted");
    expect(shown).toMatchObject({ reason: "http", waitingFor: null });
    expect(shown.attempts).toHaveLength(2);
    expect(shown.attempts[1]).not.toHaveProperty("retryAt");
    await until(behind.delivery, "delivered");
    expect(sent.map(({ body }) => JSON.parse(body).sequence)).toEqual([1, 1, 2]);
  });

  it("deleting its endpoint cancels it and what waits behind it", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, broken);
    const [head, behind] = [await post(), await post()];
    await until(head.delivery, "retrying");
    expect((await call("DELETE", `/v1/endpoints/${endpoint.id}`, { key })).status).toBe(204);
    expect(await until(head.delivery, "canceled")).toMatchObject({ reason: "endpoint_deleted", waitingFor: null });
    expect(await until(behind.delivery, "canceled")).toMatchObject({ reason: "endpoint_deleted", attempts: [] });
    expect(sent).toHaveLength(1);
  });

  it("a URL that may not be asked exhausts it at once, and nothing is sent", async () => {
    const sent = await listen(RETRY_SOON, ok);
    const change = env.DB.prepare("UPDATE endpoints SET url = 'http://169.254.1.1/' WHERE merchant = ?");
    await change.bind(merchant).run();
    const shown = await until((await post()).delivery, "exhausted");
    expect(shown).toMatchObject({
      reason: "refused",
      attempts: [{ class: "refused", error: expect.stringContaining("IP address") }],
    });
    expect(sent).toEqual([]);
  });

  it("canceled by hand it is over: it is not sent again, and the lane goes on", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (_, sequence) => (sequence === 1 ? broken() : ok()));
    const head = await post();
    const { attempts } = await until(head.delivery, "retrying");
    expect(await act(head.delivery, "cancel")).toMatchObject({ status: 200, json: { status: "canceled" } });
    await until((await post()).delivery, "delivered");
    // Past the time of its retry, everything that is due has been sent.
    await vi.waitUntil(() => Date.now() > Date.parse(attempts[0]!.retryAt!) + 500, { timeout: 5_000 });
    await until((await post()).delivery, "delivered");
    expect(sent.map(({ body }) => JSON.parse(body).sequence)).toEqual([1, 2, 3]);
    expect(await show(head.delivery)).toMatchObject({ status: "canceled", reason: "by_hand", attempts });
  });
});

describe("a retry by hand", () => {
  it("delivers it once it is exhausted", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (seen) => (seen <= 2 ? broken() : ok()));
    const { event, delivery } = await post({ note: "again" });
    await until(delivery, "exhausted");
    expect(await act(delivery, "retry")).toMatchObject({ status: 202, json: { status: "queued" } });
    const { attempts } = await until(delivery, "delivered");
    expect(attempts).toMatchObject([
      { class: "http", trigger: "scheduled" },
      { class: "http", trigger: "scheduled" },
      { class: "delivered", trigger: "manual" },
    ]);
    expect(sent.map(({ headers }) => [headers["webhook-id"], headers["paybell-attempt"]])).toEqual([
      [event, "1"],
      [event, "2"],
      [event, "3"],
    ]);
    expect(new Set(sent.map(({ body }) => body)).size).toBe(1);
  });
});

describe("a large event", () => {
  it("of 200 KB arrives whole, at every attempt", RETRIED, async () => {
    const sent = await listen(RETRY_SOON, (seen) => (seen === 1 ? broken() : ok()));
    const custom = { text: "é".repeat(100_000) };
    const { event, delivery } = await post(custom);
    await until(delivery, "delivered");
    expect(sent).toHaveLength(2);
    for (const { body, headers } of sent) {
      expect(new Webhook(endpoint.secret).verify(body, headers)).toMatchObject({ id: event, data: { custom } });
    }
    expect((await call("GET", `/v1/events/${event}`, { key })).json["body"]).toMatchObject({
      id: event,
      data: { custom },
    });
    expect(await act(delivery, "retry")).toMatchObject({ status: 202 });
    await vi.waitUntil(() => sent.length === 3, { timeout: 10_000 });
    expect(sent[2]!.body).toBe(sent[0]!.body);
  });
});
