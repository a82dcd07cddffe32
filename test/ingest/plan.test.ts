import { describe, expect, it } from "vitest";

import { AUTHENTICITIES, type Authenticity, type PaymentEvent } from "../../src/event/event.ts";
import { plan } from "../../src/ingest/plan.ts";
import type { Endpoint, MerchantConfig } from "../../src/store/config.ts";
import { paymentEvent } from "../support/builders.ts";

const ENDPOINT: Endpoint = {
  id: "ep_1",
  merchant: "mer_1",
  url: "https://shop.example/hook",
  status: "enabled",
  awaitsHost: null,
  watch: false,
  rateLimit: null,
  secrets: [],
  eventTypes: null,
  headers: { headers: null, secretHeaders: null },
  ordering: "user",
  maxHoldSeconds: 3600,
  retryScheduleSeconds: null,
  timeoutSeconds: 10,
  includeStale: false,
  livemode: null,
  compat: null,
  filter: null,
  payload: "full",
};

const config = (...endpoints: Partial<Endpoint>[]): MerchantConfig => ({
  id: "mer_1",
  name: null,
  status: "active",
  alertEmail: null,
  emailName: null,
  dailyEmailLimit: null,
  isOverQuota: false,
  endpoints: endpoints.map((one, i) => ({ ...ENDPOINT, id: `ep_${i}`, ...one })),
  accounts: [],
});

const wants = (endpoint: Partial<Endpoint>, event: Partial<PaymentEvent> = {}) =>
  plan(config(endpoint), paymentEvent(event)).length === 1;

describe("an endpoint is planned for an event", () => {
  it.each<[string, Partial<Endpoint>]>([
    ["if it wants all", {}],
    ["if it wants this type", { eventTypes: ["payment.failed", "payment.succeeded"] }],
    ["if it wants this family", { eventTypes: ["refund.*", "payment.*"] }],
    ["if it wants every type", { eventTypes: ["*"] }],
    ["if it wants this mode", { livemode: true }],
    ["if the event passes its filter", { filter: { "data.payment.amount.value": { $gte: 1999 } } }],
    ["if it is disabled: what it misses waits for it", { status: "disabled" }],
  ])("%s", (_, endpoint) => {
    expect(wants(endpoint)).toBe(true);
  });

  it.each<[string, Partial<Endpoint>]>([
    ["that is of another type", { eventTypes: ["payment.failed"] }],
    ["that is of another family", { eventTypes: ["payment_method.*"] }],
    ["that is of the other mode", { livemode: false }],
    ["that does not pass its filter", { filter: { "data.payment.amount.value": { $gt: 1999 } } }],
    ["of this type that does not pass its filter", { eventTypes: ["payment.*"], filter: { user: "u_2" } }],
  ])("but not for one %s", (_, endpoint) => {
    expect(wants(endpoint)).toBe(false);
  });

  it("and people only where it is as sure as its source demands, or surer", () => {
    const account = { merchant: "mer_1", channel: "email" as const, provider: "x", account: {}, updatedAt: 0 };
    const skips = (authenticity: Authenticity, minAuthenticity?: Authenticity) => {
      const origin = { name: "x", source: "src_1", eventId: "x", type: "x", authenticity };
      const planned = plan({ ...config({}), accounts: [account] }, paymentEvent({ origin }), minAuthenticity);
      expect(planned[0]).not.toHaveProperty("skip");
      return planned[1]!.skip;
    };
    for (const [i, least] of AUTHENTICITIES.entries()) {
      expect(AUTHENTICITIES.map((one) => skips(one, least) === undefined)).toEqual(
        AUTHENTICITIES.map((_, j) => j <= i),
      );
    }
    expect([skips("fetched"), skips("signed-weak")]).toEqual([undefined, "authenticity"]);
  });

  it("each for itself, with what its deliveries are made of", () => {
    const filter = { livemode: false };
    const endpoints = [{ includeStale: true }, { filter }, { payload: "raw" as const, ordering: "none" as const }];
    expect(plan(config(...endpoints), paymentEvent())).toEqual([
      { destination: "ep_0", ordering: "user", maxHoldSeconds: 3600, includeStale: true },
      { destination: "ep_2", ordering: "none", maxHoldSeconds: 3600, includeStale: false, payload: "raw" },
    ]);
  });
});

describe("what an event says", () => {
  it("is read once for all endpoints and all conditions that ask about it", () => {
    let reads = 0;
    const custom = {
      get v() {
        reads += 1;
        return "0.1";
      },
    };
    const filter = { $and: Array.from({ length: 20 }, (_, i) => ({ "data.custom.v": { $gt: i / 1_000, $lt: 1 } })) };
    const endpoints = Array.from({ length: 10 }, () => ({ filter }));
    expect(plan(config(...endpoints), paymentEvent({ data: { custom } }))).toHaveLength(10);
    expect(reads).toBe(1);
  });
});
