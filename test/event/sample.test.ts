import { describe, expect, it } from "vitest";

import { CanonicalEvent } from "../../src/event/canonical.ts";
import { EVENT_TYPES, type EventType } from "../../src/event/event-types.ts";
import { sampleEvent } from "../../src/event/sample.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");

describe("a made-up event", () => {
  it.each<EventType>([...EVENT_TYPES, "custom.order.shipped"])("of type %s is one that could be posted", (type) => {
    const { data, user, occurredAt } = sampleEvent(type, "1", NOW);
    const posted = { type, user, timestamp: new Date(occurredAt).toISOString(), data };
    expect(CanonicalEvent.safeParse(posted)).toMatchObject({ success: true });
  });

  it("is not live and says who made it up; no two are about one payment", () => {
    const [one, other] = ["1", "2"].map((name) => sampleEvent("payment.succeeded", name, NOW));
    expect(one).toMatchObject({ livemode: false, origin: { name: "paybell", source: "test" } });
    expect(one?.data.payment?.id).not.toBe(other?.data.payment?.id);
  });
});
