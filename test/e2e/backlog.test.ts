import { expect, it } from "vitest";

import { eventOf, firstSuccesses, startStory } from "./story.ts";

const LEASE_MS = 2_000;
/** Batches of ten, each held for so long: these many take more than four leases. */
const [USERS, HELD_MS] = [60, 1_500];

it("drains a backlog of several leases with at most 2 messages a delivery", async () => {
  const story = await startStory({ vars: { LEASE_MS: String(LEASE_MS), START_BY_MS: "1000" } });
  try {
    await story.faults({ batchHeldMs: HELD_MS });
    const started = Date.now();
    for (let user = 0; user < USERS; user++) {
      await story.post(eventOf(`b_${user}`, `backlog-${user}`));
    }
    await story.receiver.until((received) => firstSuccesses(received).length === USERS, "the backlog delivered");
    const leases = (Date.now() - started) / LEASE_MS;
    const counted = await fetch(`${story.merchant.url}/__test/counters`);
    const { messages, dispatches } = (await counted.json()) as { messages: number; dispatches: number };
    console.log(`${USERS} deliveries over ${leases.toFixed(1)} leases: ${messages} messages, ${dispatches} dispatches`);
    expect(leases).toBeGreaterThan(3);
    expect(dispatches / USERS).toBeLessThanOrEqual(2);
    expect(story.receiver.received.length).toBe(USERS);
  } finally {
    await story.end();
  }
});
