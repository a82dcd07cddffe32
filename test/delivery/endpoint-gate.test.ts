import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { deliveryId } from "../../src/event/ids.ts";
import { V } from "../../src/outbox/contract.ts";
import { gateKey, userKey } from "../../src/outbox/keys.ts";
import { pass } from "../support/builders.ts";
import {
  call,
  clearCounters,
  newEndpoint,
  newMerchant,
  readCounters,
  receive,
  setFaults,
} from "../support/merchant.ts";

let merchant: { id: string; key: string };
let endpoint: string;
let posted = 0;

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await setFaults({});
  // Nothing of it reaches the receiver of the next test.
  await call("DELETE", `/v1/endpoints/${endpoint}`, { key: merchant.key });
});

const ok = () => new Response(null, { status: 204 });
const broken = () => new Response("out of order", { status: 500 });

/** The merchant's one endpoint; `answer` is given the number of the request, from 1. Returns the events it was sent. */
async function listen(fields: object, answer: (count: number) => Response | Promise<Response>): Promise<string[]> {
  ({ id: endpoint } = await newEndpoint(merchant.key, { retrySchedule: [1, 1, 1, 3600], ...fields }));
  const sent: string[] = [];
  receive((request) => {
    sent.push(request.headers.get("webhook-id")!);
    return answer(sent.length);
  });
  return sent;
}

async function post(user = "u_1"): Promise<string> {
  posted += 1;
  const body = { id: `g_${posted}`, type: "custom.note", user, data: { custom: {} } };
  return String((await call("POST", "/v1/events", { key: merchant.key, body })).json["id"]);
}

interface Shown {
  status: string;
  waitingFor: { reason: string; until?: string } | null;
  attempts: { class: string }[];
}

const show = async (event: string) =>
  (await call("GET", `/v1/deliveries/${deliveryId(event, endpoint)}`, { key: merchant.key })).json as unknown as Shown;

async function until(event: string, is: (shown: Shown) => boolean, what: string): Promise<Shown> {
  return vi
    .waitUntil(
      async () => {
        const shown = await show(event);
        return shown.attempts !== undefined && is(shown) && shown;
      },
      { timeout: 15_000, interval: 25 },
    )
    .catch(async () => {
      throw new Error(`Not ${what}: ${JSON.stringify(await show(event))}`);
    });
}

const waits = (reason: string) => (shown: Shown) => shown.waitingFor?.reason === reason;
const isOver = (shown: Shown) => shown.status === "delivered";

const gate = async () => env.ENDPOINT_GATE.getByName(await gateKey(merchant.id, endpoint));
const act = async (action: string) => call("POST", `/v1/endpoints/${endpoint}/${action}`, { key: merchant.key });
const shown = async () =>
  (await call("GET", `/v1/endpoints/${endpoint}`, { key: merchant.key })).json as unknown as Record<string, unknown> & {
    health: { breaker: string; pending: number; lastFailure: unknown; lastSuccessAt: string | null };
  };
const isWatched = async () =>
  (await env.DB.prepare("SELECT watch FROM endpoints WHERE merchant = ?").bind(merchant.id).first<number>("watch")) ===
  1;

const ref = (dispatch: string = crypto.randomUUID()) => ({ v: V, merchant: merchant.id, endpoint, dispatch });

/** Asks the gate for a dispatch, as a consumer does. */
const ask = async (dispatch: string, outbox = "u/nobody/x") =>
  (await gate()).ask({ ...ref(dispatch), outbox, perSecond: null });
const slow = async (dispatch: string) => (await gate()).tell({ ...ref(dispatch), told: null });
const park = async (outbox: string) => (await gate()).park({ ...ref(), outbox });
const open = async () => (await gate()).open(ref());
const parked = async () =>
  runInDurableObject(await gate(), (_, { storage }) =>
    storage.sql
      .exec<{ outbox: string }>("SELECT outbox FROM parked")
      .toArray()
      .map(({ outbox }) => outbox),
  );
const armedAt = async () => runInDurableObject(await gate(), (_, { storage }) => storage.getAlarm());

/** Failures that have opened the breaker, so long ago that a probe is due. */
const failLongAgo = async () => tell(Array.from({ length: 10 }, () => ({ class: "http", at: Date.now() - 60_000 })));

