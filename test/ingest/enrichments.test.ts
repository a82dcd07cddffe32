import { createExecutionContext, createMessageBatch } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { consumeEnrichments } from "../../src/ingest/enrichments.ts";
import { V, type Enrichment } from "../../src/outbox/contract.ts";
import { toBase64 } from "../../src/platform/base64.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant, readCounters, receive, setFaults } from "../support/merchant.ts";
import { untilDelivered, untilListed, type Json } from "./stripe.ts";

const HOUR = 3_600_000;
const API = "https://api.mollie.com/v2/payments/";

let merchant: { id: string; key: string };

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  merchant = await newMerchant();
});

afterEach(async () => {
  await setFaults({});
  vi.restoreAllMocks();
});

/** A source of Mollie's older form, whose API key is given; its id. */
async function newSource(fields: Json = { credential: { apiKey: "live_1" } }): Promise<string> {
  const body = { provider: "mollie", secrets: ["token_of_the_tests_1"], config: { webhooks: "legacy" }, ...fields };
  const { status, json } = await call("POST", "/v1/sources", { key: merchant.key, body });
  expect(status).toBe(201);
  return String(json["id"]);
}

async function post(source: string, payment: string): Promise<number> {
  const url = `https://paybell.test/ingest/${source}?token=token_of_the_tests_1`;
  return (await exports.default.fetch(new Request(url, { method: "POST", body: `id=${payment}` }))).status;
}

/** A payment as Mollie's API tells it. */
const paymentOf = (id: string, status: string, fields: Json = {}) => ({
  resource: "payment",
  id,
  mode: "live",
  status,
  amount: { value: "35.50", currency: "EUR" },
  customerId: `cst_${id}`,
  metadata: { order_id: "basket-1" },
  createdAt: "2026-11-23T12:00:00+00:00",
  paidAt: "2026-11-23T12:05:00+00:00",
  ...fields,
});

const isApi = ({ url }: Request) => new URL(url).pathname.startsWith("/v2/payments/");

/** Lets Mollie's API answer so, and endpoints well; what webhooks said, and what the API was asked. */
function answer(api: (request: Request) => Response | Promise<Response>) {
  const told: Json[] = [];
  const asked: Request[] = [];
  receive(async (request) => {
    if (isApi(request)) {
      asked.push(request);
      return api(request);
    }
    told.push((await request.json()) as Json);
    return new Response(null, { status: 204 });
  });
  return { told, asked };
}

/** What the consumer does with a message about a payment, as a post makes it: that it is done, or when it comes again. */
async function consume(
  source: string,
  payment: string,
  { attempts = 1, ageMs = 0, bindings = {} }: { attempts?: number; ageMs?: number; bindings?: Partial<Env> } = {},
): Promise<unknown> {
  return consumeBody(messageOf(source, payment, ageMs), attempts, bindings);
}

function messageOf(source: string, payment: string, ageMs = 0): Enrichment {
  return {
    v: V,
    kind: "enrich",
    source,
    receivedAt: Date.now() - ageMs,
    url: `https://paybell.test/ingest/${source}`,
    headers: [],
    body: toBase64(new TextEncoder().encode(`id=${payment}`)),
  };
}

async function consumeBody(body: unknown, attempts = 1, bindings: Partial<Env> = {}): Promise<unknown> {
  const batch = createMessageBatch("enrichments", [{ id: unique("msg"), timestamp: new Date(), attempts, body }]);
  let done: unknown;
  vi.spyOn(batch.messages[0]!, "ack").mockImplementation(() => void (done = "ack"));
  vi.spyOn(batch.messages[0]!, "retry").mockImplementation((options) => void (done = options?.delaySeconds));
  await consumeEnrichments(batch, { ...env, ...bindings }, createExecutionContext());
  return done;
}

const quarantined = async () => (await call("GET", "/v1/quarantine", { key: merchant.key })).json.data;

