import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Webhook } from "standardwebhooks";

import { randomId } from "../../src/event/ids.ts";
import worker from "../../src/index.ts";
import { newApiKey } from "../../src/platform/keys.ts";
import { bytesOverFor } from "../../src/platform/limits.ts";
import { forget } from "../../src/store/config.ts";
import { countUsage } from "../../src/store/usage.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";
import { newStripeSource, postSigned, sign, succeeded, untilListed, type StripeSource } from "./stripe.ts";

let merchant: { id: string; key: string };
let source: StripeSource;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  merchant = await newMerchant();
  source = await newStripeSource(merchant.key);
});

afterEach(() => vi.restoreAllMocks());

let addresses = 0;
const newAddress = () => `198.51.100.${++addresses}`;

/** A limiter that lets so many through for each key. */
function limiter(limit: number): RateLimit & { keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    limit: async ({ key }) => {
      keys.push(key);
      return { success: keys.filter((one) => one === key).length <= limit };
    },
  };
}

/** One request on bindings of the test's own, everything that follows from it included. */
async function fetchOn(bindings: Partial<Env>, request: Request): Promise<Response> {
  const ctx = createExecutionContext();
  const response = await worker.fetch(
    request as Parameters<typeof worker.fetch>[0],
    { ...env, ...bindings } as Env,
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return response;
}

async function post(id: string, address: string, signature: string | null, body: BodyInit = "{}"): Promise<Request> {
  return new Request(`https://paybell.test/ingest/${id}`, {
    method: "POST",
    headers: { "cf-connecting-ip": address, ...(signature !== null && { "stripe-signature": signature }) },
    body,
  });
}

describe("a provider over its source's rate", () => {
  it("is told to come again, and its event is taken when it does", async () => {
    const SOURCE_LIMIT = limiter(0);
    const body = JSON.stringify(succeeded("cus_1"));
    const signature = await sign(body, source.secret);
    const answer = await fetchOn({ SOURCE_LIMIT }, await post(source.id, newAddress(), signature, body));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    expect((await fetchOn({}, await post(source.id, newAddress(), signature, body))).status).toBe(200);
  });

  it("is counted by what it has signed: strangers use up nobody's rate", async () => {
    const SOURCE_LIMIT = limiter(1);
    for (let n = 0; n < 5; n++) {
      await fetchOn({ SOURCE_LIMIT }, await post(source.id, newAddress(), null));
    }
    expect(SOURCE_LIMIT.keys).toEqual([]);
  });
});

describe("a flood of bad signatures", () => {
  it("is refused before its body is read or D1 asked, for that source and from there alone", async () => {
    const STRANGER_LIMIT = limiter(2);
    const address = newAddress();
    for (let n = 0; n < 3; n++) {
      expect((await fetchOn({ STRANGER_LIMIT }, await post(source.id, address, null))).status).toBe(401);
    }
    const request = await post(source.id, address, null, "x".repeat(100_000));
    const DB = new Proxy(env.DB, {
      get: () => {
        throw new Error("D1 is asked");
      },
    });
    const answer = await fetchOn({ STRANGER_LIMIT, DB }, request);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(request.bodyUsed).toBe(false);
    const body = JSON.stringify(succeeded("cus_1"));
    const signature = await sign(body, source.secret);
    expect((await fetchOn({}, await post(source.id, newAddress(), signature, body))).status).toBe(200);
    expect((await fetchOn({}, await post(source.id, address, signature, body))).status).toBe(200);
    const other = await newStripeSource(merchant.key);
    expect((await fetchOn({}, await post(other.id, address, await sign(body, other.secret), body))).status).toBe(200);
  });
});

describe("while D1 does not answer", () => {
  it("a provider whose source is not known here is told to come again, however often it comes", async () => {
    const STRANGER_LIMIT = limiter(1);
    const DB = new Proxy(env.DB, {
      get: () => {
        throw new Error("D1 is away");
      },
    });
    const address = newAddress();
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) {
      statuses.push((await fetchOn({ STRANGER_LIMIT, DB }, await post(randomId("src"), address, null))).status);
    }
    expect(statuses).toEqual([503, 503, 503, 503]);
  });
});