/** Tells the gate of outcomes that lie in the past or future. */
async function tell(outcomes: { class: string; at: number; event?: string; durationMs?: number }[]): Promise<void> {
  for (const { event = crypto.randomUUID(), durationMs = 5, ...outcome } of outcomes) {
    const told = { event, durationMs, status: 500, retryAfterMs: null, ...outcome } as never;
    await (await gate()).tell({ ...ref(), told });
  }
}

describe("an endpoint that is well", () => {
  it("never meets its gate", async () => {
    await listen({}, ok);
    await clearCounters();
    await until(await post(), isOver, "delivered");
    expect((await readCounters()).gateRequests).toBe(0);
    expect(await isWatched()).toBe(false);
  });
});

describe("an endpoint that fails", () => {
  it("is watched from its first failure on, until it has been well for five minutes", async () => {
    await listen({}, (count) => (count === 1 ? broken() : ok()));
    const event = await post();
    await until(event, ({ attempts }) => attempts.length === 1, "attempted");
    await vi.waitUntil(isWatched, { timeout: 10_000 });
    await until(event, isOver, "delivered");
    await until(await post(), isOver, "delivered");
    expect(await isWatched()).toBe(true);
    await tell([{ class: "delivered", at: Date.now() + 300_001 }]);
    expect(await isWatched()).toBe(false);
  });

  it("is left alone once it is down; what waits says so, and goes on in order when a probe succeeds", async () => {
    let isDown = true;
    const sent = await listen({ retrySchedule: [3600] }, () => (isDown ? broken() : ok()));
    await tell(Array.from({ length: 10 }, (_, n) => ({ class: "http", at: Date.now() - 10 + n })));
    expect((await shown()).health.breaker).toBe("open");
    const events = [await post("u_a"), await post("u_a"), await post("u_b")];
    await until(events[0]!, waits("breaker"), "waiting for the breaker");
    await until(events[1]!, waits("lane"), "waiting for its lane");
    await until(events[2]!, waits("breaker"), "waiting for the breaker");
    expect(sent).toEqual([]);
    expect((await shown()).health).toMatchObject({
      breaker: "open",
      pending: 3,
      lastFailure: { class: "http", status: 500 },
    });
    isDown = false;
    await tell([{ class: "delivered", at: Date.now() }]);
    await runDurableObjectAlarm(await gate());
    for (const event of events) await until(event, isOver, "delivered");
    expect(sent.indexOf(events[0]!)).toBeLessThan(sent.indexOf(events[1]!));
    expect((await show(events[0]!)).attempts).toHaveLength(1);
  });

  it("all of a sudden is left alone after a handful of requests, however well it was before", async () => {
    const sent = await listen({ retrySchedule: [3600] }, broken);
    const past = Array.from({ length: 100 }, (_, n) => ({
      class: n % 10 === 0 ? "http" : "delivered",
      at: Date.now(),
    }));
    await tell(past);
    await env.DB.prepare("UPDATE endpoints SET watch = 1 WHERE id = ?").bind(endpoint).run();
    await call("PATCH", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: { description: "x" } });
    for (let n = 0; n < 7; n++) {
      await until(await post(`u_${n}`), ({ attempts }) => attempts.length === 1, "attempted");
    }
    for (let n = 7; n < 20; n++) await until(await post(`u_${n}`), waits("breaker"), "waiting for the breaker");
    expect(sent).toHaveLength(7);
  });

  it("has its lanes called when it is back, also those that wait for their own next attempt", async () => {
    let isDown = true;
    await listen({ retrySchedule: [3600] }, () => (isDown ? broken() : ok()));
    await failLongAgo();
    const event = await post("u_probe");
    await until(event, ({ attempts }) => attempts.length === 1, "attempted");
    await vi.waitUntil(async () => (await parked()).includes(await userKey(merchant.id, "u_probe")), {
      timeout: 10_000,
    });
    isDown = false;
    await tell([{ class: "delivered", at: Date.now() }]);
    await until(event, isOver, "delivered");
  });

  it("with 410 to three distinct events in a row is disabled; what comes waits until it is enabled", async () => {
    let isGone = true;
    const sent = await listen({ ordering: "none", retrySchedule: [3600] }, () =>
      isGone ? new Response(null, { status: 410 }) : ok(),
    );
    for (const event of [await post(), await post(), await post()]) {
      await until(event, ({ attempts }) => attempts.length === 1, "attempted");
    }
    await vi.waitUntil(async () => (await shown())["status"] === "disabled", { timeout: 10_000 });
    expect(await shown()).toMatchObject({ disabledReason: "gone", disabledAt: expect.any(String) });
    const waiting = await post();
    await until(waiting, waits("disabled"), "waiting");
    expect(sent).toHaveLength(3);
    isGone = false;
    expect((await act("enable")).json).toMatchObject({ status: "enabled", disabledReason: null });
    await runDurableObjectAlarm(await gate());
    await until(waiting, isOver, "delivered");
  });

  it("that is enabled again begins anew: what was under way before does not disable it again", async () => {
    await listen({}, ok);
    const gone = (events: string[]) => tell(events.map((event) => ({ class: "gone", at: Date.now(), event })));
    await gone(["a", "b", "c"]);
    expect(await shown()).toMatchObject({ status: "disabled", disabledReason: "gone" });
    const settings = { url: "https://shop.example/new", description: "moved" };
    await call("PATCH", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: settings });
    expect((await act("enable")).json).toMatchObject({ ...settings, status: "enabled" });
    await gone(["d", "e"]);
    expect(await shown()).toMatchObject({ ...settings, status: "enabled" });
    await gone(["f"]);
    expect(await shown()).toMatchObject({ ...settings, status: "disabled" });
  });

  it("with nothing but failures for five days is disabled, and the audit says so once", async () => {
    await listen({}, ok);
    const hours = (count: number) => Date.now() - 150 * 3_600_000 + count * 3_600_000;
    await tell([0, 6, 12, 60, 131].map((hour) => ({ class: "timeout", at: hours(hour) })));
    expect((await shown())["status"]).toBe("enabled");
    await tell([132, 133].map((hour) => ({ class: "timeout", at: hours(hour) })));
    expect(await shown()).toMatchObject({ status: "disabled", disabledReason: "failing" });
    const { data } = (await call("GET", "/v1/audit", { key: merchant.key })).json;
    const ends = data.filter(({ action }) => action === "endpoint.disabled");
    expect(ends).toMatchObject([{ actor: "paybell", target: endpoint }]);
  });

  it("with 503 and Retry-After is not asked by others meanwhile", async () => {
    const sent = await listen({ ordering: "none" }, (count) =>
      count === 1 ? new Response(null, { status: 503, headers: { "retry-after": "120" } }) : ok(),
    );
    const first = await post("u_a");
    await until(first, waits("retry_after"), "waiting");
    const other = await post("u_b");
    const { waitingFor } = await until(other, waits("retry_after"), "waiting");
    expect(Date.parse(waitingFor!.until!) - Date.now()).toBeGreaterThan(100_000);
    expect(sent).toHaveLength(1);
  });
});

