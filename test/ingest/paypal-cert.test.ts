import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { certificateOf, paypalSamples } from "../../scripts/samples/paypal.ts";
import { withCertificate } from "../../src/ingest/paypal-cert.ts";
import worker from "../../src/index.ts";
import { unique } from "../support/builders.ts";
import { call, newMerchant } from "../support/merchant.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

const { signingKey } = await paypalSamples.newKeys();
const PEM = certificateOf((JSON.parse(signingKey) as { key: string }).key);
const SECRET = JSON.stringify({ webhookId: "W1" });
const urlOf = (id = unique("CERT")) => `https://api.paypal.com/v1/notifications/certs/${id}`;

/** Headers as PayPal's, signed with nothing. */
const newHeaders = (url = urlOf()) =>
  new Headers({
    "paypal-transmission-id": "T1",
    "paypal-transmission-time": new Date().toISOString(),
    "paypal-transmission-sig": btoa("s".repeat(256)),
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-cert-url": url,
  });

/** A second of its own for each test: fetches are counted by the second. */
let second = Date.now();
const get = (headers: Headers, { secrets = [SECRET], now = (second += 1_000), isShutOut = false } = {}) =>
  withCertificate(headers, { secrets, config: null }, { now, isShutOut });

function answer(response: () => Response | Promise<Response>) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => response());
}

it("fetches the certificate that a request names, once", async () => {
  const fetched = answer(() => new Response(PEM));
  const headers = newHeaders();
  for (let i = 0; i < 2; i++) {
    const got = await get(headers);
    const secrets = got.ok ? got.secrets.map((secret) => JSON.parse(secret) as unknown) : null;
    expect(secrets).toEqual([{ webhookId: "W1", certPem: PEM }]);
  }
  expect(fetched).toHaveBeenCalledTimes(1);
});

it("fetches nothing from elsewhere, and none where the secret brings one", async () => {
  const fetched = answer(() => new Response(PEM));
  const elsewhere = newHeaders("https://evil.example/v1/notifications/certs/CERT-1");
  expect(await get(elsewhere)).toEqual({ ok: true, secrets: [SECRET] });
  const whole = JSON.stringify({ webhookId: "W1", certPem: PEM });
  expect(await get(newHeaders(), { secrets: [whole] })).toEqual({ ok: true, secrets: [whole] });
  expect(fetched).not.toHaveBeenCalled();
});

it.each([
  ["paypal-transmission-sig", null],
  ["paypal-transmission-sig", "none"],
  ["paypal-transmission-sig", btoa("s".repeat(100))],
  ["paypal-transmission-id", null],
  ["paypal-transmission-time", "soon"],
  ["paypal-auth-algo", "none"],
])("fetches nothing for what cannot verify: %s is %j", async (name, value) => {
  const fetched = answer(() => new Response(PEM));
  const headers = newHeaders();
  headers.delete(name);
  if (value !== null) headers.set(name, value);
  expect(await get(headers)).toEqual({ ok: true, secrets: [SECRET] });
  expect(fetched).not.toHaveBeenCalled();
});

it.each([
  ["fails", () => new Response(null, { status: 500 })],
  ["points elsewhere", () => new Response(null, { status: 302, headers: { location: "https://evil.example" } })],
  ["is no certificate", () => new Response("hello")],
  ["is too long", () => new Response(PEM + " ".repeat(70_000))],
  ["does not come", () => Promise.reject(new Error("timed out"))],
])("has none for ten seconds where the answer %s, and asks again then", async (_, response) => {
  const headers = newHeaders();
  const failing = answer(response);
  const now = (second += 1_000);
  for (const later of [0, 9_999]) {
    expect(await get(headers, { now: now + later })).toEqual({ ok: false, because: "unavailable" });
  }
  expect(failing).toHaveBeenCalledTimes(1);
  vi.restoreAllMocks();
  answer(() => new Response(PEM));
  expect(await get(headers, { now: now + 10_000 })).toMatchObject({ ok: true });
});

it("believes PayPal for ten minutes that it has none", async () => {
  const headers = newHeaders();
  const failing = answer(() => new Response(null, { status: 404 }));
  const now = (second += 1_000);
  for (const later of [0, 1_000, 599_999]) {
    expect(await get(headers, { now: now + later })).toEqual({ ok: false, because: "unknown" });
  }
  expect(failing).toHaveBeenCalledTimes(1);
  expect(await get(headers, { now: now + 600_000 })).toEqual({ ok: false, because: "unknown" });
  expect(failing).toHaveBeenCalledTimes(2);
});

it("fetches five unknown ones a second, and one for those who are shut out", async () => {
  const fetched = answer(() => new Response(null, { status: 404 }));
  for (const [isShutOut, most] of [
    [false, 5],
    [true, 1],
  ] as const) {
    const now = (second += 1_000);
    fetched.mockClear();
    for (let n = 0; n < 8; n++) await get(newHeaders(), { now, isShutOut });
    expect(fetched).toHaveBeenCalledTimes(most);
  }
});

describe("unsigned posts with made-up certificates", () => {
  it("are refused and counted; whoever posts them is told to stay away", async () => {
    answer(() => new Response(null, { status: 404 }));
    const { key } = await newMerchant();
    const { json } = await call("POST", "/v1/sources", { key, body: { provider: "paypal", secrets: [SECRET] } });
    const counted: string[] = [];
    const STRANGER_LIMIT = { limit: async ({ key }: { key: string }) => ({ success: counted.push(key) < 3 }) };
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) {
      const headers = newHeaders();
      headers.set("cf-connecting-ip", "198.51.100.201");
      const ctx = createExecutionContext();
      const request = new Request(`https://paybell.test/ingest/${String(json["id"])}`, {
        method: "POST",
        headers,
        body: "{}",
      });
      const response = await worker.fetch(
        request as Parameters<typeof worker.fetch>[0],
        { ...env, STRANGER_LIMIT } as Env,
        ctx,
      );
      await waitOnExecutionContext(ctx);
      statuses.push(response.status);
    }
    expect(statuses.slice(0, 3)).toEqual([401, 401, 401]);
    expect(counted.length).toBeGreaterThanOrEqual(3);
    expect(statuses.slice(3).every((status) => status === 429 || status === 503)).toBe(true);
  });
});
