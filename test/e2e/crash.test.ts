import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { eventOf, firstSuccesses, orderFaults, startStory, type Story } from "./story.ts";
import { startStop } from "./stop.ts";

const USERS = 8;
const EVENTS_EACH = 14;
/** An endpoint that does not answer is asked so many times at once. */
const IN_FLIGHT = 2;
const PENDING = "/v1/deliveries?status=pending&limit=100";
/** Ten kills that together cover every gap in which a crash could lose something. */
const PLACES = ["after-commit", "before-log", "before-settle", "in-flight", "in-flight"] as const;
const SEEDS = Array.from({ length: 10 }, (_, seed) => ({ seed, place: PLACES[seed % PLACES.length]! }));

describe("killing everything", () => {
  let story: Story;
  const accepted = new Set<string>();
  let duplicates = 0;

  beforeAll(async () => {
    story = await startStory({ vars: { LEASE_MS: "2000", START_BY_MS: "1000" } });
  });
  afterAll(async () => {
    console.log(`${accepted.size} events accepted, ${duplicates} deliveries came more than once`);
    await story.end();
  });

  it.each(SEEDS)("loses nothing: seed $seed, $place", async ({ seed, place }) => {
    const { receiver } = story;
    const from = receiver.received.length;
    const held = new Map<string, (status: number) => void>();
    const inFlight = Promise.withResolvers<void>();
    receiver.answer = ({ body }) =>
      new Promise((resolve) => {
        held.set(body.user!, resolve);
        if (held.size === IN_FLIGHT) {
          inFlight.resolve();
        }
      });
    const users = Array.from({ length: USERS }, (_, user) => `s${seed}_u${user}`);
    await Promise.all(
      users.map(async (user) => {
        const events = Array.from({ length: EVENTS_EACH }, (_, n) => eventOf(user, `${user}-${n}`));
        (await story.postAll(events)).forEach((id) => accepted.add(id));
      }),
    );
    await expect
      .poll(async () => (await story.merchant.call<{ data: unknown[] }>("GET", PENDING)).json.data.length, {
        timeout: 20_000,
      })
      .toBe(100);
    await inFlight.promise;

    const late: Promise<{ id: string }>[] = [];
    if (place === "in-flight") {
      await story.kill();
    } else {
      const stop = await startStop();
      await story.faults({ stop: place, reached: stop.url });
      if (place === "after-commit") {
        late.push(story.post(eventOf(users[0]!, `${users[0]}-late`)));
      } else {
        [...held.values()].slice(0, IN_FLIGHT).forEach((answer) => answer(204));
      }
      await stop.reached;
      await story.kill();
      stop.close();
    }
    receiver.answer = () => 204;
    await story.restart();
    for (const { id } of await Promise.all(late)) {
      accepted.add(id);
    }
    await receiver.until(
      (received) => {
        const delivered = new Set(firstSuccesses(received).map(({ id }) => id));
        return [...accepted].every((id) => delivered.has(id));
      },
      "every accepted event delivered",
      60_000,
    );
    const successes = receiver.received.slice(from).filter(({ status }) => status < 300);
    duplicates += successes.length - new Set(successes.map(({ id }) => id)).size;
    expect(orderFaults(receiver.received.slice(from))).toEqual([]);
    expect(new Set(firstSuccesses(receiver.received).map(({ id }) => id))).toEqual(accepted);
  });
});
