import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { bodyFor, composeTemplate, type Accepted } from "../../src/event/envelope.ts";

const ACCEPTED: Accepted = {
  id: "evt_01k00000000000000000000000",
  sequence: 42,
  stale: false,
  truth: { status: "succeeded", reported: "succeeded", version: 3 },
  event: {
    type: "payment.succeeded",
    occurredAt: Date.parse("2026-11-23T12:00:00Z"),
    livemode: true,
    user: "cus_1",
    data: { payment: { id: "pi_1", amount: { value: "1999", currency: "EUR" } } },
    origin: {
      name: "stripe",
      source: "src_1",
      eventId: "evt_1",
      type: "payment_intent.succeeded",
      authenticity: "signed",
    },
  },
};

describe("a body", () => {
  it("is full by default", () => {
    expect(JSON.parse(bodyFor(composeTemplate(ACCEPTED), 40))).toEqual({
      id: "evt_01k00000000000000000000000",
      apiVersion: "2026-12-01",
      type: "payment.succeeded",
      timestamp: "2026-11-23T12:00:00.000Z",
      livemode: true,
      user: "cus_1",
      sequence: 42,
      previous: 40,
      stale: false,
      data: {
        payment: {
          id: "pi_1",
          status: "succeeded",
          reported: "succeeded",
          version: 3,
          amount: { value: "1999", decimal: "19.99", currency: "EUR" },
        },
        provider: ACCEPTED.event.origin,
      },
    });
  });

  it("is the same for an endpoint that wants it full, whether or not another wants it raw", () => {
    const raw = '{"id":"evt_1","amount":1.10}';
    expect(bodyFor(composeTemplate({ ...ACCEPTED, raw }), 40)).toBe(bodyFor(composeTemplate(ACCEPTED), 40));
  });

  it("holds the provider's object as it came where it is raw: no digit of a number is lost", () => {
    const raw = '{ "big": 12345678901234567890, "exact": 1.10, "small": 1e-7,\n "text": "\\u00fc\\u0000" }';
    const body = bodyFor(composeTemplate({ ...ACCEPTED, raw }), 40, "raw");
    expect(body).toContain(`,"raw":${raw}}}`);
    const { data, ...rest } = JSON.parse(body);
    expect(data.raw).toEqual(JSON.parse(raw));
    expect(rest).toMatchObject({ id: ACCEPTED.id, previous: 40 });
  });

  it("holds any JSON as raw, and adds nothing but that", () => {
    fc.assert(
      fc.property(fc.json(), (raw) => {
        const template = composeTemplate({ ...ACCEPTED, raw });
        const { data, ...rest } = JSON.parse(bodyFor(template, null, "raw"));
        const { raw: got, ...others } = data;
        expect(JSON.stringify(got)).toBe(JSON.stringify(JSON.parse(raw)));
        expect({ ...rest, data: others }).toEqual(JSON.parse(bodyFor(template, null)));
      }),
    );
  });

  it("is full where raw is wanted of an event without a provider's object", () => {
    const template = composeTemplate(ACCEPTED);
    expect(bodyFor(template, 1, "raw")).toBe(bodyFor(template, 1));
  });

  it("says what happened and where to read it where it is thin, and nothing of whom and how much", () => {
    const template = composeTemplate({ ...ACCEPTED, raw: '{"secret":1}' });
    expect(JSON.parse(bodyFor(template, 40, "thin"))).toEqual({
      id: "evt_01k00000000000000000000000",
      apiVersion: "2026-12-01",
      type: "payment.succeeded",
      timestamp: "2026-11-23T12:00:00.000Z",
      livemode: true,
      url: "/v1/events/evt_01k00000000000000000000000",
    });
  });
});
