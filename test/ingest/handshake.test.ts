import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { bytesOf, hexOf, hmacOf } from "../../scripts/samples/signing.ts";
import worker from "../../src/index.ts";
import { randomId } from "../../src/event/ids.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { newStripeSource } from "./stripe.ts";

const KEYS = { publicKey: "nordwind-public", privateKey: "nordwind-private" };
const CHALLENGE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

let key: string;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

async function newBraintreeSource(fields: object = { secrets: [JSON.stringify(KEYS)] }): Promise<string> {
  const { json } = await call("POST", "/v1/sources", { key, body: { provider: "braintree", ...fields } });
  return String(json["id"]);
}

let addresses = 0;

/** Asks a source, from an address of its own unless one is named; what follows from it included. */
async function ask(
  source: string,
  query: string,
  { address = `198.51.100.${++addresses}`, method = "GET", ...bindings }: Partial<Env> & Record<string, unknown> = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request(`https://paybell.test/ingest/${source}${query}`, {
    method: method as string,
    headers: { "cf-connecting-ip": address as string },
  });
  const response = await worker.fetch(
    request as Parameters<typeof worker.fetch>[0],
    { ...env, ...bindings } as Env,
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return response;
}

describe("a challenge at a source's URL", () => {
  it("is answered in plain text, as the provider expects it", async () => {
    const answer = await ask(await newBraintreeSource(), `?bt_challenge=${CHALLENGE}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
    const sha1 = new Uint8Array(await crypto.subtle.digest("SHA-1", bytesOf(KEYS.privateKey)));
    const signature = hexOf(await hmacOf(sha1, [CHALLENGE], "SHA-1"));
    expect(await answer.text()).toBe(`${KEYS.publicKey}|${signature}`);
  });

  it("is answered without a body where only the head is asked for", async () => {
    const answer = await ask(await newBraintreeSource(), `?bt_challenge=${CHALLENGE}`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  it.each(["", "?bt_challenge=", "?bt_challenge=hello", `?bt_challenge=${CHALLENGE}0`])(
    "is refused where it is none: %j",
    async (query) => {
      expect((await ask(await newBraintreeSource(), query)).status).toBe(400);
    },
  );

  it("is refused while the source awaits its secret", async () => {
    expect((await ask(await newBraintreeSource({}), `?bt_challenge=${CHALLENGE}`)).status).toBe(401);
  });

  it("is 405 at a provider that knows none, which says what is allowed", async () => {
    const { id } = await newStripeSource(key);
    const answer = await ask(id, `?bt_challenge=${CHALLENGE}`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("POST");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("is 404 at a source that there is not", async () => {
    expect((await ask(randomId("src"), `?bt_challenge=${CHALLENGE}`)).status).toBe(404);
  });
});

describe("a flood of them", () => {
  /** A limiter that lets two through for each key. */
  const twoEach = () => {
    const seen: string[] = [];
    const limit = async ({ key }: { key: string }) => ({
      success: seen.filter((one) => one === key).length < 2 && seen.push(key) > 0,
    });
    return { limit };
  };

  it("of none closes the source to more of them from there, and to nobody who asks for one", async () => {
    const source = await newBraintreeSource();
    const from = { STRANGER_LIMIT: twoEach(), address: "203.0.113.7" };
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await ask(source, "?bt_challenge=no", from)).status);
    expect(statuses).toEqual([400, 400, 400, 429]);
    expect((await ask(source, `?bt_challenge=${CHALLENGE}`, from)).status).toBe(200);
    expect((await ask(source, `?bt_challenge=${CHALLENGE}`)).status).toBe(200);
  });

  it("at made-up sources is told to stay away", async () => {
    const from = { STRANGER_LIMIT: twoEach(), address: "203.0.113.8" };
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await ask(randomId("src"), "", from)).status);
    expect(statuses).toEqual([404, 404, 404, 429, 429]);
  });
});