describe("what has failed by itself", () => {
  it("is left alone as long as its receiver asked for, also where the endpoint is back before", async () => {
    const sent = await listen({ ordering: "none" }, (count) =>
      count === 1 ? new Response(null, { status: 503, headers: { "retry-after": "3600" } }) : ok(),
    );
    const first = await post();
    await until(first, waits("retry_after"), "waiting");
    const others = [await post(), await post()];
    for (const event of others) await until(event, waits("retry_after"), "waiting");
    await tell([{ class: "delivered", at: Date.now() }]);
    for (const event of others) await until(event, isOver, "delivered");
    expect([...sent].sort()).toEqual([first, ...others].sort());
    expect(await show(first)).toMatchObject({ status: "retrying", waitingFor: { reason: "retry_after" } });
  });

  it("is sent as soon as another delivery of its outbox has shown that the endpoint is back", async () => {
    await listen({ ordering: "none", retrySchedule: [3600] }, (count) => (count === 1 ? broken() : ok()));
    const failed = await post();
    await until(failed, ({ attempts }) => attempts.length === 1, "attempted");
    await failLongAgo();
    await ask("probe");
    const probe = await post();
    await until(probe, waits("breaker"), "waiting for the breaker");
    await (await gate()).giveBack(ref("probe"));
    await until(probe, isOver, "delivered");
    await until(failed, isOver, "delivered");
  });
});