describe("a post whose provider can be asked", () => {
  it("is acknowledged while the API hangs, and goes out as the API tells it", async () => {
    await newEndpoint(merchant.key);
    const source = await newSource();
    const payment = unique("tr");
    const { promise: isUp, resolve: comesUp } = Promise.withResolvers<void>();
    const { told, asked } = answer(async () => {
      await isUp;
      return Response.json(paymentOf(payment, "paid"));
    });
    expect(await post(source, payment)).toBe(200);
    await vi.waitUntil(() => asked.length === 1, { timeout: 10_000 });
    expect(asked[0]!.url).toBe(`${API}${payment}?embed=refunds,chargebacks`);
    expect(asked[0]!.headers.get("authorization")).toBe("Bearer live_1");
    expect(told).toEqual([]);
    comesUp();
    await untilDelivered(merchant.key, 1);
    expect(told).toMatchObject([
      {
        type: "payment.succeeded",
        timestamp: "2026-11-23T12:05:00.000Z",
        user: `cst_${payment}`,
        data: {
          payment: { id: payment, reference: "basket-1", amount: { value: "3550", currency: "EUR" } },
          provider: { eventId: null, type: "payment.paid", authenticity: "fetched" },
        },
      },
    ]);
  });

  it("tells each change of one payment once, though all its posts are alike", async () => {
    await newEndpoint(merchant.key);
    const source = await newSource();
    const payment = unique("tr");
    let now = paymentOf(payment, "open");
    const { told, asked } = answer(() => Response.json(now));
    const postAndAsk = async () => {
      const before = asked.length;
      await post(source, payment);
      await vi.waitUntil(() => asked.length === before + 1, { timeout: 10_000 });
    };
    await postAndAsk();
    await untilDelivered(merchant.key, 1);
    await postAndAsk();
    now = paymentOf(payment, "paid");
    await postAndAsk();
    await untilDelivered(merchant.key, 2);
    const refund = { id: "re_1", paymentId: payment, status: "refunded", amount: { value: "5.00", currency: "EUR" } };
    now = paymentOf(payment, "paid", { _embedded: { refunds: [refund] } });
    await postAndAsk();
    await untilDelivered(merchant.key, 3);
    expect(told.map(({ type }) => type)).toEqual(["payment.created", "payment.succeeded", "refund.succeeded"]);
    expect(await untilListed(merchant.key, 3)).toHaveLength(3);
    expect(await quarantined()).toEqual([]);
  });

  it("has to come again where the queue does not take it", async () => {
    const source = await newSource();
    await setFaults({ enrichmentsFails: 1 });
    expect(await post(source, unique("tr"))).toBe(503);
  });

  it("costs one message more than another, and none without a credential", async () => {
    answer((request) => Response.json(paymentOf(new URL(request.url).pathname.split("/").at(-1)!, "paid")));
    const before = (await readCounters()).enrichments;
    await post(await newSource(), unique("tr"));
    await post(await newSource({}), unique("tr"));
    await untilListed(merchant.key, 2);
    expect((await readCounters()).enrichments - before).toBe(1);
  });

  it("goes out as it is where its credential was removed meanwhile: nobody is asked", async () => {
    const source = await newSource();
    await call("PATCH", `/v1/sources/${source}`, { key: merchant.key, body: { credential: null } });
    const { asked } = answer(() => new Response(null, { status: 500 }));
    const payment = unique("tr");
    expect(await consume(source, payment)).toBe("ack");
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "unknown", payment }]);
    expect(asked).toEqual([]);
  });

  it("is one event where the consumer dies before it says that it is done", async () => {
    const source = await newSource();
    const [payment, next] = [unique("tr"), unique("tr")];
    answer(({ url }) => Response.json(paymentOf(url.includes(payment) ? payment : next, "paid")));
    const message = messageOf(source, payment);
    expect([await consumeBody(message), await consumeBody(message, 2)]).toEqual(["ack", "ack"]);
    await consume(source, next);
    expect((await untilListed(merchant.key, 2)).map((event) => event["payment"])).toEqual([payment, next]);
  });

  it("is dropped where its source is gone", async () => {
    const source = await newSource();
    await call("DELETE", `/v1/sources/${source}`, { key: merchant.key });
    expect(await consume(source, unique("tr"))).toBe("ack");
  });

  it("is parked where it cannot be read", async () => {
    expect(await consumeBody({ v: V, kind: "enrich", of: "a later release" })).toBe("ack");
    const { results } = await env.DB.prepare("SELECT body FROM parked WHERE body LIKE '%a later release%'").all();
    expect(results).toHaveLength(1);
  });
});

