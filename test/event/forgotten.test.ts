import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { composeTemplate } from "../../src/event/envelope.ts";
import type { PaymentEvent } from "../../src/event/event.ts";
import { forgetPerson } from "../../src/event/forgotten.ts";

const amount = { value: "1999", currency: "EUR" };

function template(event: Partial<PaymentEvent>): string {
  return composeTemplate({
    id: "evt_1",
    sequence: 7,
    stale: false,
    truth: { status: "succeeded", reported: "succeeded", version: 2 },
    event: {
      type: "payment.succeeded",
      occurredAt: Date.parse("2026-11-23T12:00:00Z"),
      livemode: true,
      user: "u_1",
      data: { payment: { id: "pi_1", amount } },
      origin: null,
      ...event,
    },
  });
}

describe("the body of an event whose person is forgotten", () => {
  it("keeps what accounts are made of: ids, amounts, states, times", () => {
    const origin = {
      name: "stripe",
      source: "src_1",
      eventId: "evt_s",
      type: "charge.refunded",
      authenticity: "signed",
    } as const;
    const data = {
      payment: { id: "pi_1", amount, reference: "order_77", refunded: amount },
      refund: { id: "re_1", amount },
    };
    expect(JSON.parse(forgetPerson(template({ type: "refund.succeeded", data, origin }))!)).toEqual({
      id: "evt_1",
      apiVersion: "2026-12-01",
      type: "refund.succeeded",
      timestamp: "2026-11-23T12:00:00.000Z",
      livemode: true,
      sequence: 7,
      stale: false,
      user: null,
      erased: true,
      data: {
        payment: {
          id: "pi_1",
          reference: "order_77",
          status: "succeeded",
          reported: "succeeded",
          version: 2,
          amount: { ...amount, decimal: "19.99" },
          refunded: { ...amount, decimal: "19.99" },
        },
        refund: { id: "re_1", amount: { ...amount, decimal: "19.99" } },
        provider: origin,
      },
    });
  });

  it("keeps nothing of the user, of cards, and of what somebody has written", () => {
    const text = fc.string({ minLength: 1 }).map((rest) => `marker ${rest}`);
    const said = fc.record({
      user: text,
      data: fc.record({
        payment: fc.record({
          id: fc.constant("pi_1"),
          amount: fc.constant(amount),
          method: text,
          failure: fc.record({ code: text, message: text }),
        }),
        refund: fc.record({ id: fc.constant("re_1"), reason: text }),
        dispute: fc.record({ id: fc.constant("dp_1"), reason: text }),
        paymentMethod: fc.record({ id: text, brand: text, last4: text }),
        custom: fc.dictionary(fc.string(), text),
      }),
    });
    fc.assert(
      fc.property(said, (event) => {
        const kept = forgetPerson(template(event));
        expect(kept).toContain('"amount":{"value":"1999"');
        expect(kept).not.toContain("marker");
      }),
    );
  });

  it("is nothing at all where the template is none", () => {
    expect(forgetPerson("{")).toBeNull();
  });

  it("is the same when it is forgotten again", () => {
    const once = forgetPerson(template({}))!;
    expect(forgetPerson(once)).toBe(once);
  });
});
