import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { HostRate } from "../../src/delivery/host-rate.ts";
import { Newcomers, suspect } from "../../src/delivery/newcomers.ts";
import { post, type Posting } from "../../src/delivery/post.ts";
import { deliveryId } from "../../src/event/ids.ts";
import { V } from "../../src/outbox/contract.ts";
import { gateKey } from "../../src/outbox/keys.ts";
import { forget } from "../../src/store/config.ts";
import { eventRecord, newEventId } from "../api/support.ts";
import { newEndpoint, newMerchant, receive } from "../support/merchant.ts";

let merchant: string;
let endpoint: string;
let newcomers: Newcomers;

beforeEach(async () => {
  const { id, key } = await newMerchant();
  merchant = id;
  ({ id: endpoint } = await newEndpoint(key));
  newcomers = new Newcomers();
});

afterEach(() => vi.restoreAllMocks());

/** Changes the endpoint, in every isolate. */
async function set(column: string, value: unknown): Promise<void> {
  await env.DB.prepare(`UPDATE endpoints SET ${column} = ? WHERE merchant = ?`).bind(value, merchant).run();
  forget(merchant);
}

/** Posts an event that has just come. */
async function postOne(more: Partial<Posting> = {}): ReturnType<typeof post> {
  const record = eventRecord(merchant, newEventId(Date.now()), Date.now());
  const delivery = deliveryId(record.id, endpoint);
  const startBy = Date.now() + 30_000;
  return post({
    env,
    record,
    template: record.template!,
    dispatch: {
      delivery,
      destination: endpoint,
      counter: 1,
      startBy,
      attempts: 0,
      previous: null,
      trigger: "scheduled",
    },
    isFirst: true,
    newcomers,
    inSlot: async (work) => work(),
    onAside: () => undefined,
    ...more,
  });
}

const noSlot = async () => null;

/** The gate, where a probe is due. */
async function gateOfOneThatIsDown() {
  const gate = env.ENDPOINT_GATE.getByName(await gateKey(merchant, endpoint));
  const at = Date.now() - 60_000;
  for (let n = 0; n < 10; n++) {
    const told = { event: `evt_${n}`, class: "http" as const, status: 500, retryAfterMs: null, durationMs: 5, at };
    await gate.tell({ v: V, merchant, endpoint, dispatch: `dlv_${n}/1`, told });
  }
  forget(merchant);
  return gate;
}

/** Whether somebody who comes to the endpoint now goes in at once. */
async function mayEnter(): Promise<boolean> {
  const entering = newcomers.enter({ merchant, id: endpoint }).then(() => true);
  return Promise.race([entering, new Promise<boolean>((resolve) => setTimeout(resolve, 0, false))]);
}

describe("an attempt that is not made after all", () => {
  it.each([
    ["for want of a slot", "https://shop.example/hook", { inSlot: noSlot }],
    ["since its URL is refused", "https://user:secret@shop.example/hook", {}],
  ])("%s leaves the probe to the next one", async (_, url, more) => {
    const gate = await gateOfOneThatIsDown();
    await set("url", url);
    const sent = receive(() => new Response(null, { status: 204 }));
    await postOne(more);
    expect(sent).toEqual([]);
    const next = { v: V, merchant, endpoint, dispatch: "dlv_next/1", outbox: "u/nobody/x", perSecond: null };
    expect(await gate.ask(next)).toMatchObject({ go: true });
  });
});

describe("an endpoint of which nothing is known", () => {
  it("is known once it has answered, whatever it said", async () => {
    receive(() => new Response(null, { status: 500 }));
    await postOne();
    expect([await mayEnter(), await mayEnter(), await mayEnter()]).toEqual([true, true, true]);
  });

  it("is not known by an attempt that found no slot", async () => {
    expect(await postOne({ inSlot: noSlot })).toBe("no-slot");
    expect([await mayEnter(), await mayEnter(), await mayEnter()]).toEqual([true, true, false]);
  });
});

