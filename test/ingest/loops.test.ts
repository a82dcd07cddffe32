import { exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";

import { challengeAnswer } from "../../src/channels/webhook.ts";
import { newEndpointSecret } from "../../src/platform/keys.ts";
import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

afterEach(() => vi.restoreAllMocks());

/** Names that other installations could have. */
const OTHERS = ["b", "c", "d"].map((letter) => letter.repeat(16));

const event = (id: string) => ({ id, type: "custom.note", user: "u_1", data: { custom: { id } } });

/** A merchant with a source that other Paybells may post to. */
async function newChain() {
  const [{ key }, secret] = [await newMerchant(), newEndpointSecret()];
  const { json } = await call("POST", "/v1/sources", { key, body: { provider: "standard", secrets: [secret] } });
  return { key, secret, path: `/ingest/${String(json["id"])}` };
}

/** Posts a webhook to a source as another Paybell does, which has gone through those that `headers` name. */
async function relay(
  { path, secret }: { path: string; secret: string },
  body: string,
  headers: Record<string, string>,
): Promise<Response> {
  const [id, now] = [`evt_${crypto.randomUUID()}`, new Date()];
  return exports.default.fetch(
    new Request(`https://paybell.test${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
        "webhook-signature": new Webhook(secret).sign(id, now, body),
        ...headers,
      },
      body,
    }),
  );
}

/** How many events a merchant has. */
async function countEvents(key: string): Promise<number> {
  return (await call("GET", "/v1/events?limit=100", { key })).json.data.length;
}

describe("an endpoint that leads back to a source of its own Paybell", () => {
  it("by a name that nobody here knows: it is sent one post, which is refused, and makes no event", async () => {
    const { key, secret, path } = await newChain();
    await newEndpoint(key, { url: `https://alias.example${path}`, secret, retrySchedule: [3600] });
    const sent = receive((request) => exports.default.fetch(new Request(`https://paybell.test${path}`, request)));
    const { json } = await call("POST", "/v1/events", { key, body: event("e_1") });
    const { deliveries } = await untilStatus(key, String(json["id"]), "retrying");
    expect(deliveries).toMatchObject([{ attempts: [{ class: "http", status: 508 }] }]);
    expect(sent).toHaveLength(1);
    expect(await countEvents(key)).toBe(1);
  });

  it("over another Paybell: the ring ends where it would begin again", async () => {
    const { key, secret, path } = await newChain();
    await newEndpoint(key, { url: "https://other-paybell.example/ingest/src_1", secret, retrySchedule: [3600] });
    const statuses: number[] = [];
    const sent = receive(async (request) => {
      const hops = `${request.headers.get("paybell-hops")}, ${OTHERS[0]}`;
      const answer = await relay({ path, secret }, await request.text(), {
        "paybell-attempt": "1",
        "paybell-hops": hops,
      });
      statuses.push(answer.status);
      return new Response(null, { status: 204 });
    });
    const { json } = await call("POST", "/v1/events", { key, body: event("e_1") });
    await untilStatus(key, String(json["id"]), "delivered");
    expect(statuses).toEqual([508]);
    expect(sent).toHaveLength(1);
    expect(await countEvents(key)).toBe(1);
  });
});

describe("a Paybell that is fed by another", () => {
  it("takes what has come through others, and says so to the next", async () => {
    const chain = await newChain();
    await newEndpoint(chain.key);
    const sent = receive(() => new Response(null, { status: 204 }));
    const headers = { "paybell-attempt": "1", "paybell-hops": OTHERS.slice(0, 2).join(", ") };
    expect((await relay(chain, JSON.stringify(event("e_1")), headers)).status).toBe(200);
    await vi.waitUntil(() => sent.length === 1, { timeout: 10_000 });
    expect(sent[0]!.headers.get("paybell-hops")).toMatch(new RegExp(`^${OTHERS[0]}, ${OTHERS[1]}, [0-9a-z]{16}$`));
  });

  it("says that it wants what the other sends, to whoever can sign, and takes that for no event", async () => {
    const chain = await newChain();
    const body = JSON.stringify({ type: "endpoint.verification", challenge: "ver_0123456789" });
    const headers = { "paybell-attempt": "1", "paybell-hops": OTHERS[0]! };
    const answer = await relay(chain, body, headers);
    expect([answer.status, await answer.json()]).toEqual([200, { answer: await challengeAnswer("ver_0123456789") }]);
    const stranger = await relay({ ...chain, secret: newEndpointSecret() }, body, headers);
    expect([stranger.status, await stranger.text()]).toEqual([401, expect.not.stringContaining("ver_")]);
    expect(await countEvents(chain.key)).toBe(0);
  });

  it.each([
    ["has come through as many as may be", { "paybell-attempt": "1", "paybell-hops": OTHERS.join(", ") }],
    ["does not say where it has come through", { "paybell-attempt": "1" }],
    ["says so in words that none of ours uses", { "paybell-attempt": "1", "paybell-hops": "x".repeat(5_000) }],
    ["says that it has come through none", { "paybell-hops": "" }],
  ])("refuses what %s, whoever signed it", async (_, headers) => {
    const chain = await newChain();
    const answer = await relay(chain, JSON.stringify(event("e_1")), headers);
    expect([answer.status, await answer.json()]).toMatchObject([508, { code: "loop_detected" }]);
    expect(await countEvents(chain.key)).toBe(0);
  });

  it("refuses the same at the API, and takes what may come with how far it has come", async () => {
    const { key } = await newMerchant();
    await newEndpoint(key);
    const sent = receive(() => new Response(null, { status: 204 }));
    const post = (id: string, hops: string[]) =>
      call("POST", "/v1/events", {
        key,
        body: event(id),
        headers: { "paybell-attempt": "1", "paybell-hops": hops.join(", ") },
      });
    expect(await post("e_1", OTHERS)).toMatchObject({ status: 508, json: { code: "loop_detected" } });
    expect((await post("e_2", OTHERS.slice(0, 1))).status).toBe(202);
    await vi.waitUntil(() => sent.length === 1, { timeout: 10_000 });
    const own = sent[0]!.headers.get("paybell-hops")!.split(", ").at(-1)!;
    expect(await post("e_3", [own])).toMatchObject({ status: 508, json: { code: "loop_detected" } });
  });
});
