import { describe, expect, it } from "vitest";

import { eventOf, firstSuccesses, orderFaults, startStory } from "./story.ts";

const USERS = 50;
const EVENTS = 40;
const DEAD = "u_0";

/** A number in [0, 1) that depends on nothing but the text: both runs meet the same receiver. */
function chance(text: string): number {
  let hash = 2_166_136_261;
  for (const char of text) {
    hash = Math.imul(hash ^ char.codePointAt(0)!, 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 4_294_967_296;
}

/** Posts all events, each user's in order and all users at once, one batch a user, to a receiver that is slow and fails at random. */
async function run({ dead }: { dead: boolean }): Promise<{ p99: number; faults: string[] }> {
  const story = await startStory({ vars: { LEASE_MS: "30000", START_BY_MS: "15000" } });
  const release = new AbortController();
  try {
    story.receiver.answer = async ({ body, attempt, id }) => {
      if (dead && body.user === DEAD) {
        await new Promise((resolve) => release.signal.addEventListener("abort", resolve));
      }
      const { payment } = body.data as { payment: { id: string } };
      await new Promise((resolve) => setTimeout(resolve, 300 * chance(`slow ${payment.id} ${attempt}`)));
      return id !== "" && chance(`fails ${payment.id} ${attempt}`) < 0.2 ? 500 : 204;
    };
    const acceptedAt = new Map<string, number>();
    await Promise.all(
      Array.from({ length: USERS }, async (_, user) => {
        const events = Array.from({ length: EVENTS }, (_, n) => eventOf(`u_${user}`, `${user}-${n}`));
        (await story.postAll(events)).forEach((id) => acceptedAt.set(id, Date.now()));
      }),
    );
    const others = (USERS - 1) * EVENTS;
    await story.receiver.until(
      (received) => firstSuccesses(received).filter(({ body }) => body.user !== DEAD).length === others,
      `${others} deliveries of the living`,
      200_000,
    );
    const living = firstSuccesses(story.receiver.received).filter(({ body }) => body.user !== DEAD);
    const waits = living.map(({ id, at }) => at - acceptedAt.get(id)!).sort((a, b) => a - b);
    const faults = orderFaults(story.receiver.received);
    return { p99: waits[Math.floor(waits.length * 0.99)]!, faults };
  } finally {
    release.abort();
    await story.end();
  }
}

describe("order under fire", { timeout: 1_300_000 }, () => {
  it("keeps every lane in sequence without a gap, and one dead path slows nobody else", async () => {
    let ratio = Infinity;
    // The machine does other things too: times are measured up to three times, order has to be right every time.
    for (let tries = 0; tries < 3 && ratio >= 1.2; tries++) {
      const alone = await run({ dead: false });
      const beside = await run({ dead: true });
      expect([...alone.faults, ...beside.faults]).toEqual([]);
      console.log(`p99 of the living: ${alone.p99} ms alone, ${beside.p99} ms beside a dead path`);
      ratio = beside.p99 / alone.p99;
    }
    expect(ratio).toBeLessThan(1.2);
  });
});
