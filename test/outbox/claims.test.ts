import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";

import { V, type EventItem } from "../../src/outbox/contract.ts";
import {
  accept,
  acceptEvent,
  endpoint,
  itemOf,
  newOutbox,
  pass,
  paymentEvent,
  type Outbox,
} from "../support/builders.ts";

/** A claim of an item's first dispatch by one who must not send twice. */
async function claimOnce(outbox: Outbox, { record, ready: [dispatch] }: EventItem, by: string) {
  const { delivery, counter } = dispatch!;
  return outbox.claim({ v: V, event: record.id, delivery, counter, mode: "once", by });
}

describe("claiming a dispatch", () => {
  it("gives a dispatch that is claimed for good to one claimant, however often it asks", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant, plan: [endpoint("sms")] })))[0]);
    const claim = (by: string) => claimOnce(outbox, item, by);
    expect(await claim("a")).not.toBeNull();
    expect(await claim("b")).toBeNull();
    expect(await claim("a")).not.toBeNull();
  });

  it("does not send again what was claimed for good and never settled, logs that, and its lane goes on", async () => {
    const { outbox, merchant } = await newOutbox();
    const plan = [endpoint("sms")];
    const [first, second] = (
      await accept(outbox, await acceptEvent({ merchant, plan }), await acceptEvent({ merchant, plan }))
    ).map(itemOf);
    expect(await claimOnce(outbox, first!, "a")).not.toBeNull();
    await pass(outbox, 61_000);
    await runDurableObjectAlarm(outbox);
    const { delivery } = first!.ready[0]!;
    expect((await outbox.inspect({ v: V, event: first!.record.id, delivery })).found).toBe(false);
    const row = await env.DB.prepare("SELECT status, reason FROM deliveries WHERE id = ?").bind(delivery).first();
    expect(row).toEqual({ status: "exhausted", reason: "ambiguous" });
    const next = second!.planned[0]!.delivery;
    await vi.waitUntil(
      async () => (await outbox.inspect({ v: V, event: second!.record.id, delivery: next })).waitingFor === null,
    );
  });

  it.each([
    ["a payment that was refunded since", "payment.succeeded", "refund.succeeded", true],
    ["a failure after which the payment succeeded", "payment.failed", "payment.succeeded", true],
    ["a dispute for which evidence is wanted since", "dispute.opened", "dispute.evidence_required", false],
    ["a dispute that was won since", "dispute.opened", "dispute.won", true],
    ["a refund that came back since", "refund.succeeded", "refund.returned", true],
    ["a refund before a dispute", "refund.succeeded", "dispute.opened", false],
  ] as const)("tells who claims whether the facts have gone beyond %s", async (_, said, since, superseded) => {
    const { outbox, merchant } = await newOutbox();
    const about = (type: typeof said | typeof since, minute: number) =>
      acceptEvent({
        merchant,
        plan: [endpoint("email")],
        event: paymentEvent({
          type,
          occurredAt: Date.parse("2026-11-23T12:00:00Z") + minute * 60_000,
          data: {
            payment: { id: "pi_1", amount: { value: "500", currency: "EUR" } },
            ...(type.startsWith("refund.") && { refund: { id: "re_1" } }),
            ...(type.startsWith("dispute.") && { dispute: { id: "dp_1" } }),
          },
        }),
      });
    const item = itemOf((await accept(outbox, await about(said, 1)))[0]);
    expect(await claimOnce(outbox, item, "a")).toMatchObject({ superseded: false });
    await accept(outbox, await about(since, 2));
    expect(await claimOnce(outbox, item, "a")).toMatchObject({ superseded });
  });
});