/** D1, and how often it was asked. */
function counted() {
  let reads = 0;
  const DB = new Proxy(env.DB, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === "prepare") reads += 1;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { DB, reads: () => reads };
}

describe("a flood of made-up sources", () => {
  it("asks D1 once for each id", async () => {
    const { DB, reads } = counted();
    const id = randomId("src");
    for (let n = 0; n < 5; n++) {
      expect((await fetchOn({ DB }, await post(id, newAddress(), null))).status).toBe(404);
    }
    expect(reads()).toBe(1);
  });

  it("of ids that are none asks nobody, and keeps nothing of them", async () => {
    const { DB, reads } = counted();
    for (const id of ["src_1", `src_${"x".repeat(15_000)}`, `${randomId("src")}0`, randomId("mer"), "constructor"]) {
      expect((await fetchOn({ DB }, await post(id, newAddress(), null))).status).toBe(404);
    }
    expect(reads()).toBe(0);
  });

  it("of ever new ids is told to stay away, and asks D1 together, however many come", async () => {
    const STRANGER_LIMIT = limiter(3);
    const address = newAddress();
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) {
      statuses.push((await fetchOn({ STRANGER_LIMIT }, await post(randomId("src"), address, null))).status);
    }
    expect(statuses).toEqual([404, 404, 404, 404, 429, 429]);
    const { DB, reads } = counted();
    const flood = Array.from({ length: 50 }, async () =>
      fetchOn({ STRANGER_LIMIT, DB }, await post(randomId("src"), address, null)),
    );
    expect(new Set((await Promise.all(flood)).map(({ status }) => status))).toEqual(new Set([429]));
    expect(reads()).toBeLessThanOrEqual(3);
  });

  it("shuts out no source from there, be it known here or not, once it has signed", async () => {
    const STRANGER_LIMIT = limiter(0);
    const address = newAddress();
    await fetchOn({ STRANGER_LIMIT }, await post(randomId("src"), address, null));
    expect((await fetchOn({ STRANGER_LIMIT }, await post(randomId("src"), address, null))).status).toBe(429);
    const body = JSON.stringify(succeeded("cus_1"));
    const signature = await sign(body, source.secret);
    forget(merchant.id);
    expect((await fetchOn({ STRANGER_LIMIT }, await post(source.id, address, signature, body))).status).toBe(200);
    expect((await fetchOn({ STRANGER_LIMIT }, await post(source.id, address, signature, body))).status).toBe(200);
  });
});

describe("a flood of made-up merchants whose keys are asked for", () => {
  const get = (id: string, address: string) =>
    new Request(`https://paybell.test/keys/${id}`, { headers: { "cf-connecting-ip": address } });

  it("is told to stay away; keys that are there are served, also where they are not known here", async () => {
    await newEndpoint(merchant.key, { signatures: "hmac+ed25519" });
    const STRANGER_LIMIT = limiter(2);
    const address = newAddress();
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) {
      statuses.push((await fetchOn({ STRANGER_LIMIT }, get(randomId("mer"), address))).status);
    }
    expect(statuses).toEqual([404, 404, 404, 429, 429]);
    forget(merchant.id);
    expect((await fetchOn({ STRANGER_LIMIT }, get(merchant.id, address))).status).toBe(200);
  });
});

/** A source whose posts the merchant signs itself. */
async function newOwnSource(key: string, provider: string) {
  const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  const { json } = await call("POST", "/v1/sources", { key, body: { provider, secrets: [secret] } });
  const id = String(json["id"]);
  return {
    id,
    post: async (event: object) => {
      const body = JSON.stringify(event);
      const webhook = new Webhook(provider === "standard" ? secret : btoa(secret));
      const at = new Date();
      const signature = webhook.sign("msg_1", at, body);
      return new Request(`https://paybell.test/ingest/${id}`, {
        method: "POST",
        headers:
          provider === "standard"
            ? {
                "webhook-id": "msg_1",
                "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
                "webhook-signature": signature,
              }
            : { "x-signature": await hexOf(secret, body) },
        body,
      });
    },
  };
}

