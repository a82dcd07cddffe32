import { describe, expect, it } from "vitest";

import { timeOf } from "../../src/event/ids.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";
import { expectRefused } from "./refusal.ts";
import { attempt, logEvents, send } from "./support.ts";

const DAY = 24 * 3_600_000;

async function furnish() {
  const merchant = await newMerchant();
  const [endpoint, other] = [await newEndpoint(merchant.key), await newEndpoint(merchant.key)];
  const stats = async (query = "") =>
    (await call("GET", `/v1/endpoints/${endpoint.id}/stats${query}`, { key: merchant.key })).json;
  return { merchant, endpoint: endpoint.id, other: other.id, stats };
}

const NONE = { pending: 0, retrying: 0, sent: 0, delivered: 0, bounced: 0, exhausted: 0, canceled: 0, skipped: 0 };

describe("GET /v1/endpoints/{id}/stats", () => {
  it("counts deliveries by status, and takes the percentiles of its attempts", async () => {
    const { merchant, endpoint, other, stats } = await furnish();
    const from = Date.now() - DAY;
    await logEvents(merchant.id, 98, endpoint, {
      from,
      row: (i) => ({ attempt: attempt(from + i, { class: "delivered", durationMs: i + 1, status: 204 }) }),
    });
    const failures = ["exhausted", "exhausted", "retrying"] as const;
    await logEvents(merchant.id, 3, endpoint, {
      from: from + 1000,
      row: (i) => ({ status: failures[i]!, attempt: attempt(from + 5000 + i, { durationMs: 1000 }) }),
    });
    await logEvents(merchant.id, 1, endpoint, {
      from: from + 2000,
      row: () => ({ status: "retrying", attempt: attempt(from + 9000, { class: "lost", durationMs: 0 }) }),
    });
    await logEvents(merchant.id, 5, other, { from });
    expect(await stats()).toMatchObject({
      cut: false,
      deliveries: { ...NONE, delivered: 98, exhausted: 2, retrying: 2 },
      successRate: 98,
      attempts: 101,
      attemptDurationMs: { p50: 51, p95: 96, p99: 1000 },
      lastSuccessAt: new Date(from + 97 + 98).toISOString(),
      lastFailureAt: new Date(from + 5002 + 1000).toISOString(),
    });
    const since = new Date(from + 1000).toISOString();
    expect(await stats(`?since=${since}`)).toMatchObject({ since, deliveries: { ...NONE, exhausted: 2, retrying: 2 } });
  });

  it("says nothing of what was not", async () => {
    const { stats } = await furnish();
    expect(await stats()).toEqual({
      since: expect.stringMatching(/Z$/),
      cut: false,
      deliveries: NONE,
      successRate: null,
      attempts: 0,
      attemptDurationMs: { p50: null, p95: null, p99: null },
      lastSuccessAt: null,
      lastFailureAt: null,
    });
  });

  it(
    "looks at the merchant's newest 10,000 deliveries, and says from when on that is",
    { timeout: 30_000 },
    async () => {
      const { merchant, endpoint, stats } = await furnish();
      const ids = await logEvents(merchant.id, 10_500, endpoint, { from: Date.now() - DAY });
      const { cut, since, deliveries } = await stats();
      expect({ cut, since, deliveries }).toEqual({
        cut: true,
        since: new Date(timeOf(ids[500]!)).toISOString(),
        deliveries: { ...NONE, delivered: 10_000 },
      });
    },
  );

  it("goes back 28 days", async () => {
    const { merchant, endpoint } = await furnish();
    const since = new Date(Date.now() - 29 * DAY).toISOString();
    const headers = { authorization: `Bearer ${merchant.key}` };
    await expectRefused({ name: "29 days", status: 422, code: "invalid", path: "/since", says: "28 days" }, () =>
      send("GET", `/v1/endpoints/${endpoint}/stats?since=${since}`, { headers }),
    );
  });
});