describe("an endpoint of which nothing is known, beside one that takes long", () => {
  /** How an attempt goes after an endpoint of `whose` merchant took long. */
  async function beside(whose: string) {
    suspect({ merchant: whose, id: "ep_other" }, Date.now());
    receive(() => new Response(null, { status: 204 }));
    return attempt();
  }

  /** Whether the batch waits for an attempt, and whether that may have any slot. */
  async function attempt(instead?: null) {
    const seen = { isWaitedFor: true, isDoubtful: null as boolean | null };
    const concluded = await postOne({
      onAside: () => (seen.isWaitedFor = false),
      inSlot: async (work, { isDoubtful }) => {
        seen.isDoubtful = isDoubtful;
        return instead === null ? null : work();
      },
    });
    return { ...seen, concluded };
  }

  it("of its merchant, is waited for by no batch and takes no slot that others need", async () => {
    expect(await beside(merchant)).toMatchObject({ isWaitedFor: false, isDoubtful: true });
  });

  it("of another merchant, is as welcome as ever", async () => {
    expect(await beside("mer_another")).toMatchObject({ isWaitedFor: true, isDoubtful: false });
  });

  it("may have any slot again once it has answered", async () => {
    suspect({ merchant, id: "ep_other" }, Date.now() - 1);
    receive(() => new Response(null, { status: 204 }));
    await attempt();
    expect(await attempt()).toMatchObject({ isWaitedFor: false, isDoubtful: false });
  });

  it("is trusted no more for what it answered before the other took long", async () => {
    receive(() => new Response(null, { status: 204 }));
    await attempt();
    suspect({ merchant, id: "ep_other" }, Date.now());
    expect(await attempt()).toMatchObject({ isDoubtful: true });
  });

  it("waits in its outbox, not in the queue, if it finds no slot", async () => {
    suspect({ merchant, id: "ep_other" }, Date.now());
    const { concluded } = await attempt(null);
    expect(concluded).toMatchObject({ outcome: { kind: "deferred", waits: { reason: "throttled" } } });
  });
});

describe("an endpoint that is paused", () => {
  beforeEach(() => set("status", "paused"));

  /** The Worker's bindings, with a gate that does `instead` when somebody is parked at it. */
  function withGate(instead: () => Promise<void>): Partial<Posting> {
    const gates = { getByName: () => ({ park: instead }) } as unknown as typeof env.ENDPOINT_GATE;
    return { env: { ...env, ENDPOINT_GATE: gates } };
  }

  it("and is resumed while a delivery is parked there gets it at once: nobody would call", async () => {
    receive(() => new Response(null, { status: 204 }));
    const resume = async () =>
      void (await env.DB.prepare("UPDATE endpoints SET status = 'enabled' WHERE merchant = ?").bind(merchant).run());
    expect(await postOne(withGate(resume))).toMatchObject({ outcome: { kind: "delivered" } });
  });

  it("and whose gate does not answer is looked at again within a minute: nobody will call", async () => {
    const before = Date.now();
    const concluded = await postOne(withGate(() => Promise.reject(new Error("The gate does not answer"))));
    const until = (concluded as { outcome: { until: number } }).outcome.until;
    expect(until - before).toBeGreaterThanOrEqual(60_000);
    expect(until - Date.now()).toBeLessThanOrEqual(60_000);
  });
});

describe("an endpoint whose host has not said that it wants webhooks", () => {
  it("is sent nothing, its deliveries wait at its gate, and nothing counts as an attempt", async () => {
    const sent = receive(() => new Response(null, { status: 204 }));
    await set("awaits_host", "shop.example");
    const strict = { ...env, HOST_VERIFICATION: "always" };
    expect(await postOne({ env: strict })).toMatchObject({
      outcome: { kind: "deferred", waits: { reason: "unverified" } },
      row: { status: "pending" },
    });
    expect(sent).toHaveLength(0);
    expect(await postOne()).toMatchObject({ outcome: { kind: "delivered" } });
  });

  it("is sent what comes once the operator trusts it", async () => {
    receive(() => new Response(null, { status: 204 }));
    await set("awaits_host", "shop.example");
    const strict = { ...env, HOST_VERIFICATION: "always" };
    const unnamed = { ...strict, TRUSTED_HOSTS: undefined } as unknown as Env;
    expect(await postOne({ env: unnamed })).toMatchObject({ outcome: { kind: "deferred" } });
    const trusting = { ...strict, TRUSTED_HOSTS: "Shop.example" };
    expect(await postOne({ env: trusting })).toMatchObject({ outcome: { kind: "delivered" } });
  });
});

describe("a host that is posted to as often as it may be", () => {
  it("is sent no more for now: what comes waits a moment, uncounted, unless nobody counts", async () => {
    const sent = receive(() => new Response(null, { status: 204 }));
    const take = vi.spyOn(HostRate.prototype, "take").mockReturnValue(1_500);
    const now = Date.now();
    expect(await postOne()).toMatchObject({
      outcome: { kind: "deferred", waits: { reason: "throttled", until: expect.closeTo(now + 1_500, -3) } },
      row: { status: "pending" },
    });
    expect(take).toHaveBeenCalledWith(expect.objectContaining({ merchant, host: "shop.example", isBack: false }));
    expect(sent).toHaveLength(0);
    expect(await postOne({ env: { ...env, RATE_LIMITS: "off" } })).toMatchObject({ outcome: { kind: "delivered" } });
  });
});