describe("a paused endpoint", () => {
  it("gets nothing; what comes waits, in order, and drains when it is resumed", async () => {
    const sent = await listen({}, ok);
    expect((await act("pause")).json).toMatchObject({ status: "paused" });
    const events = [await post("u_a"), await post("u_a"), await post("u_b")];
    await until(events[0]!, waits("paused"), "waiting");
    await until(events[2]!, waits("paused"), "waiting");
    expect(sent).toEqual([]);
    expect((await act("resume")).json).toMatchObject({ status: "enabled" });
    await runDurableObjectAlarm(await gate());
    for (const event of events) await until(event, isOver, "delivered");
    expect(sent.indexOf(events[0]!)).toBeLessThan(sent.indexOf(events[1]!));
    expect(sent).toHaveLength(3);
  });

  it("lets what waits go in few messages, none of which stands before an event that has just come", async () => {
    await listen({ url: "https://shop.example/many" }, ok);
    await act("pause");
    const events = await Promise.all(Array.from({ length: 5 }, (_, n) => post(`u_many_${n}`)));
    for (const event of events) await until(event, waits("paused"), "waiting");
    const [first, again] = [vi.spyOn(env.DELIVERIES, "sendBatch"), vi.spyOn(env.RETRIES, "sendBatch")];
    await act("resume");
    await runDurableObjectAlarm(await gate());
    for (const event of events) await until(event, isOver, "delivered");
    expect(first).not.toHaveBeenCalled();
    expect(again.mock.calls.map(([messages]) => [...messages].length)).toEqual([1]);
  });

  it(
    "is watched until all that waits has gone, which goes on as it succeeds, and no longer",
    { timeout: 40_000 },
    async () => {
      await listen({ url: "https://shop.example/sixty" }, ok);
      await act("pause");
      const events = await Promise.all(Array.from({ length: 60 }, (_, n) => post(`u_sixty_${n}`)));
      await vi.waitUntil(async () => (await parked()).length === 60, { timeout: 15_000 });
      for (const event of events) await until(event, waits("paused"), "waiting");
      await act("resume");
      for (const event of events) await until(event, isOver, "delivered");
      await runDurableObjectAlarm(await gate());
      await until(await post("u_after"), isOver, "delivered");
      await vi.waitUntil(async () => !(await isWatched()), { timeout: 10_000 });
    },
  );

  it("is sent to at once when it was resumed elsewhere, whatever the copy of the configuration says", async () => {
    const sent = await listen({}, ok);
    await act("pause");
    await until(await post("u_a"), waits("paused"), "waiting");
    await env.DB.prepare("UPDATE endpoints SET status = 'enabled' WHERE merchant = ?").bind(merchant.id).run();
    const event = await post("u_b");
    await until(event, (one) => isOver(one) || one.waitingFor !== null, "delivered or waiting");
    expect(sent).toEqual([event]);
  });

  it("is believed to be paused while D1 does not answer", async () => {
    const sent = await listen({}, ok);
    await act("pause");
    await until(await post("u_a"), waits("paused"), "waiting");
    await setFaults({ d1Fails: 1 });
    await post("u_b");
    await vi.waitUntil(async () => (await parked()).includes(await userKey(merchant.id, "u_b")), { timeout: 10_000 });
    expect(sent).toEqual([]);
  });

  it("is still paused after its settings were replaced, and only what was disabled is enabled", async () => {
    await listen({}, ok);
    await act("pause");
    await call("PUT", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: { url: "https://shop.example/2" } });
    expect((await shown())["status"]).toBe("paused");
    expect(await act("resume")).toMatchObject({ status: 200 });
    expect(await act("resume")).toMatchObject({ status: 200 });
    await env.DB.prepare("UPDATE endpoints SET status = 'disabled' WHERE merchant = ?").bind(merchant.id).run();
    expect(await act("resume")).toMatchObject({ status: 409, json: { code: "wrong_status" } });
    expect(await act("pause")).toMatchObject({ status: 409 });
  });
});

describe("a rate limit", () => {
  it("is kept, and who waits for it has made no attempt", async () => {
    const at: number[] = [];
    await listen({ rateLimit: 4, ordering: "none" }, () => {
      at.push(Date.now());
      return ok();
    });
    const events = await Promise.all(Array.from({ length: 9 }, (_, n) => post(`u_${n}`)));
    for (const event of events) {
      expect((await until(event, isOver, "delivered")).attempts).toHaveLength(1);
    }
    // The gate spaces the starts; between them and us lies a machine that may be busy.
    expect(at.at(-1)! - at[0]!).toBeGreaterThan(8 * 250 - 200);
  });

  it(
    "holds while the gate does not answer: what has one waits for it, what has none does not",
    { timeout: 20_000 },
    async () => {
      const sent = await listen({ rateLimit: 1000 }, ok);
      const gates = vi.spyOn(env.ENDPOINT_GATE, "getByName").mockImplementation(() => {
        throw new Error("The gate does not answer");
      });
      const event = await post();
      await until(event, waits("throttled"), "waiting");
      expect(sent).toEqual([]);
      const limited = endpoint;
      await listen({ url: "https://shop.example/unlimited" }, ok);
      await env.DB.prepare("UPDATE endpoints SET watch = 1 WHERE id = ?").bind(endpoint).run();
      await until(await post("u_2"), isOver, "delivered");
      endpoint = limited;
      gates.mockRestore();
      await until(event, isOver, "delivered");
    },
  );
});

