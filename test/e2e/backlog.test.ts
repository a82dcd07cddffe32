import { expect, it } from "vitest";

import { eventOf, firstSuccesses, startStory } from "./story.ts";

const LEASE_MS = 2_000;
/** A consumer takes ten messages at a time and attempts five at once: this many take about five leases. */
const USERS = 60;
const ANSWER_MS = 900;

it("drains a backlog of five leases with at most 2 messages a delivery", async () => {
  const story = await startStory({ vars: { LEASE_MS: String(LEASE_MS), START_BY_MS: "1000" } });
  try {
    story.receiver.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
      return 204;
    };
    const started = Date.now();
    for (let user = 0; user < USERS; user++) {
      await story.post(eventOf(`b_${user}`, `backlog-${user}`));
    }
    await story.receiver.until((received) => firstSuccesses(received).length === USERS, "the backlog delivered");
    const leases = (Date.now() - started) / LEASE_MS;
    const counted = await fetch(`${story.merchant.url}/__test/counters`);
    const { messages, dispatches } = (await counted.json()) as { messages: number; dispatches: number };
    console.log(`${USERS} deliveries over ${leases.toFixed(1)} leases: ${messages} messages, ${dispatches} dispatches`);
    expect(leases).toBeGreaterThan(4);
    expect(dispatches / USERS).toBeLessThanOrEqual(2);
    expect(story.receiver.received.length).toBe(USERS);
  } finally {
    await story.end();
  }
});
