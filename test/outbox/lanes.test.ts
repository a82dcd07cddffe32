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
