import { describe, expect, it } from "vitest";

import { flutterwaveSamples } from "../../scripts/samples/flutterwave.ts";
import { flutterwave } from "../../src/enrich/flutterwave.ts";
import { askAbout, bytesOf, told, untold } from "./api.ts";

const [charge] = flutterwaveSamples.events;
const transfer = flutterwaveSamples.events.find(({ type }) => type === "transfer.completed")!;
const AT = Date.parse("2026-11-23T12:00:00Z");

interface Body {
  event: string;
  data: Record<string, unknown> & { id: number };
}
const posted = charge!.make("x1", AT) as Body;

const ask = async (body: unknown, api: Parameters<typeof askAbout>[3]) =>
  askAbout(
    { provider: "flutterwave", enricher: flutterwave },
    { body: bytesOf(JSON.stringify(body)) },
    { secretKey: "FLWSECK-1" },
    api,
  );

describe("Flutterwave's API, asked for a transaction", () => {
  it("confirms what was posted, and is asked with the secret key", async () => {
    const { requests, answer } = await ask(posted, () => told({ status: "success", data: posted.data }));
    expect(requests).toEqual([
      {
        url: `https://api.flutterwave.com/v3/transactions/${posted.data.id}/verify`,
        headers: { authorization: "Bearer FLWSECK-1" },
      },
    ]);
    expect(answer).toMatchObject({
      ok: true,
      events: [
        {
          event: {
            eventId: null,
            providerType: "charge.completed",
            type: "payment.succeeded",
            customer: "771204",
            authenticity: "fetched",
            data: {
              payment: {
                id: String(posted.data.id),
                reference: "basket-x1",
                amount: { value: "1525050", currency: "NGN" },
              },
            },
            raw: posted,
          },
        },
      ],
    });
  });

  it.each([
    ["amount", { amount: 999_999 }],
    ["currency", { currency: "USD" }],
    ["status", { status: "successful" }],
    ["reference", { tx_ref: "another-basket" }],
    ["customer", { customer: { id: 1 } }],
  ])("counts where the post says something else: %s", async (_, forged) => {
    const truth = { ...posted.data, status: "failed" };
    const { answer } = await ask({ ...posted, data: { ...truth, ...forged } }, () => told({ data: truth }));
    const honest = await ask({ ...posted, data: truth }, () => told({ data: truth }));
    expect(answer).toEqual(honest.answer);
    expect(answer).toMatchObject({ events: [{ event: { type: "payment.failed" } }] });
  });

  it("tells of a transfer too", async () => {
    const body = transfer.make("x2", AT) as Body;
    const { requests, answer } = await ask(body, () => told({ data: { ...body.data, status: "FAILED" } }));
    expect(requests[0]!.url).toBe(`https://api.flutterwave.com/v3/transfers/${body.data.id}`);
    expect(answer).toMatchObject({ events: [{ event: { type: "payout.failed", authenticity: "fetched" } }] });
  });

  it("says by a bad request that it knows none", async () => {
    expect((await ask(posted, () => untold("refused", 400))).answer).toEqual(untold("unknown", 400));
    expect((await ask(posted, () => untold("refused", 401))).answer).toEqual(untold("refused", 401));
    expect((await ask(posted, () => untold("later", 503))).answer).toEqual(untold("later", 503));
  });

  it.each([
    { event: "subscription.cancelled", data: { id: 1 } },
    { event: "charge.completed", data: { id: "1/../2" } },
    { event: "charge.completed", data: {} },
    { event: "constructor", data: { id: 1 } },
  ])("is not asked for what it cannot be: %j", async (body) => {
    expect(await ask(body, () => told({}))).toEqual({ answer: null, requests: [] });
  });

  it.each([{ data: { ...posted.data, id: 1 } }, { data: null }, []])(
    "is not believed where it tells of something else",
    async (body) => {
      await expect(ask(posted, () => told(body))).rejects.toThrow(/the/);
    },
  );
});
