import { afterAll, beforeAll, expect, it } from "vitest";

import { merchantOf, newMerchant, type Merchant } from "../client.ts";
import { eventOf, startStory, type Story } from "../story.ts";

/** A second merchant does what it may, and as much of it as it can; the story's own is still served. */
let story: Story;
let hostile: Merchant;

beforeAll(async () => {
  // Leases as in production: what is slow is not sent twice.
  story = await startStory({ vars: { LEASE_MS: "60000", START_BY_MS: "20000" } });
  hostile = await newMerchant(story.merchant.url);
});
afterAll(() => story.end());

/** How often each status came back of so many calls at once. */
async function statuses(calls: number, one: (n: number) => Promise<{ status: number }>): Promise<Map<number, number>> {
  const answers = await Promise.all(Array.from({ length: calls }, async (_, n) => (await one(n)).status));
  return new Map([...Map.groupBy(answers, (status) => status)].map(([status, all]) => [status, all.length]));
}

/** The other merchant's events arrive, each once and in order, while `attack` goes on. */
async function served(name: string, attack: () => Promise<unknown>): Promise<void> {
  const attacking = attack();
  const names = Array.from({ length: 10 }, (_, n) => `${name}-${n}`);
  for (const one of names) {
    expect((await story.post(eventOf(`u_${name}`, one))).status).toBe("accepted");
  }
  await attacking;
  const mine = () => story.receiver.received.filter(({ body }) => body.user === `u_${name}`);
  await story.receiver.until(() => mine().length >= names.length, `the events beside ${name}`);
  expect(mine().map(({ body }) => (body.data["payment"] as { id: string }).id)).toEqual(names.map((one) => `p_${one}`));
}

it("a hundred endpoints with the largest filters, lists and headers: each bound holds, nobody waits in vain", async () => {
  const filter = (n: number) => ({
    user: { $in: Array.from({ length: 190 }, (_, i) => `user_${n}_${i}_${"x".repeat(20)}`) },
  });
  const amounts = (n: number) => ({
    "data.payment.amount.value": { $in: Array.from({ length: 190 }, (_, i) => n * 1_000 + i + 0.5) },
  });
  const endpoint = (n: number) => ({
    url: `${story.receiver.url}/never/${n}`,
    filter: n % 2 === 0 ? filter(n) : amounts(n),
    eventTypes: Array.from({ length: 100 }, (_, i) => `custom.t${n}_${i}`).concat("payment.*"),
    headers: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "v".repeat(300)])),
  });
  await served("configuration", async () => {
    const made = await statuses(120, (n) => hostile.call("POST", "/v1/endpoints", endpoint(n)));
    expect(made.get(201)).toBeGreaterThan(10);
    expect(made.get(201)).toBeLessThanOrEqual(100);
    expect(made.get(201)! + made.get(422)!).toBe(120);
    const posted = await statuses(50, (n) => hostile.call("POST", "/v1/events", eventOf(`user_${n}`, `bomb-${n}`)));
    expect([...posted]).toEqual([[202, 50]]);
  });
  const { json } = await hostile.call<{ data: unknown[] }>("GET", "/v1/endpoints?limit=100");
  expect(JSON.stringify(json.data).length).toBeLessThan(2_000_000);
});

it("headers and configurations beyond their bounds change nothing", async () => {
  const url = `${story.receiver.url}/never`;
  const headers = Object.fromEntries(Array.from({ length: 58 }, (_, i) => [`x-${i}`, "v".repeat(4_000)]));
  const { status, json } = await hostile.call<{ errors: { code: string }[] }>("POST", "/v1/endpoints", {
    url,
    headers,
  });
  expect({ status, code: json.errors[0]!.code }).toEqual({ status: 422, code: "too_many" });
});

it("jobs, keys and sources that are begun all at once stay within their bounds", async () => {
  await served("counts", async () => {
    const since = new Date(Date.now() - 1000).toISOString();
    const jobs = await statuses(20, () => hostile.call("POST", "/v1/deliveries/retry", { status: "canceled", since }));
    expect(jobs.get(202)! + (jobs.get(429) ?? 0)).toBe(20);
    expect([...(await statuses(110, () => hostile.call("POST", "/v1/api-keys", { scopes: ["log:read"] })))]).toEqual(
      expect.arrayContaining([
        [201, 99],
        [422, 11],
      ]),
    );
    expect(await statuses(205, () => hostile.call("POST", "/v1/sources", { provider: "stripe" }))).toEqual(
      new Map([
        [201, 200],
        [422, 5],
      ]),
    );
  });
});

it("nothing of the other's can be read, changed or sent with its keys", async () => {
  const { json } = await story.merchant.call<{ data: { id: string }[] }>("GET", "/v1/endpoints");
  const foreign = `/v1/endpoints/${json.data[0]!.id}`;
  for (const [method, path, body] of [
    ["GET", foreign, undefined],
    ["PATCH", foreign, { url: "https://evil.example/hook" }],
    ["DELETE", foreign, undefined],
    ["GET", `${foreign}/secret`, undefined],
    ["POST", `${foreign}/test`, {}],
  ] as const) {
    expect((await hostile.call(method, path, body)).status).toBe(404);
  }
  const stranger = merchantOf(story.merchant.url, "pbk_made_up");
  expect((await stranger.call("GET", "/v1/events")).status).toBe(401);
  await served("afterwards", async () => undefined);
});
