import { describe, expect, it } from "vitest";

import { mollie } from "../../src/enrich/mollie.ts";
import { askAbout, bytesOf, told, untold } from "./api.ts";

const CONFIG = { webhooks: "legacy" };
const EUR = (value: string) => ({ value, currency: "EUR" });

/** https://docs.mollie.com/reference/get-payment */
const payment = (fields: Record<string, unknown> = {}) => ({
  resource: "payment",
  id: "tr_x1",
  mode: "live",
  status: "paid",
  amount: EUR("35.50"),
  amountRefunded: EUR("5.00"),
  method: "ideal",
  customerId: "cst_1",
  metadata: { order_id: "basket-1" },
  createdAt: "2026-11-23T12:00:00+00:00",
  paidAt: "2026-11-23T12:05:00+00:00",
  ...fields,
});

const ask = async (
  body: unknown,
  { config = CONFIG, apiKey = "live_1" }: { config?: object; apiKey?: string } = {},
) => {
  const provider = { provider: "mollie", enricher: mollie, config: config as Record<string, unknown> };
  return askAbout(provider, { body: bytesOf("id=tr_x1") }, { apiKey }, () => told(body));
};

const eventsOf = async (body: unknown) => {
  const { answer } = await ask(body);
  return answer?.ok ? answer.events : [];
};

describe("Mollie's API, asked for a payment", () => {
  it("tells of the payment, with what became of it", async () => {
    expect(await eventsOf(payment())).toEqual([
      {
        key: ["tr_x1", "payment.paid"],
        event: {
          eventId: null,
          providerType: "payment.paid",
          type: "payment.succeeded",
          occurredAt: Date.parse("2026-11-23T12:05:00Z"),
          livemode: true,
          customer: "cst_1",
          authenticity: "fetched",
          data: {
            payment: {
              id: "tr_x1",
              amount: { value: "3550", currency: "EUR" },
              reference: "basket-1",
              method: "ideal",
            },
          },
          raw: payment(),
        },
      },
    ]);
  });

  it.each([
    ["open", "payment.created", "createdAt"],
    ["pending", "payment.pending", null],
    ["authorized", "payment.authorized", "authorizedAt"],
    ["failed", "payment.failed", "failedAt"],
    ["canceled", "payment.canceled", "canceledAt"],
    ["expired", "payment.expired", "expiredAt"],
    ["something new", "unknown", null],
  ])("by its status: %s", async (status, type, time) => {
    const at = "2026-11-23T13:00:00+00:00";
    const [one] = await eventsOf(payment({ status, ...(time !== null && { [time]: at }) }));
    expect(one!.event).toMatchObject({ type, occurredAt: time === null ? null : Date.parse(at) });
    expect(one!.key).toEqual(["tr_x1", `payment.${status}`]);
  });

  it("tells of each refund and each chargeback, of the payment's customer", async () => {
    const refund = (id: string, status: string) => ({ id, paymentId: "tr_x1", status, amount: EUR("5.00") });
    const chargeback = { id: "chb_1", paymentId: "tr_x1", amount: EUR("35.50"), createdAt: "2026-11-24T09:00:00Z" };
    const events = await eventsOf(
      payment({
        _embedded: {
          refunds: [refund("re_1", "refunded"), refund("re_2", "queued"), "nonsense"],
          chargebacks: [chargeback, { ...chargeback, id: "chb_2", reversedAt: "2026-11-25T09:00:00Z" }],
        },
      }),
    );
    expect(events.map(({ key, event }) => [key, event.type, event.customer])).toEqual([
      [["tr_x1", "payment.paid"], "payment.succeeded", "cst_1"],
      [["re_1", "refund.refunded"], "refund.succeeded", "cst_1"],
      [["re_2", "refund.queued"], "refund.created", "cst_1"],
      [["chb_1", "chargeback.received"], "dispute.opened", "cst_1"],
      [["chb_2", "chargeback.reversed"], "dispute.won", "cst_1"],
    ]);
    expect(events[1]!.event.data).toEqual({
      payment: { id: "tr_x1" },
      refund: { id: "re_1", amount: { value: "500", currency: "EUR" } },
    });
    expect(
      events.map(({ event }) => event.occurredAt && new Date(event.occurredAt).toISOString().slice(0, 10)),
    ).toEqual(["2026-11-23", null, null, "2026-11-24", "2026-11-25"]);
  });

  it("says itself whether it is of test mode", async () => {
    expect((await eventsOf(payment({ mode: "test" })))[0]!.event.livemode).toBe(false);
  });

  it.each([
    ["live_1", {}, false],
    ["test_1", { livemode: false }, false],
    ["access_1", {}, false],
    ["access_1", { livemode: false }, true],
  ])("has to be told the mode by an access token alone: %s of %j", async (apiKey, mode, says) => {
    const { requests } = await ask(payment(), { config: { ...CONFIG, ...mode }, apiKey });
    expect(requests[0]!.url.includes("testmode=true")).toBe(says);
  });

  it("is asked about payments alone, and of the older form", async () => {
    const config = CONFIG;
    const none = { answer: null, requests: [] };
    const api = () => untold("later", 500);
    const older = { provider: "mollie", enricher: mollie, config };
    expect(await askAbout(older, { body: bytesOf("id=ord_1x") }, { apiKey: "live_1" }, api)).toEqual(none);
    const signed = bytesOf(JSON.stringify({ id: "event_1", type: "payment.paid", entityId: "tr_1" }));
    expect(
      await askAbout({ provider: "mollie", enricher: mollie }, { body: signed }, { apiKey: "live_1" }, api),
    ).toEqual(none);
  });

  it.each([payment({ id: "tr_other" }), {}, []])("is not believed where it tells of something else", async (body) => {
    await expect(ask(body)).rejects.toThrow(/the/);
  });
});
