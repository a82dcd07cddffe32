import { describe, expect, it } from "vitest";

import { adyenPlatformSamples } from "../../scripts/samples/adyen-platform.ts";
import { adyenPlatform } from "../../src/providers/adyen-platform.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { eur } from "../event/payment-events.ts";

const KEY = "0E".repeat(32);
const AT = Date.parse("2026-11-23T12:00:00Z");
const how = { signingKey: KEY, now: AT / 1000, url: "" };
const normalize = async (event: unknown) =>
  (await adyenPlatform.normalize(await adyenPlatformSamples.sign(event, how), [KEY]))[0]!;

describe("a webhook of Adyen's platform becomes", () => {
  it.each(adyenPlatformSamples.events)("$is: $type", async (sample) => {
    const event = await normalize(sample.make("X1", AT));
    expect(event).toMatchObject({
      type: sample.is,
      occurredAt: AT,
      livemode: true,
      authenticity: "signed",
      eventId: null,
    });
  });

  it("a payout with its amount, of the account's holder", async () => {
    expect(await normalize(adyenPlatformSamples.events[2]!.make("T1", AT))).toMatchObject({
      customer: "AH-NORDWIND-7",
      data: { payout: { id: "T1", amount: eur(120_000) } },
    });
  });

  it("a payment method of the shopper, who is signed here", async () => {
    const sample = adyenPlatformSamples.events.find(({ type }) => type === "recurring.token.created")!;
    expect(await normalize(sample.make("TOK1", AT))).toMatchObject({
      customer: "shopper-81",
      data: { paymentMethod: { id: "TOK1" } },
    });
  });

  it("what an account holds, which may be less than nothing", async () => {
    const sample = adyenPlatformSamples.events.find(({ type }) => type.endsWith(".balance.updated"))!;
    const event = sample.make("BA1", AT) as { data: { balances: object } };
    expect((await normalize(event)).data).toEqual({
      account: { id: "BA1", available: [eur(84_000)], pending: [eur(1_250)] },
    });
    const balances = { available: -500 };
    expect((await normalize({ ...event, data: { ...event.data, balances } })).data).toEqual({
      account: { id: "BA1", available: [eur(-500)], pending: [] },
    });
  });

  it("unknown where its type is, and nothing where it has none", async () => {
    expect(await normalize({ type: "novelty", data: 7 })).toMatchObject({ type: "unknown", livemode: false, data: {} });
    await expect(normalize({ data: {} })).rejects.toThrow(UnparseableError);
  });
});
