import { createHash } from "node:crypto";

import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { hostOf, noteVerified } from "../../src/store/endpoint-hosts.ts";
import { call, newEndpoint, newMerchant, receive } from "../support/merchant.ts";

const STRICT = { HOST_VERIFICATION: "always" };

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(() => vi.restoreAllMocks());

/** A call of a Worker whose operator has hosts verified, with what it goes on doing behind its answer. */
async function strictly(
  method: string,
  path: string,
  { body, key = merchant.key, vars = STRICT }: { body?: unknown; key?: string; vars?: object } = {},
) {
  const context = createExecutionContext();
  const request = {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const response = await createApp().request(path, request, { ...env, ...vars }, context);
  const json = await response.json<Record<string, unknown>>();
  await waitOnExecutionContext(context);
  return { status: response.status, headers: response.headers, json };
}

interface Verification {
  status: string;
  token: string;
  failure: string | null;
}

/** Makes an endpoint at a host of its own, with what is on record of that. */
async function newUnverified(host = `${crypto.randomUUID()}.example`, fields: object = {}) {
  const { json } = await strictly("POST", "/v1/endpoints", { body: { url: `https://${host}/hook`, ...fields } });
  return { id: String(json["id"]), host, verification: json["verification"] as Verification };
}

const show = async (id: string) => (await strictly("GET", `/v1/endpoints/${id}`)).json;
const refusing = () => receive(() => new Response("no", { status: 404 }));

/** As if the last question lay some time back. */
async function rest(): Promise<void> {
  await env.DB.prepare("UPDATE endpoint_hosts SET checked_at = checked_at - 61000").run();
}

/** What a server that wants webhooks answers to a challenge; nothing to any other request. */
async function answerTo(request: Request): Promise<string> {
  const { challenge } = request.method === "POST" ? await request.json<{ challenge?: string }>() : {};
  return challenge === undefined ? "" : createHash("sha256").update(challenge).digest("hex");
}

describe("an endpoint at a host that has not said anything", () => {
  it("is pending, shows what the host is to show, and asks it by two requests", async () => {
    const sent = refusing();
    const { id, host, verification } = await newUnverified();
    expect(verification).toMatchObject({ status: "pending", host, token: expect.stringMatching(/^pbh_/), how: null });
    expect(sent.map(({ method, url, redirect }) => [method, url, redirect])).toEqual([
      ["GET", `https://${host}/.well-known/paybell`, "manual"],
      ["POST", `https://${host}/hook`, "manual"],
    ]);
    expect((await show(id))["verification"]).toMatchObject({
      status: "pending",
      failure: expect.stringMatching(/answered 404.*answered 404/),
    });
  });

  it("is verified by a file that holds the token among others", async () => {
    refusing();
    const { id, verification } = await newUnverified();
    await rest();
    const file = `pbh_another\n${verification.token}\n`;
    const sent = receive(({ url }) => new Response(url.endsWith("/.well-known/paybell") ? file : "", { status: 200 }));
    const { json } = await strictly("POST", `/v1/endpoints/${id}/verify`);
    expect(json["verification"]).toMatchObject({ status: "verified", how: "file", failure: null });
    expect(sent).toHaveLength(1);
    const [newest] = (await call("GET", "/v1/audit", { key: merchant.key })).json.data;
    expect(newest).toMatchObject({ action: "endpoint.verified", target: id });
  });

  it.each([
    ["as text", (answer: string) => ` ${answer}\n`],
    ["as JSON", (answer: string) => JSON.stringify({ answer })],
  ])("is verified at once by a server that answers challenges %s", async (_, written) => {
    receive(async (request) =>
      request.method === "POST" ? new Response(written(await answerTo(request))) : new Response("no", { status: 404 }),
    );
    const { id } = await newUnverified();
    expect((await show(id))["verification"]).toMatchObject({ status: "verified", how: "challenge" });
  });

  it.each([
    ["repeats all that it is sent", async (request: Request) => new Response(await request.text())],
    ["repeats its address", async (request: Request) => new Response(request.url)],
    [
      "answers the challenges of others, by repeating them",
      async (request: Request) => {
        const { challenge } = request.method === "POST" ? await request.json<{ challenge?: string }>() : {};
        return challenge === undefined ? new Response("no", { status: 404 }) : Response.json({ challenge });
      },
    ],
    ["says something else", async () => new Response('{"challenge":null}')],
    ["says null", async () => new Response("null")],
    [
      "answers the challenge in an error",
      async (request: Request) => new Response(await answerTo(request), { status: 400 }),
    ],
    ["leads elsewhere", async () => new Response(null, { status: 302, headers: { location: "https://a.example/" } })],
    [
      "does not answer",
      async () => {
        throw new Error("connection refused");
      },
    ],
  ])("stays pending at a server that %s", async (_, answer) => {
    receive(answer);
    const { id } = await newUnverified();
    expect((await show(id))["verification"]).toMatchObject({ status: "pending" });
  });

  it("is asked again only after a while, and a merchant has not many asked a minute", async () => {
    const sent = refusing();
    const { id } = await newUnverified();
    const again = await strictly("POST", `/v1/endpoints/${id}/verify`);
    expect([again.status, again.headers.get("retry-after")]).toEqual([429, "15"]);
    expect(sent).toHaveLength(2);
    for (let n = 0; n < 12; n++) {
      await newUnverified();
    }
    expect(sent).toHaveLength(2 * 10);
  });

  it("is not verified by what another host says, to which it is led while it is asked", async () => {
    refusing();
    const { id, host } = await newUnverified();
    await rest();
    await env.DB.prepare("UPDATE endpoints SET url = ? WHERE id = ?").bind("https://willing.example/", id).run();
    const sent = receive(async (request) => new Response(await answerTo(request)));
    expect((await strictly("POST", `/v1/endpoints/${id}/verify`)).status).toBe(503);
    expect(sent).toHaveLength(0);
    expect((await newUnverified(host)).verification).toMatchObject({ status: "pending" });
  });

  it("asks no more where it was deleted and made again", async () => {
    const sent = refusing();
    const { id, host, verification } = await newUnverified();
    await call("DELETE", `/v1/endpoints/${id}`, { key: merchant.key });
    const again = await newUnverified(host);
    expect(again.verification.token).toBe(verification.token);
    expect(sent).toHaveLength(2);
  });
});

describe("a host counts as verified", () => {
  /** An endpoint at a verified host. */
  async function newVerified() {
    receive(async (request) => new Response(await answerTo(request)));
    return newUnverified();
  }

  it("for every endpoint of its merchant, those that waited too, and for no other merchant's", async () => {
    refusing();
    const waiting = await newUnverified();
    await rest();
    receive(async (request) => new Response(await answerTo(request)));
    const second = await newUnverified(waiting.host);
    expect((await show(waiting.id))["verification"]).toMatchObject({ status: "verified" });
    const sent = refusing();
    const third = await newUnverified(waiting.host);
    expect(third.verification).toMatchObject({ status: "verified" });
    expect(sent).toHaveLength(0);
    expect(second.id).not.toBe(waiting.id);

    const other = await newMerchant();
    const body = { url: `https://${waiting.host}/hook` };
    const { json } = await strictly("POST", "/v1/endpoints", { key: other.key, body });
    expect(json["verification"]).toMatchObject({ status: "pending" });
  });

  it("not for another: a change of the URL waits anew, and one back does not", async () => {
    const { id, host } = await newVerified();
    refusing();
    const body = { url: `https://${crypto.randomUUID()}.example/` };
    const moved = await strictly("PATCH", `/v1/endpoints/${id}`, { body });
    expect(moved.json["verification"]).toMatchObject({ status: "pending" });
    const put = await strictly("PUT", `/v1/endpoints/${id}`, { body: { ...body, payload: "thin" } });
    expect(put.json["verification"]).toMatchObject({ status: "pending" });
    const back = await strictly("PATCH", `/v1/endpoints/${id}`, { body: { url: `https://${host}/other` } });
    expect(back.json["verification"]).toMatchObject({ status: "verified" });
  });

  it("where it was sent webhooks before anybody had to say so", async () => {
    const host = `${crypto.randomUUID()}.example`;
    const { id } = await newEndpoint(merchant.key, { url: `https://${host}/hook` });
    const sent = refusing();
    const same = await strictly("PATCH", `/v1/endpoints/${id}`, { body: { url: `https://${host}/v2` } });
    expect(same.json["verification"]).toBeNull();
    expect((await newUnverified(host)).verification).toMatchObject({ status: "verified", how: "before" });
    expect(sent).toHaveLength(0);
  });

  it.each([
    ["the operator trusts it", { HOST_VERIFICATION: "always", TRUSTED_HOSTS: "a.example Relay.example" }],
    ["the operator has nobody asked", { HOST_VERIFICATION: "off", ALLOW_PRIVATE_ENDPOINTS: "false" }],
    ["this is development", { HOST_VERIFICATION: "on", ALLOW_PRIVATE_ENDPOINTS: "true" }],
  ])("where %s", async (_, vars) => {
    const sent = refusing();
    const { json } = await strictly("POST", "/v1/endpoints", { vars, body: { url: "https://relay.example/1" } });
    expect(json["verification"]).toBeNull();
    expect(sent).toHaveLength(0);
  });

  it("but not in production, where nothing is said", async () => {
    refusing();
    const vars = { HOST_VERIFICATION: "on", ALLOW_PRIVATE_ENDPOINTS: "false" };
    const { json } = await strictly("POST", "/v1/endpoints", { vars, body: { url: "https://relay.example/1" } });
    expect(json["verification"]).toMatchObject({ status: "pending" });
  });
});

describe("what has waited for a host goes", () => {
  /** A Worker's vars with gates that write down who is opened, or do `instead`. */
  function watched(instead?: () => void, more: object = {}) {
    const opened: string[] = [];
    const open = async ({ endpoint }: { endpoint: string }) => {
      instead?.();
      opened.push(endpoint);
    };
    return { opened, vars: { ...STRICT, ENDPOINT_GATE: { getByName: () => ({ open }) }, ...more } };
  }
  const willing = () => receive(async (request) => new Response(await answerTo(request)));
  const TRUSTING = { TRUSTED_HOSTS: "relay.example" };

  it.each(["PATCH", "PUT"])("where a %s leads the endpoint to one that has said yes, or is trusted", async (method) => {
    willing();
    const verified = await newUnverified();
    refusing();
    for (const url of [`https://${verified.host}/other`, "https://relay.example/"]) {
      const { id } = await newUnverified();
      const { opened, vars } = watched(undefined, TRUSTING);
      expect((await strictly(method, `/v1/endpoints/${id}`, { vars, body: { url } })).status).toBe(200);
      expect(opened).toEqual([id]);
      await strictly(method, `/v1/endpoints/${id}`, { vars, body: { url: `${url}?again` } });
      expect(opened).toEqual([id]);
    }
  });

  it("at the next question, where the gate did not answer the first", async () => {
    refusing();
    const { id } = await newUnverified();
    await rest();
    willing();
    const broken = watched(() => {
      throw new Error("The gate does not answer");
    });
    expect((await strictly("POST", `/v1/endpoints/${id}/verify`, broken)).status).toBe(500);
    const { opened, vars } = watched();
    expect(await strictly("POST", `/v1/endpoints/${id}/verify`, { vars })).toMatchObject({
      status: 200,
      json: { verification: { status: "verified" } },
    });
    expect(opened).toEqual([id]);
  });

  it("at the next question, where the operator has come to trust it", async () => {
    const sent = refusing();
    const { id, host } = await newUnverified();
    const { opened, vars } = watched(undefined, { TRUSTED_HOSTS: `relay.example ${host}` });
    const { status, json } = await strictly("POST", `/v1/endpoints/${id}/verify`, { vars });
    expect({ status, verification: json["verification"], opened }).toEqual({
      status: 200,
      verification: null,
      opened: [id],
    });
    expect(sent).toHaveLength(2);
  });

  it("but not to an endpoint that is paused, before it is resumed", async () => {
    refusing();
    const { id } = await newUnverified();
    const { opened, vars } = watched(undefined, TRUSTING);
    await strictly("POST", `/v1/endpoints/${id}/pause`);
    await strictly("PATCH", `/v1/endpoints/${id}`, { vars, body: { url: "https://relay.example/" } });
    await strictly("POST", `/v1/endpoints/${id}/verify`, { vars });
    expect(opened).toEqual([]);
  });
});

it.each([
  ["PUT", (host: string) => ({ url: `https://${host}/hook`, payload: "thin" })],
  ["PATCH", (host: string) => ({ url: `https://${host}/v2` })],
])("a %s does not undo that the host was verified while it was under way", async (method, body) => {
  refusing();
  const { id, host } = await newUnverified();
  let isVerified = false;
  const batch: D1Database["batch"] = async (statements) => {
    if (!isVerified) {
      isVerified = true;
      await noteVerified(env.DB, { merchant: merchant.id, host }, "challenge", Date.now());
    }
    return env.DB.batch(statements);
  };
  const DB = { prepare: (query: string) => env.DB.prepare(query), batch };
  const changed = { vars: { ...STRICT, DB }, body: body(host) };
  expect(await strictly(method, `/v1/endpoints/${id}`, changed)).toMatchObject({
    status: 200,
    json: { verification: { status: "verified" } },
  });
});

describe("the address of a provider's API", () => {
  const credential = { apiKey: "test_1234567890" };
  const source = (baseUrl: string) => ({ provider: "mollie", credential: { ...credential, baseUrl } });
  const account = (baseUrl: string) => ({
    provider: "twilio",
    accountSid: `AC${"0".repeat(32)}`,
    authToken: "x".repeat(32),
    from: "+15005550006",
    baseUrl,
  });

  it("is refused where it is elsewhere, at a host that has not said anything", async () => {
    refusing();
    const { host } = await newUnverified();
    const refusedAt = (path: string) => ({ status: 422, json: { errors: [{ path, code: "host_not_verified" }] } });
    const body = source(`https://${host}`);
    expect(await strictly("POST", "/v1/sources", { body })).toMatchObject(refusedAt("/credential/baseUrl"));
    const made = await strictly("POST", "/v1/sources", { body: { provider: "mollie" } });
    const changed = { body: { credential: body.credential } };
    const path = `/v1/sources/${String(made.json["id"])}`;
    expect(await strictly("PATCH", path, changed)).toMatchObject(refusedAt("/credential/baseUrl"));
    const set = await strictly("PUT", "/v1/channels/sms", { body: account(`https://${host}`) });
    expect(set).toMatchObject(refusedAt("/baseUrl"));
  });

  it("is taken at a host that wants webhooks, and of the provider itself", async () => {
    receive(async (request) => new Response(await answerTo(request)));
    const { host } = await newUnverified();
    expect((await strictly("POST", "/v1/sources", { body: source(`https://${host}`) })).status).toBe(201);
    const paypal = { clientId: "client_1", clientSecret: "secret_1", baseUrl: "https://api-m.sandbox.paypal.com" };
    const { status: ofPayPal } = await strictly("POST", "/v1/sources", {
      body: { provider: "paypal", credential: paypal },
    });
    expect(ofPayPal).toBe(201);
    for (const baseUrl of [`https://${host}`, "https://api.dublin.ie1.twilio.com", "https://api.twilio.com"]) {
      const { status, json } = await strictly("PUT", "/v1/channels/sms", { body: account(baseUrl) });
      expect({ status, json }).toMatchObject({ status: 200 });
    }
  });
});

it("a merchant has so many hosts on record, and no more", async () => {
  refusing();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO endpoint_hosts
     (merchant, host, token, created_at) SELECT ?, i || '.example', 'pbh_1', ? FROM n`,
  )
    .bind(merchant.id, Date.now())
    .run();
  const body = { url: "https://one-more.example/" };
  const refused = await strictly("POST", "/v1/endpoints", { body });
  expect(refused).toMatchObject({ status: 422, json: { errors: [{ path: "/url", code: "too_many_hosts" }] } });
  await env.DB.prepare("UPDATE endpoint_hosts SET created_at = 0 WHERE merchant = ? AND host = '1.example'")
    .bind(merchant.id)
    .run();
  expect((await strictly("POST", "/v1/endpoints", { body })).status).toBe(201);
});

it.each([
  ["https://Shop.example./hook", "shop.example"],
  ["https://shop.example:443/", "shop.example"],
  ["https://shop.example:8443/", "shop.example:8443"],
  ["http://127.0.0.1:3000/", "127.0.0.1:3000"],
])("the host of %s is %s", (url, host) => {
  expect(hostOf(url)).toBe(host);
});
