import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { V } from "../../src/outbox/contract.ts";
import { deliveryRow, newEventId } from "../api/support.ts";
import { accept, acceptEvent, endpoint, itemOf, newOutbox, pass, paymentEvent } from "../support/builders.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

const plan = [endpoint("ep_1", { ordering: "none" })];

describe("a row of an outbox that cannot be read", () => {
  it.each([
    ["its deliveries are no JSON", "pending = '[{'"],
    ["its deliveries are not what they should be", `pending = '[{"delivery":1}]'`],
    ["its record is no JSON", "record = '{'"],
    ["its record is missing", "record = NULL"],
    ["its body is missing", "template = NULL"],
    ["it is of a later release", "v = 2"],
    ["what was last planned is no JSON", "last = '{'"],
    ["its facts are no JSON", "facts = '{'"],
  ])("blocks no other: %s", async (_, damage) => {
    const { outbox, merchant } = await newOutbox();
    const payment = { payment: { id: "pi_1", amount: { value: "1", currency: "EUR" } } };
    const [first, second] = (
      await accept(
        outbox,
        await acceptEvent({ merchant, plan }),
        await acceptEvent({ merchant, plan, event: paymentEvent({ data: payment }) }),
      )
    ).map(itemOf);
    await runInDurableObject(outbox, (_, { storage }) =>
      storage.sql.exec(`UPDATE event SET ${damage} WHERE id = ?`, second!.record.id),
    );
    await pass(outbox, 10 * 60_000);
    await outbox.wake();
    // There is no such merchant, so that what is sent is canceled: the first one was.
    await vi.waitFor(
      async () => {
        const delivery = first!.ready[0]!.delivery;
        expect(await outbox.inspect({ v: V, event: first!.record.id, delivery })).toMatchObject({ found: false });
      },
      { timeout: 5_000, interval: 25 },
    );
    const third = await acceptEvent({
      merchant,
      plan,
      event: paymentEvent({ type: "payment.failed", data: payment }),
    });
    expect((await accept(outbox, third))[0]).toMatchObject({ status: "accepted", sequence: 3 });
  });

  it("is a log row that was kept: the others are written all the same", async () => {
    const { outbox, merchant } = await newOutbox();
    const row = { delivery: deliveryRow(merchant, newEventId(Date.now()), "ep_1", Date.now()) };
    await runInDurableObject(outbox, (_, { storage }) => {
      storage.kv.put("unlogged/1", "{");
      storage.kv.put("unlogged/2", JSON.stringify([{ delivery: {} }, row]));
    });
    await outbox.wake();
    expect(await env.DB.prepare("SELECT id FROM deliveries WHERE merchant = ?").bind(merchant).first("id")).toBe(
      row.delivery.id,
    );
    const left = await runInDurableObject(outbox, (_, { storage }) => [...storage.kv.list({ prefix: "unlogged/" })]);
    expect(left).toEqual([]);
  });
});
