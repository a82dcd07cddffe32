import { describe, expect, it } from "vitest";

import { Lanes } from "../../src/outbox/lanes.ts";
import { FRESH, type PendingEvent } from "../../src/outbox/pending.ts";

const MAX_WAITING = 10_000;

/** An event with one delivery to each destination, in the lanes that `laneOf` names. */
function eventOf(sequence: number, destinations: string[], laneOf: (destination: string) => string | null) {
  const id = `evt_${sequence}`;
  const event: PendingEvent = { id, key: id, sequence, acceptedAt: sequence, deliveries: [] };
  event.deliveries = destinations.map((destination) => {
    return { ...FRESH, delivery: `${id}_${destination}`, destination, lane: laneOf(destination) };
  });
  return event;
}

describe("more deliveries than may wait for a destination", () => {
  it.each([
    ["one lane", (destination: string) => destination],
    ["no lanes", () => null],
  ])("in %s: the oldest of that destination are over, and no others", (_, laneOf) => {
    const lanes = new Lanes({ startByMs: 1, leaseMs: 1 });
    lanes.add(eventOf(0, ["ep_b"], laneOf));
    for (let sequence = 1; sequence <= MAX_WAITING; sequence++) {
      lanes.add(eventOf(sequence, ["ep_a"], laneOf));
    }
    expect(lanes.overfull()).toEqual([]);
    lanes.add(eventOf(MAX_WAITING + 1, ["ep_a", "ep_b"], laneOf));
    lanes.add(eventOf(MAX_WAITING + 2, ["ep_a"], laneOf));
    const over = lanes.overfull();
    expect(over.map(({ pending }) => pending.delivery)).toEqual(["evt_1_ep_a", "evt_2_ep_a"]);
    over.forEach((entry) => lanes.finish(entry));
    expect(lanes.overfull()).toEqual([]);
  });
});

describe("a destination that is back", () => {
  const waiting = (until: number) => ({ kind: "deferred", until, waits: { reason: "breaker", until } }) as const;

  function handedOver(at: number) {
    const lanes = new Lanes({ startByMs: 1000, leaseMs: 2000 });
    lanes.add(eventOf(1, ["ep_a", "ep_b"], () => null));
    const entries = [...lanes.events.values()].flatMap((event) =>
      event.deliveries.map((pending) => ({ event, pending })),
    );
    entries.forEach((entry) => lanes.dispatch(entry, at));
    return { lanes, a: entries[0]!, b: entries[1]! };
  }

  it("is due at once, and no other", () => {
    const { lanes, a, b } = handedOver(100);
    for (const entry of [a, b]) lanes.settle(entry, 1, waiting(5000));
    expect(lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 200)).toEqual({
      handed: [a],
      hasMore: false,
      hasFailed: false,
    });
    expect(lanes.waitingFor(b.pending)).toEqual({ reason: "breaker", until: 5000 });
  });

  it("is due at once also where it was sent by hand, unless that has failed", () => {
    const { lanes, a, b } = handedOver(100);
    for (const { pending } of [a, b]) Object.assign(pending, { manual: true, destination: "ep_a" });
    lanes.settle(a, 1, waiting(5000));
    lanes.settle(b, 1, { kind: "failed", at: 150, retryAt: 5000, answered: true });
    expect(lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 200)).toEqual({
      handed: [a],
      hasMore: false,
      hasFailed: false,
    });
  });

  it("goes one after the other, and what has failed by itself only where the endpoint is back for sure", () => {
    const { lanes, a, b } = handedOver(100);
    b.pending.destination = "ep_a";
    lanes.settle(a, 1, { kind: "failed", at: 150, retryAt: 5000, answered: true });
    lanes.settle(b, 1, waiting(5000));
    expect(lanes.release({ destination: "ep_a", isProbe: true, max: 1 }, 200)).toEqual({
      handed: [b],
      hasMore: false,
      hasFailed: true,
    });
    lanes.settle(b, 2, waiting(5000));
    expect(lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 300)).toEqual({
      handed: [a],
      hasMore: true,
      hasFailed: false,
    });
    expect(lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 400)).toEqual({
      handed: [b],
      hasMore: false,
      hasFailed: false,
    });
  });

  it("leaves alone as long as it asked what it has asked that of, and no longer", () => {
    const { lanes, a, b } = handedOver(100);
    b.pending.destination = "ep_a";
    lanes.settle(a, 1, { kind: "failed", at: 150, retryAt: 9000, answered: true, notBefore: 3000 });
    lanes.settle(b, 1, waiting(5000));
    const release = (now: number) => lanes.release({ destination: "ep_a", isProbe: false, max: 5 }, now);
    expect(release(200)).toEqual({ handed: [b], hasMore: false, hasFailed: false });
    expect(release(2999).handed).toEqual([]);
    expect(release(3000).handed).toEqual([a]);
    lanes.settle(a, 2, { kind: "failed", at: 3100, retryAt: 9000, answered: true });
    expect(release(3200).handed).toEqual([a]);
  });

  it("is due at once also where the word that it has to wait comes after that", () => {
    const { lanes, a } = handedOver(100);
    lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 200);
    lanes.settle(a, 1, waiting(5000));
    expect(lanes.sweep(200).send).toEqual([a]);
  });

  it("waits where it was handed over after that", () => {
    const { lanes, a } = handedOver(100);
    lanes.settle(a, 1, waiting(5000));
    expect(lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 100).handed).toEqual([a]);
    lanes.settle(a, 2, waiting(5000));
    expect(lanes.sweep(200).send).toEqual([]);
  });

  it("is due at once also where it was handed over at the very moment of that", () => {
    const { lanes, a } = handedOver(100);
    lanes.release({ destination: "ep_a", isProbe: false, max: 1 }, 100);
    lanes.settle(a, 1, waiting(5000));
    expect(lanes.sweep(200).send).toEqual([a]);
  });
});
