import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { consumeDeliveries } from "../../src/delivery/consumer.ts";
import { Slots } from "../../src/delivery/slots.ts";
import type { DeliveriesMessage, Dispatch } from "../../src/outbox/contract.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

let key: string;

beforeEach(async () => {
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

const ok = () => new Response(null, { status: 204 });

/** What an event puts on the queue, instead of its being sent. */
async function queued(): Promise<{ event: string; body: DeliveriesMessage }> {
  const sending = vi.spyOn(env.DELIVERIES, "sendBatch").mockResolvedValue({} as never);
  const note = { id: unique("e"), type: "custom.note", user: "u_1", data: { custom: {} } };
  const { json } = await call("POST", "/v1/events", { key, body: note });
  await vi.waitUntil(() => sending.mock.calls.length > 0, { timeout: 10_000 });
  const [message] = sending.mock.calls[0]![0];
  sending.mockRestore();
  return { event: String(json["id"]), body: message!.body as DeliveriesMessage };
}

/** Consumes messages as one batch; which of them were acknowledged and which are to come again. */
async function consume(bodies: DeliveriesMessage[], { attempts = 1, bindings = env } = {}) {
  const messages = bodies.map((body, at) => ({ id: String(at), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch("deliveries", messages);
  const ctx = createExecutionContext();
  await consumeDeliveries(batch, bindings, ctx);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx);
  return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
}

describe("a message of `deliveries`", () => {
  it.each<[string, { attempts?: number; startBy?: number }]>([
    ["for the second time", { attempts: 2 }],
    ["later than it may start", { startBy: 0 }],
  ])(
    "that comes %s starts if it is not over, and nothing if it is",
    async (_, { attempts = 1, startBy = Infinity }) => {
      await newEndpoint(key);
      const sent = receive(ok);
      const { event, body } = await queued();
      const late = (dispatch: Dispatch) => ({ ...dispatch, startBy: Math.min(startBy, dispatch.startBy) });
      const items = body.items.map((item) => ({ ...item, ready: item.ready.map(late) }));
      await consume([{ ...body, items }], { attempts });
      await untilStatus(key, event, "delivered");
      await consume([{ ...body, items }], { attempts });
      expect(sent).toHaveLength(1);
    },
  );

  it("that fails comes again, and it alone: the others of its batch are worked off", async () => {
    await newEndpoint(key, { ordering: "none" });
    const sent = receive(ok);
    const [large, small] = [await queued(), await queued()];
    // A body that does not travel with its message is fetched from its outbox, which is out of order here.
    const items = large.body.items.map((item) => ({ ...item, record: { ...item.record, template: null } }));
    const broken = {
      getByName: (name: string) =>
        new Proxy(env.USER_OUTBOX.getByName(name), {
          get: (stub, method) =>
            method === "template"
              ? () => Promise.reject(new Error("The outbox does not answer"))
              : Reflect.get(stub, method),
        }),
    } as unknown as Env["USER_OUTBOX"];
    const result = await consume([{ ...large.body, items }, small.body], { bindings: { ...env, USER_OUTBOX: broken } });
    expect(result).toEqual({ acked: ["1"], retried: ["0"] });
    await untilStatus(key, small.event, "delivered");
    expect(sent).toHaveLength(1);
  });

  it.each<[string, Partial<Dispatch>, "DELIVERIES" | "RETRIES"]>([
    ["a first attempt", {}, "DELIVERIES"],
    ["one that failed before", { attempts: 1 }, "RETRIES"],
    ["one that is sent by hand", { trigger: "manual" }, "RETRIES"],
  ])("that finds no slot goes back to where it belongs: %s", async (_, changes, queue) => {
    await newEndpoint(key);
    const { body } = await queued();
    vi.spyOn(Slots.prototype, "run").mockResolvedValue(null);
    const sending = (["DELIVERIES", "RETRIES"] as const).map((name) => {
      const spy = vi.spyOn(env[name], "sendBatch").mockResolvedValue({} as never);
      return { name, spy };
    });
    const items = body.items.map((item) => ({ ...item, ready: item.ready.map((one) => ({ ...one, ...changes })) }));
    await consume([{ ...body, items }]);
    expect(sending.filter(({ spy }) => spy.mock.calls.length > 0).map(({ name }) => name)).toEqual([queue]);
  });
});
