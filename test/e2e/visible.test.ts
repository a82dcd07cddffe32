import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { eventOf, startStory, type Story } from "./story.ts";

const WITHIN_MS = 3_000;

describe("an accepted event shows within 3 s of its 2xx", () => {
  let story: Story;

  beforeAll(async () => {
    story = await startStory({
      vars: { LEASE_MS: "60000", START_BY_MS: "20000" },
      endpoint: { eventTypes: ["payment.succeeded"] },
    });
  });
  afterAll(() => story.end());

  async function shows(id: string, { pending }: { pending: boolean }): Promise<void> {
    const deadline = { timeout: WITHIN_MS, interval: 100 };
    await expect.poll(async () => (await story.merchant.call("GET", `/v1/events/${id}`)).status, deadline).toBe(200);
    if (pending) {
      await expect
        .poll(async () => {
          const { json } = await story.merchant.call<{ data: { event: string }[] }>(
            "GET",
            "/v1/deliveries?status=pending",
          );
          return json.data.map(({ event }) => event);
        }, deadline)
        .toContain(id);
    }
  }

  it("when its lane is blocked", async () => {
    story.receiver.answer = () => new Promise(() => undefined);
    const first = await story.post(eventOf("u_blocked", "blocked-1"));
    const second = await story.post(eventOf("u_blocked", "blocked-2"));
    await shows(second.id, { pending: true });
    await shows(first.id, { pending: true });
  });

  it("when the queue did not take it", async () => {
    await story.faults({ deliveriesFails: 1 });
    await shows((await story.post(eventOf("u_unsent", "unsent"))).id, { pending: true });
  });

  it("when nothing wants it", async () => {
    await story.faults({});
    await shows((await story.post({ ...eventOf("u_nobody", "nobody"), type: "payment.failed" })).id, {
      pending: false,
    });
  });

  it("when its outbox does not answer and it was spilled", async () => {
    await story.faults({ acceptFails: 1 });
    const spilled = await story.post(eventOf("u_spilled", "spilled"));
    expect(spilled.sequence).toBeNull();
    await shows(spilled.id, { pending: true });
  });
});
