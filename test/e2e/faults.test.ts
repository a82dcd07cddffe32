import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Delivery } from "./client.ts";
import type { Received } from "./receiver.ts";
import { eventOf, firstSuccesses, orderFaults, startStory, type Story } from "./story.ts";

const USERS = 6;
const EVENTS_EACH = 6;

/** What goes wrong, and whether it has to be over before everything can be delivered. */
const SCENARIOS = [
  { name: "queue messages lost", faults: { lost: 0.3 }, heals: false },
  { name: "queue messages doubled", faults: { doubled: 0.5 }, heals: false },
  { name: "queue messages shuffled and late", faults: { shuffled: true, late: 0.3 }, heals: false },
  { name: "queue sends failing", faults: { deliveriesFails: 0.5 }, heals: false },
  { name: "settles failing", faults: { settleFails: 0.5 }, heals: false },
  { name: "D1 failing", faults: { d1Fails: 1 }, heals: true },
  { name: "D1 and the backup queue failing", faults: { d1Fails: 1, backupFails: 1 }, heals: true },
  { name: "D1 and both queues failing", faults: { d1Fails: 1, backupFails: 1, deliveriesFails: 1 }, heals: true },
  { name: "the outbox unreachable at ingest", faults: { acceptFails: 1 }, heals: true },
  {
    name: "a little of everything",
    faults: {
      lost: 0.1,
      doubled: 0.1,
      late: 0.1,
      shuffled: true,
      deliveriesFails: 0.1,
      settleFails: 0.2,
      d1Fails: 0.2,
      backupFails: 0.2,
      acceptFails: 0.2,
    },
    heals: true,
  },
];

describe("faults of the machinery", () => {
  let story: Story;

  beforeAll(async () => {
    story = await startStory({ vars: { LEASE_MS: "1000", START_BY_MS: "500" } });
  });
  afterAll(() => story.end());

  it.each(SCENARIOS.map((scenario, number) => ({ ...scenario, number })))(
    "lose nothing: $name",
    async ({ faults, heals, number }) => {
      const accepted = new Set<string>();
      await story.merchant.call("GET", "/v1/endpoints");
      await story.faults({ ...faults, seed: number + 1 });
      await Promise.all(
        Array.from({ length: USERS }, async (_, user) => {
          for (let n = 0; n < EVENTS_EACH; n++) {
            accepted.add((await story.post(eventOf(`f${number}_u${user}`, `f${number}-${user}-${n}`))).id);
          }
        }),
      );
      if (heals) {
        await story.faults({});
      }
      await story.receiver.until(
        (received) => {
          const delivered = new Set(firstSuccesses(received).map(({ id }) => id));
          return [...accepted].every((id) => delivered.has(id));
        },
        "every accepted event delivered",
        90_000,
      );
      await story.faults({});
      const isOurs = ({ body }: Received) => body.user!.startsWith(`f${number}_`);
      const received = story.receiver.received.filter(isOurs);
      expect(accepted.size).toBe(USERS * EVENTS_EACH);
      expect(new Set(received.map(({ id }) => id))).toEqual(accepted);
      expect(orderFaults(received)).toEqual([]);
      await expect.poll(() => undelivered(story, accepted), { timeout: 60_000, interval: 250 }).toEqual([]);
    },
  );
});

/** The events of which the log does not say that they were delivered. */
async function undelivered(story: Story, ids: Set<string>): Promise<string[]> {
  const statuses = await Promise.all(
    [...ids].map(async (id) => {
      const { json } = await story.merchant.call<{ deliveries: Delivery[] }>("GET", `/v1/events/${id}`);
      return {
        id,
        isDelivered: json.deliveries?.every(({ status }) => status === "delivered") && json.deliveries.length > 0,
      };
    }),
  );
  return statuses.filter(({ isDelivered }) => !isDelivered).map(({ id }) => id);
}
