import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { everything } from "../api/support.ts";
import { call, clearCounters, newEndpoint, newMerchant, readCounters, receive } from "../support/merchant.ts";
import {
  newStripeSource,
  postBytes,
  postSigned,
  sign,
  succeeded,
  untilDelivered,
  type StripeSource,
} from "./stripe.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** Well outside of Stripe's five minutes, either way. */
const TOO_FAR_SECONDS = 400;

let key: string;
let source: StripeSource;
let sent: Request[];
let body: string;

const now = () => Math.floor(Date.now() / 1000);

beforeEach(async () => {
  ({ key } = await newMerchant());
  source = await newStripeSource(key);
  await newEndpoint(key);
  sent = receive(() => new Response(null, { status: 204 }));
  body = JSON.stringify(succeeded("cus_1"));
});

afterEach(() => vi.restoreAllMocks());

/** Expects an answer, and that the request has left no trace. */
async function expectTraceless(answer: () => Promise<Response>, status: number): Promise<Response> {
  const before = await everything();
  await clearCounters();
  const response = await answer();
  expect(response.status).toBe(status);
  expect(await everything()).toEqual(before);
  expect(Object.entries(await readCounters()).filter(([, work]) => work !== 0)).toEqual([]);
  expect(sent).toEqual([]);
  return response;
}

/** Answers 200, and leaves nothing but the request itself, in quarantine. */
async function expectKept(answer: () => Promise<Response>): Promise<Response> {
  const kept = async () => {
    const { results } = await env.DB.prepare("SELECT reason FROM quarantine WHERE source = ?").bind(source.id).all();
    return results;
  };
  const response = await answer();
  expect(response.status).toBe(200);
  expect(await kept()).toEqual([{ reason: "unparseable" }]);
  await env.DB.prepare("DELETE FROM quarantine WHERE source = ?").bind(source.id).run();
  expect((await call("GET", "/v1/events", { key })).json.data).toEqual([]);
  expect(sent).toEqual([]);
  return response;
}

describe("a source", () => {
  it("that does not exist is not found, whatever is posted", async () => {
    const answer = await expectTraceless(async () => postBytes("src_none", body, await sign(body, source.secret)), 404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ code: "not_found", status: 404 });
  });

  it("that still awaits its secret refuses everything, and accepts once it has one", async () => {
    const { json } = await call("POST", "/v1/sources", { key, body: { provider: "stripe" } });
    expect(json["status"]).toBe("awaiting_secret");
    const id = String(json["id"]);
    await expectTraceless(async () => postBytes(id, body, await sign(body, source.secret)), 401);
    // A key of zero bytes makes the same HMAC as an empty one.
    await expectTraceless(async () => postBytes(id, body, await sign(body, "\0")), 401);
    await call("POST", `/v1/sources/${id}/secrets`, { key, body: { secret: source.secret } });
    expect((await postBytes(id, body, await sign(body, source.secret))).status).toBe(200);
    await untilDelivered(key, 1);
  });

  it("takes POST alone", async () => {
    const response = await exports.default.fetch(`https://paybell.test/ingest/${source.id}`);
    expect(response.status).toBe(405);
  });
});

const v1Of = async (text: string, secret: string, timestamp: number) =>
  (await sign(text, secret, { timestamp })).split("v1=")[1]!;

