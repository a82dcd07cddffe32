import { env } from "cloudflare:workers";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { prepareWebhook } from "../../src/channels/webhook.ts";
import { newEndpointSecret } from "../../src/platform/keys.ts";
import { seal } from "../../src/platform/secret-box.ts";
import { merchantConfig } from "../../src/store/config.ts";
import type { SigningSecret } from "../../src/store/endpoint-secrets.ts";
import { call, newEndpoint, newMerchant, webhooksOf, type Sent } from "../support/merchant.ts";
import { ATTEMPT } from "../support/webhook.ts";
import { expectRefused, sendJson, type Bad } from "./refusal.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

let merchant: { id: string; key: string };
let endpoint: { id: string; secret: string };

beforeEach(async () => {
  merchant = await newMerchant();
  endpoint = await newEndpoint(merchant.key);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

interface Secrets {
  secret: string;
  previous: { secret: string; expiresAt: string }[];
}

async function rotate(body: object = {}): Promise<Secrets> {
  const { status, json } = await call("POST", `/v1/endpoints/${endpoint.id}/secret/rotate`, {
    key: merchant.key,
    body,
  });
  expect(status).toBe(200);
  return json as unknown as Secrets;
}

async function shown(): Promise<Secrets> {
  return (await call("GET", `/v1/endpoints/${endpoint.id}/secret`, { key: merchant.key })).json as unknown as Secrets;
}

/** How many replaced secrets the row holds, expired ones too. */
async function stored(): Promise<number> {
  const row = await env.DB.prepare("SELECT json_array_length(previous_secrets) AS n FROM endpoints WHERE merchant = ?")
    .bind(merchant.id)
    .first<{ n: number }>();
  return row!.n;
}

/** This isolate's copy of what signs the endpoint's webhooks. */
async function copied(): Promise<SigningSecret[]> {
  const config = await merchantConfig(env, merchant.id);
  return (config.ok && config.value?.endpoints[0]?.secrets) || [];
}

const signing = async () => (await copied()).map(({ secret }) => secret);

describe("rotating an endpoint's secret", () => {
  it("shows the new one, and until when the old one signs too: a day", async () => {
    const before = Date.now();
    const { secret, previous } = await rotate();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(previous.map(({ secret }) => secret)).toEqual([endpoint.secret]);
    const overlap = Date.parse(previous[0]!.expiresAt) - before;
    expect(Math.abs(overlap - DAY)).toBeLessThan(10 * SECOND);
    expect(await shown()).toEqual({ secret, previous });
  });

  it("needs no body", async () => {
    const { status } = await call("POST", `/v1/endpoints/${endpoint.id}/secret/rotate`, { key: merchant.key });
    expect(status).toBe(200);
    expect((await shown()).previous).toHaveLength(1);
  });

  it("signs the next webhook with both, the newest first, for the official verifiers too", async () => {
    await call("PATCH", `/v1/endpoints/${endpoint.id}`, { key: merchant.key, body: { compat: "svix" } });
    await webhooksOf(merchant.key, "before");
    const { secret } = await rotate();
    const [{ headers, body }] = (await webhooksOf(merchant.key, "after")) as [Sent];
    const signatures = headers["webhook-signature"]!.split(" ");
    expect(signatures).toHaveLength(2);
    const timestamp = new Date(Number(headers["webhook-timestamp"]) * SECOND);
    expect(signatures[0]).toBe(new StandardWebhook(secret).sign(headers["webhook-id"]!, timestamp, body));
    for (const valid of [secret, endpoint.secret]) {
      expect(() => new StandardWebhook(valid).verify(body, headers)).not.toThrow();
      const { "svix-id": id, "svix-timestamp": at, "svix-signature": signature } = headers;
      const named = { "svix-id": id!, "svix-timestamp": at!, "svix-signature": signature! };
      expect(() => new SvixWebhook(valid).verify(body, named)).not.toThrow();
    }
    expect(() => new SvixWebhook(newEndpointSecret()).verify(body, headers)).toThrow("No matching signature");
  });

  it("goes on from what the release before has stored", async () => {
    const secret = newEndpointSecret();
    await env.DB.prepare(
      `INSERT INTO endpoints (merchant, id, url, status, secret, ordering, max_hold_seconds, timeout_seconds,
        include_stale, created_at, updated_at) VALUES (?, 'older', 'https://shop.example/', 'enabled', ?, 'user', 60, 10, 0, 1, 1)`,
    )
      .bind(merchant.id, await seal(env.ENCRYPTION_KEY, `${merchant.id}/older`, secret))
      .run();
    endpoint = { id: "older", secret };
    expect(await shown()).toEqual({ secret, previous: [] });
    expect((await call("GET", "/v1/endpoints/older", { key: merchant.key })).json["signatures"]).toBe("hmac");
    expect((await rotate()).previous.map((one) => one.secret)).toEqual([secret]);
  });

  it("takes a secret that the merchant has; the same again changes nothing", async () => {
    const secret = newEndpointSecret();
    const first = await rotate({ secret, overlapSeconds: 60 });
    expect(first.secret).toBe(secret);
    expect(await rotate({ secret })).toEqual(first);
    expect(await signing()).toEqual([secret, endpoint.secret]);
  });

  it("goes back to one that is still valid, which then has no end", async () => {
    const { secret } = await rotate();
    const back = await rotate({ secret: endpoint.secret });
    expect(back.secret).toBe(endpoint.secret);
    expect(back.previous.map((one) => one.secret)).toEqual([secret]);
  });

  it("keeps all that have not expired, and drops the others from the row with the next write", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const second = await rotate({ overlapSeconds: 60 });
    const third = await rotate({ overlapSeconds: 3600 });
    expect(await signing()).toEqual([third.secret, second.secret, endpoint.secret]);
    vi.setSystemTime(Date.now() + 60 * SECOND);
    expect((await shown()).previous.map(({ secret }) => secret)).toEqual([second.secret]);
    expect(await stored()).toBe(2);
    await call("PATCH", `/v1/endpoints/${endpoint.id}`, { key: merchant.key, body: { description: "x" } });
    expect(await stored()).toBe(1);
    vi.setSystemTime(Date.now() + 3600 * SECOND);
    await call("PUT", `/v1/endpoints/${endpoint.id}`, { key: merchant.key, body: { url: "https://shop.example/" } });
    expect(await stored()).toBe(0);
    expect(await shown()).toEqual({ secret: third.secret, previous: [] });
  });

  it("refuses an eleventh that would be valid, and says when there is room", async () => {
    for (let n = 1; n < 10; n++) {
      await rotate({ overlapSeconds: 600 + n });
    }
    const { previous } = await shown();
    const path = `/v1/endpoints/${endpoint.id}`;
    const bad: Bad = { name: "", status: 422, code: "too_many_secrets", says: previous.at(-1)!.expiresAt };
    await expectRefused(bad, () => sendJson(merchant.key, "POST", `${path}/secret/rotate`, {}));
    const put = { url: "https://shop.example/", secret: newEndpointSecret(), signatures: "hmac+ed25519" };
    await expectRefused(bad, () => sendJson(merchant.key, "PUT", path, put));
    expect(await signing()).toHaveLength(10);
  });

  it("is lost neither by a change nor by a replacement of the endpoint", async () => {
    const { secret, previous } = await rotate();
    const path = `/v1/endpoints/${endpoint.id}`;
    const put = { url: "https://shop.example/2" };
    await call("PATCH", path, { key: merchant.key, body: put });
    expect((await call("PUT", path, { key: merchant.key, body: put })).json["secret"]).toBe(secret);
    expect(await shown()).toEqual({ secret, previous });
    const third = newEndpointSecret();
    await call("PUT", path, { key: merchant.key, body: { ...put, secret: third } });
    expect(await signing()).toEqual([third, secret, endpoint.secret]);
  });

  it("loses none of those that are rotated at once, and a replacement in between neither", async () => {
    const path = `/v1/endpoints/${endpoint.id}`;
    const put = () => call("PUT", path, { key: merchant.key, body: { url: "https://shop.example/2" } });
    const all = await Promise.all([rotate(), put(), rotate(), put(), rotate(), put()]);
    const rotated = all.flatMap((one) => ("secret" in one ? [one.secret] : []));
    expect((await signing()).toSorted()).toEqual([endpoint.secret, ...rotated].toSorted());
  });

  it.each<Bad & { input: unknown }>([
    { name: "59 s", input: { overlapSeconds: 59 }, status: 422, code: "invalid", path: "/overlapSeconds" },
    { name: "over a week", input: { overlapSeconds: 604_801 }, status: 422, code: "invalid", path: "/overlapSeconds" },
    { name: "half a second", input: { overlapSeconds: 60.5 }, status: 422, code: "invalid", path: "/overlapSeconds" },
    { name: "a short secret", input: { secret: "whsec_YWJj" }, status: 422, code: "invalid", path: "/secret" },
    { name: "an unknown field", input: { overlap: 60 }, status: 422, code: "invalid", path: "/overlap" },
    { name: "no object", input: [], status: 422, code: "invalid", path: "" },
  ])("refuses $name", async ({ input, ...bad }) => {
    await expectRefused(bad, () => sendJson(merchant.key, "POST", `/v1/endpoints/${endpoint.id}/secret/rotate`, input));
  });
});

describe("an isolate with an older copy of the configuration", () => {
  /** Whether a receiver that has a secret takes a webhook that is signed at `now` by this copy. */
  async function accepts(secret: string, secrets: SigningSecret[], now: number): Promise<boolean> {
    const { headers } = await prepareWebhook({ ...ATTEMPT, secrets, now, body: "{}" });
    const signature = new StandardWebhook(secret).sign("evt_1", new Date(Math.floor(now / SECOND) * SECOND), "{}");
    return headers["webhook-signature"]!.split(" ").includes(signature);
  }

  it("signs with the old secret throughout, so that an overlap longer than a copy lives leaves no gap", async () => {
    const before = await copied();
    const at = Date.now();
    const { secret, previous } = await rotate({ overlapSeconds: 3600 });
    const after = await copied();
    const end = Date.parse(previous[0]!.expiresAt);
    for (const now of [at, end - 1]) {
      expect(await accepts(endpoint.secret, before, now)).toBe(true);
      expect(await accepts(endpoint.secret, after, now)).toBe(true);
      expect(await accepts(secret, after, now)).toBe(true);
    }
    // From the end on a copy that is an hour old knows the new one, and that the old one has ended.
    expect(await accepts(secret, after, end)).toBe(true);
    expect(await accepts(endpoint.secret, after, end)).toBe(false);
  });
});
