import { describe, expect, it } from "vitest";

import { decide, outcomeOf, rateOf, standOf } from "../../src/delivery/replay-rules.ts";
import type { Endpoint, MerchantConfig } from "../../src/store/config.ts";
import { NO_OUTBOX } from "../../src/store/erasures.ts";
import type { Again, Standing } from "../../src/store/replay.ts";
import type { JobFilter } from "../../src/store/schema.ts";
import { eventRecord, newEventId } from "../api/support.ts";

const filter: JobFilter = { statuses: ["exhausted"], since: 0, until: 1, endpoint: "ep_1" };
const endpoint = { id: "ep_1", ordering: "payment" } as Endpoint;
const config: MerchantConfig = {
  id: "mer_1",
  name: null,
  status: "active",
  alertEmail: null,
  emailName: null,
  dailyEmailLimit: null,
  isOverQuota: false,
  endpoints: [endpoint],
  accounts: [],
};

const { key, ...record } = eventRecord("mer_1", newEventId(0), 0);
const delivery = { id: "dlv_1", destination: "ep_1", status: "exhausted", reason: "http", counter: 3, previous: 7 };
const AGAIN = { delivery: { ...delivery, attempts: 2 }, event: { ...record, outbox: key, alteredAt: null } } as Again;
const but = (change: Partial<Again["delivery"]>, event: Partial<Again["event"]> = {}): Again => ({
  delivery: { ...AGAIN.delivery, ...change },
  event: { ...AGAIN.event!, ...event },
});

const found = { counter: 3, wasAsked: false };
const asked = { counter: 3, wasAsked: true };

describe("what a job does with a delivery", () => {
  it("asks the outbox of its event for it, as far as it had come, in the order of its endpoint", () => {
    expect(decide(found, AGAIN, { filter, config })).toEqual({
      kind: "ask",
      input: {
        v: 1,
        record: { ...record, key },
        delivery: "dlv_1",
        destination: "ep_1",
        previous: 7,
        attempts: 2,
        counter: 3,
        ordering: "payment",
      },
    });
    const email = decide(found, but({ destination: "email" }), { filter, config });
    expect(email).toMatchObject({ kind: "ask", input: { ordering: "user" } });
  });

  it.each<[string, typeof found, Again | undefined, string]>([
    ["is gone", found, undefined, "changed"],
    ["was delivered meanwhile", found, but({ status: "delivered" }), "changed"],
    ["was attempted meanwhile, by somebody else", found, but({ counter: 4 }), "changed"],
    ["may have arrived", found, but({ reason: "ambiguous" }), "ambiguous"],
    ["has no event any more", found, { ...AGAIN, event: null }, "body_gone"],
    ["has no body any more", found, but({}, { template: null }), "body_gone"],
    ["is of a user who was erased", found, but({}, { outbox: NO_OUTBOX }), "body_gone"],
    ["has an event that waits for its outbox", found, but({}, { sequence: null }), "waiting"],
    ["goes to an endpoint that was deleted", found, but({ destination: "ep_2" }), "endpoint_deleted"],
    ["is gone since it was asked for", asked, undefined, "changed"],
  ])("skips one that %s", (_, before, again, because) => {
    expect(decide(before, again, { filter, config })).toEqual({ kind: "skip", because });
  });

  it("counts as asked for what was attempted since it may have asked, and asks anew for what was not", () => {
    expect(decide(asked, but({ counter: 4, status: "delivered" }), { filter, config })).toEqual({ kind: "asked" });
    expect(decide(asked, but({ counter: 4 }), { filter, config })).toEqual({ kind: "asked" });
    expect(decide(asked, AGAIN, { filter, config }).kind).toBe("ask");
  });
});

describe("a job", () => {
  const disabled = (id: string) => ({ ...config, endpoints: [{ ...endpoint, id, status: "disabled" } as Endpoint] });

  it.each([
    ["goes on", config, config],
    ["does not mind another endpoint that is disabled", disabled("ep_2"), disabled("ep_2")],
    ["stops where its own is", disabled("ep_1"), "endpoint_disabled"],
    ["stops where its merchant is suspended", { ...config, status: "suspended" as const }, "merchant_suspended"],
    ["stops where its merchant is gone", null, "merchant_deleted"],
  ])("%s", (_, found, stands) => {
    expect(standOf(found, filter)).toEqual(stands);
  });
});

describe("the rate of a job", () => {
  it.each([
    [undefined, 10],
    [null, 10],
    [4, 4],
    [40, 10],
    [2.5, 2],
    [0.1, 1],
  ])("of 10 a second, with the endpoint's own limit of %s: %i", (rateLimit, rate) => {
    const limited = { ...config, endpoints: [{ ...endpoint, rateLimit } as Endpoint] };
    expect(rateOf({ perSecond: 10, filter }, limited)).toBe(rate);
  });

  it("knows no limit where the job has no endpoint, or that is deleted", () => {
    expect(rateOf({ perSecond: 10, filter: { ...filter, endpoint: undefined } }, config)).toBe(10);
    expect(rateOf({ perSecond: 10, filter: { ...filter, endpoint: "ep_2" } }, config)).toBe(10);
  });
});

describe("what became of a delivery that was sent again at counter 3", () => {
  it.each<[string, Standing, string | null]>([
    ["nothing yet", { status: "exhausted", counter: 3, attempt: 3, class: "http" }, null],
    ["put off", { status: "pending", counter: 4, attempt: 3, class: "http" }, null],
    ["delivered", { status: "delivered", counter: 4, attempt: 4, class: "delivered" }, "delivered"],
    ["sent", { status: "sent", counter: 4, attempt: 4, class: "sent" }, "delivered"],
    ["failed", { status: "retrying", counter: 4, attempt: 4, class: "timeout" }, "not delivered"],
    ["failed, delivered before", { status: "delivered", counter: 4, attempt: 4, class: "http" }, "not delivered"],
    ["canceled", { status: "canceled", counter: 4, attempt: 3, class: "http" }, "not delivered"],
    ["delivered before, nothing yet", { status: "delivered", counter: 3, attempt: 3, class: "delivered" }, null],
  ])("%s", (_, standing, outcome) => {
    expect(outcomeOf(standing, 3)).toBe(outcome);
  });
});
