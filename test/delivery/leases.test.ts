import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { EndpointChange } from "../../src/api/endpoint-schema.ts";

/** What may start still waits: 2 s for those who try an endpoint first, 1 s for its gate, 2 s for a slot. */
const WAITS_MS = 5_000;
/** What a log and a settle that are slow may take. */
const SETTLES_MS = 5_000;

it("a dispatch that starts at the last moment, at the slowest endpoint there may be, is settled within its lease", () => {
  const allowed = Array.from({ length: 600 }, (_, timeoutSeconds) => timeoutSeconds).filter(
    (timeoutSeconds) => EndpointChange.safeParse({ timeoutSeconds }).success,
  );
  const longestMs = allowed.at(-1)! * 1000;
  expect(longestMs).toBeGreaterThanOrEqual(30_000);
  expect(Number(env.START_BY_MS) + WAITS_MS + longestMs + SETTLES_MS).toBeLessThanOrEqual(Number(env.LEASE_MS));
});