async function hexOf(secret: string, body: string): Promise<string> {
  const [bytes, algorithm] = [(text: string) => new TextEncoder().encode(text), { name: "HMAC", hash: "SHA-256" }];
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const signed = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(body)));
  return Array.from(signed, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("a merchant over its rate", () => {
  const event = { id: "e_1", type: "custom.note", data: {} };
  const list = (key: string) =>
    new Request("https://paybell.test/v1/events", { headers: { authorization: `Bearer ${key}` } });

  it("is told to wait with whatever key or source of its own it comes", async () => {
    const MERCHANT_LIMIT = limiter(2);
    const { json } = await call("POST", "/v1/api-keys", { key: merchant.key, body: { scopes: ["log:read"] } });
    const own = await newOwnSource(merchant.key, "standard");
    const answers = [
      await fetchOn({ MERCHANT_LIMIT }, list(merchant.key)),
      await fetchOn({ MERCHANT_LIMIT }, list(String(json["apiKey"]))),
      await fetchOn({ MERCHANT_LIMIT }, list(String(json["apiKey"]))),
      await fetchOn({ MERCHANT_LIMIT }, await own.post(event)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
    expect(answers.map(({ headers }) => headers.get("retry-after"))).toEqual([null, null, "60", "60"]);
    expect(await answers[3]!.json()).toMatchObject({ code: "too_many_requests" });
    const other = await newMerchant();
    expect((await fetchOn({ MERCHANT_LIMIT }, list(other.key))).status).toBe(200);
  });

  it("still gets what its providers send: it closes no door of theirs", async () => {
    const MERCHANT_LIMIT = limiter(1);
    await fetchOn({ MERCHANT_LIMIT }, list(merchant.key));
    expect((await fetchOn({ MERCHANT_LIMIT }, list(merchant.key))).status).toBe(429);
    const body = JSON.stringify(succeeded("cus_1"));
    const signature = await sign(body, source.secret);
    expect((await fetchOn({ MERCHANT_LIMIT }, await post(source.id, newAddress(), signature, body))).status).toBe(200);
    expect((await fetchOn({ MERCHANT_LIMIT }, await post(source.id, newAddress(), signature, body))).status).toBe(503);
  });

  it("may send 64 MiB at once, by all ways together, declared or not", async () => {
    const body = JSON.stringify({ ...event, data: { custom: { text: "x".repeat(250_000) } } });
    const postJson = (key: string, stream: boolean) =>
      new Request("https://paybell.test/v1/events", {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: stream ? new Blob([body]).stream() : body,
      });
    expect((await fetchOn({}, postJson(merchant.key, false))).status).toBe(202);
    // As of a time to come: nothing is gained meanwhile.
    bytesOverFor(env, merchant.id, 64 * 1024 * 1024 - 100_000, Date.now() + 60_000);
    for (const isStream of [false, true]) {
      const answer = await fetchOn({}, postJson(merchant.key, isStream));
      expect(answer.status).toBe(429);
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect((await fetchOn({}, list(merchant.key))).status).toBe(200);
  });
});

describe("an API key", () => {
  const get = (key: string, address: string) =>
    new Request("https://paybell.test/v1/events", {
      headers: { authorization: `Bearer ${key}`, "cf-connecting-ip": address },
    });

  it("over its rate is told to wait; another key of the merchant is not", async () => {
    const KEY_LIMIT = limiter(1);
    const { json } = await call("POST", "/v1/api-keys", { key: merchant.key, body: { scopes: ["log:read"] } });
    const answers = [
      await fetchOn({ KEY_LIMIT }, get(merchant.key, newAddress())),
      await fetchOn({ KEY_LIMIT }, get(merchant.key, newAddress())),
      await fetchOn({ KEY_LIMIT }, get(String(json["apiKey"]), newAddress())),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200]);
    expect(answers[1]!.headers.get("retry-after")).toBe("60");
    expect(await answers[1]!.json()).toMatchObject({ code: "too_many_requests" });
  });

  it("that is guessed is told to stay away after too many; one that is right is served, also where it is not known", async () => {
    const STRANGER_LIMIT = limiter(2);
    const address = newAddress();
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) {
      statuses.push((await fetchOn({ STRANGER_LIMIT }, get(newApiKey(), address))).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    forget(merchant.id);
    expect((await fetchOn({ STRANGER_LIMIT }, get(merchant.key, address))).status).toBe(200);
    const asAdmin = new Request("https://paybell.test/v1/merchants", {
      headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "cf-connecting-ip": address },
    });
    expect((await fetchOn({ STRANGER_LIMIT }, asAdmin)).status).toBe(200);
  });

  it.each(["/v1/events", "/v1/merchants"])(
    "that is missing or wrong has no body read or judged at %s",
    async (path) => {
      const STRANGER_LIMIT = limiter(3);
      const address = newAddress();
      const pulled = vi.fn();
      const sent = (body: string, headers: Record<string, string> = {}) => {
        const pull = (controller: ReadableStreamDefaultController) => {
          pulled();
          controller.enqueue(new TextEncoder().encode(body));
          controller.close();
        };
        return fetchOn(
          { STRANGER_LIMIT },
          new Request(`https://paybell.test${path}`, {
            method: "POST",
            headers: { "content-type": "application/json", "cf-connecting-ip": address, ...headers },
            body: new ReadableStream({ pull }, { highWaterMark: 0 }),
          }),
        );
      };
      const answers = [
        await sent("[1e+1000]"),
        await sent("[1e+1000]", { authorization: "Bearer x" }),
        await sent("{", { authorization: `Bearer ${newApiKey()}` }),
        await sent("a=1", { "content-type": "text/plain" }),
        await sent("x".repeat(300_000)),
      ];
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429]);
      expect(pulled).not.toHaveBeenCalled();
    },
  );

  it("that is none is not looked for", async () => {
    const { DB, reads } = counted();
    for (const key of ["pbk_guess", "x".repeat(500), `${newApiKey()}0`]) {
      expect((await fetchOn({ DB }, get(key, newAddress()))).status).toBe(401);
    }
    expect(reads()).toBe(0);
  });
});

describe("a merchant whose events of the month are used up", () => {
  const used = async () => {
    await env.DB.prepare("UPDATE merchants SET monthly_event_limit = 2 WHERE id = ?").bind(merchant.id).run();
    for (const customer of ["cus_1", "cus_2"]) {
      await postSigned(source, succeeded(customer));
    }
    await untilListed(merchant.key, 2);
    await countUsage(env.DB, Date.now() + 2 * 60_000);
    forget(merchant.id);
  };
  const event = { id: "e_1", type: "custom.note", data: {} };

  it("gets 429 at the API until the month is over", async () => {
    await used();
    for (const body of [event, [event]]) {
      const { status, json } = await call("POST", "/v1/events", { key: merchant.key, body });
      expect({ status, code: json["code"] }).toEqual({ status: 429, code: "quota_exceeded" });
    }
    const { json } = await call("GET", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    expect(json).toMatchObject({ monthlyEventLimit: 2, usage: { events: 2 } });
  });

  it.each(["hmac", "standard"])(
    "gets 429 at its own %s source too, in words that its sender knows",
    async (provider) => {
      await used();
      const own = await newOwnSource(merchant.key, provider);
      const answer = await fetchOn({}, await own.post({ id: "e_2", type: "custom.note" }));
      expect(answer.status).toBe(429);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ code: "quota_exceeded" });
      expect(await untilListed(merchant.key, 2)).toHaveLength(2);
    },
  );

  it("still gets what its providers send: those events have happened", async () => {
    await used();
    expect((await postSigned(source, succeeded("cus_3"))).status).toBe(200);
    expect(await untilListed(merchant.key, 3)).toHaveLength(3);
  });

  it("is served again when it may have more", async () => {
    await used();
    await env.DB.prepare("UPDATE merchants SET monthly_event_limit = 9 WHERE id = ?").bind(merchant.id).run();
    forget(merchant.id);
    expect((await call("POST", "/v1/events", { key: merchant.key, body: event })).status).toBe(202);
  });
});

describe("a suspended merchant", () => {
  it("has its providers come again, until it is resumed", async () => {
    await call("POST", `/v1/merchants/${merchant.id}/suspend`, { key: env.ADMIN_TOKEN });
    const answer = await postSigned(source, succeeded("cus_1"));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    await call("POST", `/v1/merchants/${merchant.id}/resume`, { key: env.ADMIN_TOKEN });
    expect((await postSigned(source, succeeded("cus_1"))).status).toBe(200);
  });
});