describe("an endpoint that hangs", () => {
  it("is met twice at most, and then asked at most twice at once, with nobody waiting for it", async () => {
    let isHanging = true;
    const sent = await listen({ ordering: "none", timeoutSeconds: 5 }, async () => {
      await vi.waitUntil(() => !isHanging, { timeout: 15_000 });
      return ok();
    });
    const events = await Promise.all(Array.from({ length: 8 }, (_, n) => post(`u_${n}`)));
    await vi.waitUntil(isWatched, { timeout: 10_000 });
    await vi.waitUntil(async () => (await Promise.all(events.map(show))).some(waits("throttled")), { timeout: 10_000 });
    expect(sent.length).toBeLessThanOrEqual(4);
    isHanging = false;
    for (const event of events) await until(event, isOver, "delivered");
  }, 40_000);
});

describe("a gate", () => {
  it("that has called an outbox which does not answer calls it again", async () => {
    await listen({}, ok);
    await act("pause");
    const event = await post("u_lost");
    await until(event, waits("paused"), "waiting");
    await park("u/nobody/x");
    await act("resume");
    await runDurableObjectAlarm(await gate());
    await until(event, isOver, "delivered");
    expect(await parked()).toEqual([]);
  });

  it("is not put off by what it is told meanwhile from looking at what waits", async () => {
    await listen({}, ok);
    await park("u/nobody/y");
    await open();
    const before = await armedAt();
    await tell([{ class: "delivered", at: Date.now() + 500 }]);
    expect(before).not.toBeNull();
    expect(await armedAt()).toBe(before);
  });

  it("leaves alone what waits while a probe is under way", async () => {
    await listen({}, ok);
    await failLongAgo();
    expect(await ask("probe")).toMatchObject({ go: true });
    const asked = await ask("other");
    expect(asked).toMatchObject({ go: false, waitingFor: { reason: "breaker" }, isParked: true });
    expect(await armedAt()).toBe(!asked.go && asked.waitingFor.until);
  });

  it("looks again a second later at the earliest", async () => {
    await listen({}, ok);
    for (let n = 0; n < 20; n++) await park(`u/nobody/${n}`);
    await ask("any");
    await runInDurableObject(await gate(), async (instance, { storage }) => {
      const now = Date.now();
      await instance.alarm();
      expect(await storage.getAlarm()).toBeGreaterThanOrEqual(now + 1000);
    });
  });

  it("lets everybody go as fast as they come once nobody waits any more", async () => {
    await listen({}, ok);
    await failLongAgo();
    await ask("probe");
    for (let n = 0; n < 20; n++) await ask(`waits_${n}`, `u/nobody/${n}`);
    await tell([{ class: "delivered", at: Date.now() }]);
    const startsIn = async () => {
      const verdict = await ask("any");
      return verdict.go ? verdict.startAt - Date.now() : Infinity;
    };
    await startsIn();
    expect(await startsIn()).toBeGreaterThan(0);
    while ((await parked()).length > 0) await runInDurableObject(await gate(), (instance) => instance.alarm());
    await runInDurableObject(await gate(), (instance) => instance.alarm());
    expect(await startsIn()).toBeLessThanOrEqual(0);
  });

  it("of a paused endpoint looks at nothing until somebody may ask again", async () => {
    await listen({}, ok);
    await park("u/nobody/x");
    await tell([{ class: "http", at: Date.now() }]);
    expect(await armedAt()).toBeNull();
    await open();
    expect(await armedAt()).not.toBeNull();
  });

  it("counts an attempt as under way until it hears the end of that one", async () => {
    await listen({}, ok);
    await slow("first");
    expect(await ask("second")).toMatchObject({ go: true });
    await tell([{ class: "http", at: Date.now() }]);
    expect(await ask("third")).toMatchObject({ go: false, waitingFor: { reason: "throttled" } });
    await (await gate()).giveBack(ref("second"));
    expect(await ask("third")).toMatchObject({ go: true });
  });

  it("gives a probe that was not made to the next one", async () => {
    await listen({}, ok);
    await failLongAgo();
    expect(await ask("probe")).toMatchObject({ go: true });
    expect(await ask("next")).toMatchObject({ go: false });
    await (await gate()).giveBack(ref("next"));
    expect(await ask("next")).toMatchObject({ go: false });
    await (await gate()).giveBack(ref("probe"));
    expect(await ask("next")).toMatchObject({ go: true });
  });

  it("that is opened forgets nobody who is turned away meanwhile", async () => {
    await listen({}, ok);
    await runInDurableObject(await gate(), async (instance) => {
      const opening = instance.open(ref());
      instance.park({ ...ref(), outbox: "u/nobody/x" });
      await opening;
    });
    expect(await armedAt()).not.toBeNull();
  });

  it("that is opened while D1 does not answer lets what waits go all the same", async () => {
    await listen({}, ok);
    await park("u/nobody/x");
    await setFaults({ d1Fails: 1 });
    await expect(runInDurableObject(await gate(), (instance) => instance.open(ref()))).rejects.toThrow("d1Fails");
    expect(await armedAt()).not.toBeNull();
  });

  /** Outboxes that answer as told, in place of the real ones. */
  const outboxes = (release: (name: string) => Promise<unknown>) =>
    vi
      .spyOn(env.USER_OUTBOX, "getByName")
      .mockImplementation((name) => ({ release: async () => release(name!) }) as never);

  it("sends what some outboxes hand over while another does not answer", async () => {
    await listen({}, ok);
    await act("pause");
    const event = await post("u_waits");
    await until(event, waits("paused"), "waiting");
    await park("u/nobody/hangs");
    const real = env.USER_OUTBOX.getByName.bind(env.USER_OUTBOX);
    const { promise: hangs, resolve: answer } = Promise.withResolvers<unknown>();
    const spy = vi
      .spyOn(env.USER_OUTBOX, "getByName")
      .mockImplementation((name) =>
        name === "u/nobody/hangs" ? ({ release: async () => hangs } as never) : real(name!),
      );
    await act("resume");
    await until(event, isOver, "delivered");
    expect(await parked()).toEqual([]);
    answer({ v: V, next: [], hasMore: true, hasFailed: false });
    await vi.waitUntil(async () => (await parked()).length > 0, { timeout: 10_000 });
    spy.mockRestore();
  });

  it("looks again where a look failed", async () => {
    await listen({}, ok);
    await park("u/nobody/x");
    await open();
    const spy = outboxes(async () => ({ v: V, next: [null], hasMore: true, hasFailed: false }));
    await runInDurableObject(await gate(), async (instance, { storage }) => {
      await storage.deleteAlarm();
      await instance.alarm();
      expect(await storage.getAlarm()).not.toBeNull();
    });
    spy.mockRestore();
  });

  it("is forgotten with its endpoint", async () => {
    await listen({}, ok);
    await tell([{ class: "http", at: Date.now() }]);
    const forgotten = await gate();
    expect((await call("DELETE", `/v1/endpoints/${endpoint}`, { key: merchant.key })).status).toBe(204);
    expect(await forgotten.show()).toMatchObject({ breaker: "closed", lastFailure: null });
    await forgotten.park({ ...ref(), outbox: "u/after/all" });
  });
});

describe("a wait that nobody ends", () => {
  it("ends by itself after an hour", async () => {
    const sent = await listen({}, ok);
    await act("pause");
    const event = await post("u_hour");
    await until(event, waits("paused"), "waiting");
    await env.DB.prepare("UPDATE endpoints SET status = 'enabled' WHERE merchant = ?").bind(merchant.id).run();
    await call("PATCH", `/v1/endpoints/${endpoint}`, { key: merchant.key, body: { description: "x" } });
    const outbox = env.USER_OUTBOX.getByName(await userKey(merchant.id, "u_hour"));
    await pass(outbox, 3_600_000);
    await runDurableObjectAlarm(outbox);
    await until(event, isOver, "delivered");
    expect(sent).toEqual([event]);
  });
});
