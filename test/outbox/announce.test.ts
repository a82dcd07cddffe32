import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { OPERATIONS } from "../../src/event/operational.ts";
import { V } from "../../src/outbox/contract.ts";
import { accept, acceptEvent, endpoint, itemOf, newOutbox, pass } from "../support/builders.ts";

const DAY_MS = 24 * 3_600_000;

const sent = vi.fn<Queue["send"]>();

beforeEach(() => {
  sent.mockReset();
  vi.spyOn(env.BACKUP, "send").mockImplementation(sent);
});

afterEach(() => vi.restoreAllMocks());

/** What the merchants were told. */
const told = () => sent.mock.calls.map(([message]) => message);

describe("what an outbox gives up by itself", () => {
  it("is told of once: a delivery past its last day", async () => {
    const { outbox, merchant } = await newOutbox();
    const [item] = (await accept(outbox, await acceptEvent({ merchant }), await acceptEvent({ merchant }))).map(itemOf);
    const delivery = { id: item!.ready[0]!.delivery, event: item!.record.id, endpoint: "ep_1", reason: "expired" };
    for (let day = 0; day < 2; day++) {
      await pass(outbox, 14 * DAY_MS);
      await runDurableObjectAlarm(outbox);
    }
    expect(told()).toMatchObject([{ type: "delivery.exhausted", merchant, target: "ep_1", data: { delivery } }]);
  });

  it("is told of: a message that may have been sent", async () => {
    const { outbox, merchant } = await newOutbox();
    const item = itemOf((await accept(outbox, await acceptEvent({ merchant, plan: [endpoint("sms")] })))[0]);
    const { delivery, counter } = item.ready[0]!;
    await outbox.claim({ v: V, event: item.record.id, delivery, counter, mode: "once", by: "a" });
    await pass(outbox, 61_000);
    await runDurableObjectAlarm(outbox);
    const about = { id: delivery, channel: "sms", reason: "ambiguous" };
    expect(told()).toMatchObject([{ type: "delivery.exhausted", target: "sms", data: { delivery: about } }]);
  });

  it("is not told of where it tells of such things itself, nor what was canceled", async () => {
    const { outbox, merchant } = await newOutbox();
    const other = await acceptEvent({ merchant, plan: [endpoint("ep_2")] });
    const [, canceled] = (
      await accept(outbox, { ...(await acceptEvent({ merchant })), source: OPERATIONS }, other)
    ).map(itemOf);
    await outbox.cancel({ v: V, event: canceled!.record.id, delivery: canceled!.ready[0]!.delivery });
    await pass(outbox, 14 * DAY_MS);
    await runDurableObjectAlarm(outbox);
    expect(told()).toEqual([]);
  });
});
