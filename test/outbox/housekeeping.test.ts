import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";

import worker from "../../src/index.ts";
import { usageOf } from "../../src/store/usage.ts";
import { logEvents } from "../api/support.ts";
import { newMerchant } from "../support/merchant.ts";

const DAY = 24 * 3_600_000;

afterEach(() => vi.restoreAllMocks());

it("the cron counts, erases, tidies up and unparks; a chore that fails stops no other", async () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { id } = await newMerchant();
  const now = Date.now();
  await logEvents(id, 1, "ep_1", { from: now - 100 * DAY });
  await logEvents(id, 1, "ep_1", { from: now - 5 * 60_000 });
  const failing = new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "prepare") {
        return (query: string) => {
          if (query.includes("erasures") || query.includes("parked WHERE queue")) throw new Error("D1 does not answer");
          return target.prepare(query);
        };
      }
      return name === "batch" ? target.batch.bind(target) : Reflect.get(target, name);
    },
  });
  const controller = createScheduledController({ scheduledTime: new Date(now) });
  await worker.scheduled(controller, { ...env, DB: failing });
  expect(error.mock.calls.map(([line]) => JSON.parse(String(line)).chore)).toEqual(["erasures", "parked"]);
  expect((await usageOf(env.DB, id, now)).events).toBe(1);
  const left = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE merchant = ?").bind(id).first("n");
  expect(left).toBe(1);
});
