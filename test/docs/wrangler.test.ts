import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";

interface Queues {
  producers: { queue: string }[];
  consumers: { queue: string; dead_letter_queue?: string; max_retries?: number }[];
}

const config = unstable_readConfig({ config: join(import.meta.dirname, "../../wrangler.toml") });
const { producers, consumers } = config.queues as Queues;

it("lets no queue drop in silence what fails too often: it goes to `dead`, where somebody takes it", () => {
  expect(new Set(consumers.map(({ queue }) => queue))).toEqual(
    new Set(["deliveries", "retries", "backup", "enrichments", "dead"]),
  );
  expect(producers.every((producer) => consumers.some(({ queue }) => queue === producer.queue))).toBe(true);
  for (const { queue, dead_letter_queue: dead, max_retries: retries } of consumers) {
    expect({ queue, dead }).toEqual({ queue, dead: queue === "dead" ? undefined : "dead" });
    // Left out, it is 3.
    expect(retries).toBeGreaterThanOrEqual(10);
  }
});