describe("an API that does not tell", () => {
  const status = (code: number, headers: HeadersInit = {}) => new Response("{}", { status: code, headers });

  it.each([
    ["fails", () => status(503), 5],
    ["wants a pause", () => status(429, { "retry-after": "120" }), 120],
    ["wants a pause of a day", () => status(503, { "retry-after": "86400" }), 3_600],
    ["leads elsewhere", () => status(302, { location: "https://evil.example" }), 5],
    ["says what is no payment", () => new Response("hello"), 5],
    ["tells of another payment", () => Response.json(paymentOf("tr_other", "paid")), 5],
    ["does not answer", () => Promise.reject(new Error("no network")), 10],
  ])("is asked again later: it %s", async (_, api, seconds) => {
    answer(api);
    expect(await consume(await newSource(), unique("tr"))).toBe(seconds);
  });

  it("is asked again ever later, and after a day no more: the event goes out as it was posted", async () => {
    answer(() => status(500));
    const source = await newSource();
    const payment = unique("tr");
    expect(await consume(source, payment, { attempts: 5 })).toBe(80);
    expect(await consume(source, payment, { attempts: 50, ageMs: 23 * HOUR })).toBe(1_800);
    expect(await consume(source, payment, { attempts: 55, ageMs: 24 * HOUR })).toBe("ack");
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "unknown", payment }]);
  });

  it("is left alone for as long as it wants, whatever the post is about", async () => {
    const { asked } = answer(() => status(429, { "retry-after": "60" }));
    const source = await newSource();
    await consume(source, unique("tr"));
    expect(await consume(source, unique("tr"))).toBeGreaterThan(50);
    expect(asked).toHaveLength(1);
  });

  it.each([401, 403])(
    "for our credential is not asked again: the event goes out, and the merchant hears of it: %i",
    async (code) => {
      await newEndpoint(merchant.key, { eventTypes: ["source.*"] });
      const { told } = answer(() => status(code));
      const source = await newSource();
      expect(await consume(source, unique("tr"))).toBe("ack");
      await untilDelivered(merchant.key, 1);
      expect(told).toMatchObject([
        {
          type: "source.unconfirmed",
          data: { source: { id: source, provider: "mollie", reason: "refused", status: code } },
        },
      ]);
      expect(await untilListed(merchant.key, 2)).toHaveLength(2);
    },
  );

  it("since it knows no such payment is believed the third time: the post is kept, and no event", async () => {
    answer(() => status(404));
    const source = await newSource();
    const payment = unique("tr");
    expect(await consume(source, payment)).toBe(5);
    expect(await quarantined()).toEqual([]);
    expect(await consume(source, payment, { attempts: 3 })).toBe("ack");
    const [kept] = await quarantined();
    expect(kept).toMatchObject({ source, reason: "unconfirmed", event: null });
    expect((await call("GET", "/v1/events", { key: merchant.key })).json.data).toEqual([]);
    const path = `/v1/quarantine/${String(kept!["id"])}/replay`;
    expect((await call("POST", path, { key: merchant.key })).status).toBe(200);
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "unknown", payment }]);
  });

  it("is not called where its address is private", async () => {
    const { asked } = answer(() => status(500));
    const source = await newSource({ credential: { apiKey: "live_1", baseUrl: "http://127.0.0.1:8080" } });
    const production = { ALLOW_PRIVATE_ENDPOINTS: "false" };
    expect(await consume(source, unique("tr"), { bindings: production })).toBe("ack");
    expect(asked).toEqual([]);
    expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "unknown" }]);
    await consume(source, unique("tr"));
    expect(asked).toHaveLength(1);
  });
});

it("stays in its queue where neither the outbox nor the backup queue takes the event", async () => {
  const payment = unique("tr");
  answer(() => Response.json(paymentOf(payment, "paid")));
  const down = async () => Promise.reject(new Error("down"));
  const bindings = {
    BACKUP: { send: down } as unknown as Queue,
    USER_OUTBOX: { getByName: () => ({ accept: down }) } as unknown as Env["USER_OUTBOX"],
  };
  const source = await newSource();
  expect(await consume(source, payment, { attempts: 2, bindings })).toBe(10);
  expect(await consume(source, payment)).toBe("ack");
  expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "payment.succeeded" }]);
});

it("goes around again as a dead letter, by way of the backup queue", async () => {
  const payment = unique("tr");
  answer(() => Response.json(paymentOf(payment, "paid")));
  const source = await newSource();
  await env.BACKUP.send(messageOf(source, payment), { contentType: "json" });
  expect(await untilListed(merchant.key, 1)).toMatchObject([{ type: "payment.succeeded" }]);
});