describe("a signature that is refused, without a trace:", () => {
  const refused: [string, () => Promise<{ body?: string; header?: string }>][] = [
    ["none", async () => ({})],
    ["an empty header", async () => ({ header: "" })],
    ["a header that is no signature", async () => ({ header: "nonsense" })],
    ["a time that is no number", async () => ({ header: (await sign(body, source.secret)).replace(/t=\d+/, "t=now") })],
    ["no time", async () => ({ header: (await sign(body, source.secret)).replace(/t=\d+,/, "") })],
    ["an empty v1", async () => ({ header: `t=${now()},v1=` })],
    ["a v1 that is cut short", async () => ({ header: (await sign(body, source.secret)).slice(0, -2) })],
    ["a v1 that is not hexadecimal", async () => ({ header: `t=${now()},v1=${"g".repeat(64)}` })],
    ["a v0 alone", async () => ({ header: await sign(body, source.secret, { scheme: "v0" }) })],
    ["of another secret", async () => ({ header: await sign(body, "whsec_other") })],
    ["of another body", async () => ({ header: await sign(`${body} `, source.secret) })],
    [
      "of a body that was tampered with",
      async () => ({ body: body.replace("1999", "9999"), header: await sign(body, source.secret) }),
    ],
    ["of another time", async () => ({ header: `t=${now()},v1=${await v1Of(body, source.secret, now() - 10)}` })],
    ["too old", async () => ({ header: await sign(body, source.secret, { timestamp: now() - TOO_FAR_SECONDS }) })],
    [
      "too far ahead",
      async () => ({ header: await sign(body, source.secret, { timestamp: now() + TOO_FAR_SECONDS }) }),
    ],
    [
      "of a body whose byte order mark was lost on the way",
      async () => ({ header: await sign(`\uFEFF${body}`, source.secret) }),
    ],
  ];
  it.each(refused)("%s", async (_, make) => {
    const { body: posted = body, header } = await make();
    await expectTraceless(() => postBytes(source.id, posted, header), 401);
  });
});

describe("a signature that is accepted:", () => {
  it("one valid v1 among several", async () => {
    const timestamp = now();
    const [wrong, right] = [await v1Of(body, "whsec_other", timestamp), await v1Of(body, source.secret, timestamp)];
    const header = `t=${timestamp},v1=${wrong},v1=${right},v0=${wrong}`;
    expect((await postBytes(source.id, body, header)).status).toBe(200);
    await untilDelivered(key, 1);
  });

  it("over a body that begins with a byte order mark, as bytes", async () => {
    const marked = `\uFEFF${body}`;
    expect((await postBytes(source.id, marked, await sign(marked, source.secret))).status).toBe(200);
    await untilDelivered(key, 1);
  });

  it("of either secret while a source has two", async () => {
    await call("POST", `/v1/sources/${source.id}/secrets`, { key, body: { secret: "whsec_of_the_next" } });
    const next = { id: source.id, secret: "whsec_of_the_next" };
    expect((await postSigned(next, succeeded("cus_1"))).status).toBe(200);
    expect((await postSigned(source, succeeded("cus_1"))).status).toBe(200);
    await untilDelivered(key, 2);
  });
});

describe("a body", () => {
  it("of 1 MiB is still looked at, one byte more is too large", async () => {
    const forged = await sign("y", source.secret);
    await expectTraceless(() => postBytes(source.id, "x".repeat(MAX_BODY_BYTES), forged), 401);
    const answer = await expectTraceless(() => postBytes(source.id, "x".repeat(MAX_BODY_BYTES + 1), forged), 413);
    expect(await answer.json()).toMatchObject({ code: "body_too_large" });
  });

  it.each(["not JSON", "", "[]", '"text"', "null", "{}", '{"id":"evt_1","object":"event"}', '{"id":"evt_1"'])(
    "that is signed but no event is acknowledged and kept, and nothing follows: %j",
    async (text) => {
      const answer = await expectKept(async () => postBytes(source.id, text, await sign(text, source.secret)));
      expect(await answer.text()).toBe("");
    },
  );

  it("that is signed but not UTF-8 is acknowledged and kept, and nothing follows", async () => {
    const bytes = new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]);
    const timestamp = now();
    const macKey = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(source.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const signed = new Uint8Array([...new TextEncoder().encode(`${timestamp}.`), ...bytes]);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", macKey, signed));
    const hex = [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    await expectKept(() => postBytes(source.id, bytes, `t=${timestamp},v1=${hex}`));
  });
});
