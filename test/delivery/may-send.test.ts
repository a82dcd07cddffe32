import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { heldBack } from "../../src/delivery/may-send.ts";
import { deliveryId } from "../../src/event/ids.ts";
import type { Dispatch } from "../../src/outbox/contract.ts";
import { userKey } from "../../src/outbox/keys.ts";
import { eventRecord } from "../api/support.ts";
import { pass } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, receive } from "../support/merchant.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-23T12:00:00Z");

afterEach(() => vi.restoreAllMocks());

const dispatch: Dispatch = {
  delivery: "dlv_1",
  destination: "ep_1",
  counter: 3,
  startBy: NOW,
  attempts: 0,
  previous: null,
  trigger: "scheduled",
};

describe("what a merchant has to send", () => {
  const record = (ageMinutes: number) => eventRecord("mer_1", "evt_1", NOW - ageMinutes * MINUTE);

  it("is sent, unless the merchant is suspended; of one that is gone as well, to be canceled", () => {
    expect(heldBack({ status: "active" }, record(0), dispatch, NOW)).toBeNull();
    expect(heldBack(null, record(0), dispatch, NOW)).toBeNull();
  });

  it.each([
    [0, 1],
    [20, 5],
    [600, 60],
    [10_000, 60],
  ])("%i min old, looks again after %i min while it is suspended, and counts no attempt", (age, minutes) => {
    const until = NOW + minutes * MINUTE;
    expect(heldBack({ status: "suspended" }, record(age), dispatch, NOW)).toMatchObject({
      row: { status: "pending", counter: 3, dueAt: until, waitingFor: { reason: "paused", until }, attempt: null },
      outcome: { kind: "deferred", until },
    });
    const retried = heldBack({ status: "suspended" }, record(age), { ...dispatch, attempts: 2 }, NOW);
    expect(retried!.row.status).toBe("retrying");
  });
});

describe("the suspension of a merchant", () => {
  it("holds back what is pending, and lets it go on when it is resumed", async () => {
    const { id, key } = await newMerchant();
    const endpoint = await newEndpoint(key, { retrySchedule: [1, 1] });
    const sent = receive(() => new Response(null, { status: sent.length === 1 ? 500 : 204 }));
    const body = { id: "e_1", type: "custom.note", user: "u_1", data: {} };
    const { json } = await call("POST", "/v1/events", { key, body });
    await vi.waitUntil(() => sent.length === 1, { timeout: 5_000 });
    const admin = env.ADMIN_TOKEN;
    await call("POST", `/v1/merchants/${id}/suspend`, { key: admin });
    const delivery = deliveryId(String(json["id"]), endpoint.id);
    await vi.waitFor(
      async () => {
        const row = await env.DB.prepare("SELECT status, waiting_for FROM deliveries WHERE id = ?")
          .bind(delivery)
          .first();
        expect(row).toMatchObject({ status: "retrying", waiting_for: expect.stringContaining('"paused"') });
      },
      { timeout: 8_000, interval: 50 },
    );
    expect(sent).toHaveLength(1);
    await call("POST", `/v1/merchants/${id}/resume`, { key: admin });
    const { json: waiting } = await call("GET", `/v1/deliveries/${delivery}`, { key });
    expect(waiting).toMatchObject({ waitingFor: { reason: "paused" }, attempts: [{ status: 500 }] });
    const outbox = env.USER_OUTBOX.getByName(await userKey(id, "u_1"));
    await pass(outbox, 2 * MINUTE);
    await outbox.wake();
    await runDurableObjectAlarm(outbox);
    await vi.waitFor(
      async () => {
        const { json } = await call("GET", `/v1/deliveries/${delivery}`, { key });
        expect(json).toMatchObject({ status: "delivered", attempts: [{ status: 500 }, { status: 204 }] });
      },
      { timeout: 8_000, interval: 50 },
    );
  });
});
