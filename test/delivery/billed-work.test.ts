import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { suspect } from "../../src/delivery/newcomers.ts";
import { userKey } from "../../src/outbox/keys.ts";
import {
  call,
  clearCounters,
  newEndpoint,
  newMerchant,
  readCounters,
  receive,
  untilStatus,
} from "../support/merchant.ts";

const YEARS_MS = 401 * 24 * 3_600_000;

afterEach(() => vi.restoreAllMocks());

/** Posts events of one user one after the other, each delivered before the next. */
async function deliver(endpoints: number, events: number, fields: object = {}, prepare?: (merchant: string) => void) {
  const merchant = await newMerchant();
  prepare?.(merchant.id);
  for (let n = 0; n < endpoints; n++) {
    await newEndpoint(merchant.key, { ...fields });
  }
  receive(() => new Response(null, { status: 204 }));
  await clearCounters();
  for (let n = 0; n < events; n++) {
    const { json } = await call("POST", "/v1/events", {
      key: merchant.key,
      body: {
        id: `e_${n}`,
        type: "payment.succeeded",
        user: "u_1",
        data: { payment: { id: `p_${n}`, amount: { value: "100", currency: "EUR" } } },
      },
    });
    await untilStatus(merchant.key, String(json["id"]), "delivered");
  }
  const outbox = env.USER_OUTBOX.getByName(await userKey(merchant.id, "u_1"));
  await vi.waitUntil(
    async () =>
      runInDurableObject(
        outbox,
        (_, { storage }) => storage.sql.exec("SELECT 1 FROM event WHERE pending IS NOT NULL").toArray().length === 0,
      ),
    { timeout: 10_000 },
  );
  return outbox;
}

/** Runs the lease alarm that is armed, and then, a good year later, the one that purges. */
async function endOfLife(outbox: Awaited<ReturnType<typeof deliver>>): Promise<void> {
  await runDurableObjectAlarm(outbox);
  await runInDurableObject(outbox, (_, { storage }) =>
    storage.sql.exec("-- time passes\nUPDATE event SET at = at - ?", YEARS_MS),
  );
  await evictDurableObject(outbox);
  await outbox.wake();
}

describe("the billed work of an event", () => {
  it("with one endpoint that answers at once: 1 message, 2 requests and the lease's alarm, 3 rows, 2 rows of D1", async () => {
    const outbox = await deliver(1, 1);
    await runDurableObjectAlarm(outbox);
    const { messages, outboxRequests, bindingRequests, alarms, objectRows, d1Rows } = await readCounters();
    expect({ messages, outboxRequests, bindingRequests, alarms }).toEqual({
      messages: 1,
      outboxRequests: 2,
      bindingRequests: 1,
      alarms: 1,
    });
    expect({ objectRows: objectRows - bindingRequests, d1Rows }).toEqual({ objectRows: 3, d1Rows: 2 });
  });

  it("with an endpoint that is watched: 2 requests of its gate, and none with one that is not", async () => {
    await deliver(1, 5, { rateLimit: 50 });
    expect((await readCounters()).gateRequests).toBe(2 * 5);
    await deliver(1, 5);
    expect((await readCounters()).gateRequests).toBe(0);
  });

  it("beside another of its merchant that takes long: no row more, and no gate", async () => {
    await deliver(1, 1, {}, (merchant) => suspect({ merchant, id: "ep_slow" }, Date.now()));
    const { messages, gateRequests, d1Rows } = await readCounters();
    expect({ messages, gateRequests, d1Rows }).toEqual({ messages: 1, gateRequests: 0, d1Rows: 2 });
  });

  it("with three endpoints: 1 message, a settle a flush, 3 rows, 4 rows of D1", async () => {
    const outbox = await deliver(3, 1);
    await runDurableObjectAlarm(outbox);
    const { messages, outboxRequests, bindingRequests, objectRows, d1Rows } = await readCounters();
    expect({ messages, outboxRequests }).toEqual({ messages: 1, outboxRequests: 2 });
    expect({ objectRows: objectRows - bindingRequests, d1Rows }).toEqual({ objectRows: 3, d1Rows: 4 });
  });

  it("over its whole life, alarms and purge included: 3 rows an event, and 1 for its payment's binding", async () => {
    const events = 10;
    await endOfLife(await deliver(1, events));
    const { messages, bindingRequests, objectRows, d1Rows } = await readCounters();
    expect({ messages, bindingRequests }).toEqual({ messages: events, bindingRequests: events });
    expect({ objectRows: objectRows - bindingRequests, d1Rows }).toEqual({
      objectRows: 3 * events,
      d1Rows: 2 * events,
    });
  });

  it("behind a lane that moves: no settle for the log alone, 3 rows", async () => {
    const { key } = await newMerchant();
    await newEndpoint(key);
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    receive(async () => {
      await answered;
      return new Response(null, { status: 204 });
    });
    await clearCounters();
    const body = Array.from({ length: 5 }, (_, n) => ({
      id: `l_${n}`,
      type: "custom.note",
      user: "u_1",
      data: { custom: { n } },
    }));
    const { json } = await call("POST", "/v1/events", { key, body });
    const ids = (json["data"] as { id: string }[]).map(({ id }) => id);
    await untilStatus(key, ids.at(-1)!, "pending");
    answer();
    await untilStatus(key, ids.at(-1)!, "delivered");
    await vi.waitUntil(async () => (await readCounters()).outboxRequests === 6, { timeout: 10_000 });
    const { outboxRequests, objectRows } = await readCounters();
    // One call accepts all five. Each is a row when it is accepted, when it is handed over (but the first) and when it is
    // delivered; one alarm is set.
    expect({ outboxRequests, objectRows }).toEqual({ outboxRequests: 1 + 5, objectRows: 5 + 4 + 5 + 1 });
  });
});
