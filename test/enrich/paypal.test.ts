import { afterEach, describe, expect, it, vi } from "vitest";

import { paypalSamples } from "../../scripts/samples/paypal.ts";
import type { Call } from "../../src/enrich/enricher.ts";
import { paypal } from "../../src/enrich/paypal.ts";
import { askAbout, bytesOf, told, untold } from "./api.ts";

const capture = paypalSamples.events.find(({ type }) => type === "PAYMENT.CAPTURE.COMPLETED")!;
const AT = Date.parse("2026-11-23T12:00:00Z");
const posted = capture.make("x1", AT) as { id: string; resource: Record<string, unknown> };
const EVENT = "/v1/notifications/webhooks-events/WH-x1";

let clients = 0;

/** A client that no other test has: tokens are remembered by it. */
const newClient = () => ({ clientId: `client_${++clients}`, clientSecret: "s3cret" });

/** PayPal's API: gives out tokens, each of another name, and answers with them. */
function apiOf(event: (token: string) => Awaited<ReturnType<Call>>, seconds = 32_400) {
  let given = 0;
  return ({ url, headers }: Parameters<Call>[0]) =>
    url.endsWith("/v1/oauth2/token")
      ? told({ access_token: `A${++given}`, expires_in: seconds })
      : event(headers["authorization"]!.replace("Bearer ", ""));
}

const ask = async (
  api: (request: Parameters<Call>[0]) => Awaited<ReturnType<Call>>,
  credential: Parameters<typeof paypal.ask>[1] = newClient(),
  {
    config = {},
    body = posted,
    headers = {},
  }: { config?: Record<string, unknown>; body?: unknown; headers?: Record<string, string> } = {},
) =>
  askAbout(
    { provider: "paypal", enricher: paypal, config },
    { body: bytesOf(JSON.stringify(body)), headers: { "paypal-transmission-id": "T1", ...headers } },
    credential,
    api,
  );

const pathsOf = ({ requests }: Awaited<ReturnType<typeof ask>>) => requests.map(({ url }) => new URL(url).pathname);

afterEach(() => vi.useRealTimers());

describe("PayPal's API, asked for an event", () => {
  it("tells it as PayPal has kept it, whatever a post with the same checksum says", async () => {
    const forged = { ...posted, resource: { ...posted.resource, amount: { value: "99999.00", currency_code: "USD" } } };
    const { requests, answer } = await ask(
      apiOf(() => told(posted)),
      { clientId: "id", clientSecret: "s" },
      { body: forged },
    );
    expect(requests).toEqual([
      {
        url: "https://api-m.paypal.com/v1/oauth2/token",
        headers: { authorization: "Basic aWQ6cw==", "content-type": "application/x-www-form-urlencoded" },
        body: "grant_type=client_credentials",
      },
      { url: `https://api-m.paypal.com${EVENT}`, headers: { authorization: "Bearer A1" } },
    ]);
    expect(answer).toMatchObject({
      ok: true,
      events: [
        {
          event: {
            eventId: "T1",
            type: "payment.succeeded",
            authenticity: "fetched",
            data: { payment: { id: "x1", amount: { value: "4250", currency: "EUR" } } },
            raw: posted,
          },
        },
      ],
    });
  });

  it("is asked in the sandbox for what has its certificate, and tells of no real money then", async () => {
    const headers = { "paypal-cert-url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1" };
    const { requests, answer } = await ask(
      apiOf(() => told(posted)),
      newClient(),
      { headers },
    );
    expect(new Set(requests.map(({ url }) => new URL(url).host))).toEqual(new Set(["api-m.sandbox.paypal.com"]));
    expect(answer).toMatchObject({ ok: true, events: [{ event: { livemode: false } }] });
    expect(paypal.headers).toContain("paypal-cert-url");
  });

  it("is asked in the sandbox for a source of that, and elsewhere where the credential says so", async () => {
    const sandbox = await ask(
      apiOf(() => told(posted)),
      newClient(),
      { config: { livemode: false } },
    );
    expect(sandbox.requests[1]!.url).toBe(`https://api-m.sandbox.paypal.com${EVENT}`);
    const elsewhere = await ask(
      apiOf(() => told(posted)),
      { ...newClient(), baseUrl: "http://127.0.0.1:9/" },
    );
    expect(elsewhere.requests[1]!.url).toBe(`http://127.0.0.1:9${EVENT}`);
  });

  it("is asked with one token until shortly before that ends", async () => {
    vi.useFakeTimers({ now: AT });
    const client = newClient();
    const api = apiOf(() => told(posted), 600);
    expect(pathsOf(await ask(api, client))).toEqual(["/v1/oauth2/token", EVENT]);
    vi.setSystemTime(AT + 539_000);
    expect(pathsOf(await ask(api, client))).toEqual([EVENT]);
    vi.setSystemTime(AT + 540_000);
    expect(pathsOf(await ask(api, client))).toEqual(["/v1/oauth2/token", EVENT]);
    expect(pathsOf(await ask(api, { ...client, clientSecret: "another" }))).toEqual(["/v1/oauth2/token", EVENT]);
  });

  it("is asked with a new token, once, where it does not take the one that it gave out before", async () => {
    const client = newClient();
    let refused = "";
    const api = apiOf((token) => (token <= refused ? untold("refused", 401) : told(posted)));
    await ask(api, client);
    refused = "A1";
    const again = await ask(api, client);
    expect(pathsOf(again)).toEqual([EVENT, "/v1/oauth2/token", EVENT]);
    expect(again.answer).toMatchObject({ ok: true });
    refused = "A9";
    const never = await ask(api, client);
    expect(pathsOf(never)).toEqual([EVENT, "/v1/oauth2/token", EVENT]);
    expect(never.answer).toEqual(untold("refused", 401));
  });

  it.each([
    [untold("refused", 401), untold("refused", 401)],
    [untold("unknown", 404), untold("refused", 404)],
    [untold("later", 503), untold("later", 503)],
  ])("that gives no token says nothing of the event: %j", async (answer, is) => {
    expect((await ask(() => answer)).answer).toEqual(is);
  });

  it("says that it knows no such event", async () => {
    expect((await ask(apiOf(() => untold("unknown", 404)))).answer).toEqual(untold("unknown", 404));
  });

  it("is not asked for what is no id", async () => {
    expect(await ask(() => told({}), newClient(), { body: { ...posted, id: "../x" } })).toEqual({
      answer: null,
      requests: [],
    });
  });

  it.each([{ ...posted, id: "WH-other" }, {}, []])("is not believed where it tells of something else", async (body) => {
    await expect(ask(apiOf(() => told(body)))).rejects.toThrow(/the/);
  });
});
