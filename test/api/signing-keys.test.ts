import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { standard } from "../../src/providers/standard.ts";
import { call, newEndpoint, newMerchant, webhooksOf, type Sent } from "../support/merchant.ts";
import { expectRefused, sendJson } from "./refusal.ts";
import { send } from "./support.ts";

const SECOND = 1000;

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

interface Key {
  publicKey: string;
  expiresAt: string | null;
}

const keys = async () =>
  (await call("GET", "/v1/signing-keys", { key: merchant.key })).json as unknown as { url: string; data: Key[] };

async function rotate(body?: object) {
  const { status, json } = await call("POST", "/v1/signing-keys/rotate", { key: merchant.key, body });
  expect(status).toBe(200);
  return json as unknown as { url: string; data: Key[] };
}

interface Jwk extends JsonWebKey {
  whpk: string;
  kid: string;
}

/** What a receiver finds at the URL that the merchant has given it. */
async function published(): Promise<Jwk[]> {
  const { status, json } = await send("GET", `/keys/${merchant.id}`);
  expect(status).toBe(200);
  return json["keys"] as Jwk[];
}

/** Verifies as the documentation tells a receiver on WebCrypto. */
async function verifies(jwk: JsonWebKey, { headers, body }: Pick<Sent, "headers" | "body">): Promise<boolean> {
  const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["verify"]);
  const signed = new TextEncoder().encode(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"]!.split(" ");
  const found = await Promise.all(
    signatures
      .filter((one) => one.startsWith("v1a,"))
      .map((one) => {
        const signature = Uint8Array.from(atob(one.slice("v1a,".length)), (char) => char.charCodeAt(0));
        return crypto.subtle.verify("Ed25519", key, signature, signed);
      }),
  );
  return found.includes(true);
}

describe("signing keys", () => {
  it("are none before an endpoint asks for them, and one then, whichever and however many do", async () => {
    const { id } = await newEndpoint(merchant.key);
    expect(await keys()).toEqual({ url: `https://paybell.test/keys/${merchant.id}`, data: [] });
    const none = await send("GET", `/keys/${merchant.id}`);
    expect({ status: none.status, code: none.json["code"] }).toEqual({ status: 404, code: "not_found" });
    const body = { signatures: "hmac+ed25519" };
    const patched = await call("PATCH", `/v1/endpoints/${id}`, { key: merchant.key, body });
    expect(patched.json["signatures"]).toBe("hmac+ed25519");
    const first = await keys();
    expect(first.data).toEqual([
      {
        publicKey: expect.stringMatching(/^whpk_[A-Za-z0-9+/]{43}=$/),
        createdAt: expect.any(String),
        expiresAt: null,
      },
    ]);
    await newEndpoint(merchant.key, body);
    await call("PUT", "/v1/endpoints/mine", { key: merchant.key, body: { ...body, url: "https://shop.example/" } });
    expect(await keys()).toEqual(first);
  });

  it("are made once where many endpoints ask at once", async () => {
    await Promise.all(Array.from({ length: 4 }, () => newEndpoint(merchant.key, { signatures: "hmac+ed25519" })));
    expect((await keys()).data).toHaveLength(1);
  });

  it("make nothing for an endpoint that does not exist", async () => {
    const body = { signatures: "hmac+ed25519" };
    expect((await call("PATCH", "/v1/endpoints/ep_none", { key: merchant.key, body })).status).toBe(404);
    expect((await keys()).data).toEqual([]);
  });

  it("sign beside the secret, for endpoints that want it alone, and what is published verifies it", async () => {
    await newEndpoint(merchant.key, { url: "https://shop.example/both", signatures: "hmac+ed25519" });
    await newEndpoint(merchant.key, { url: "https://shop.example/hmac" });
    const sent = await webhooksOf(merchant.key, "e_1");
    const both = sent.find(({ url }) => url.endsWith("/both"))!;
    const hmac = sent.find(({ url }) => url.endsWith("/hmac"))!;
    expect(hmac.headers["webhook-signature"]).toMatch(/^v1,\S+$/);
    expect(both.headers["webhook-signature"]).toMatch(/^v1,\S+ v1a,\S+$/);
    const [jwk] = await published();
    expect(await verifies(jwk!, both)).toBe(true);
    expect(await verifies(jwk!, { ...both, body: "{}" })).toBe(false);
    const request = { body: new TextEncoder().encode(both.body), headers: new Headers(both.headers), url: "" };
    expect(await standard.verify(request, [jwk!.whpk], { now: Date.now() / SECOND })).toMatchObject({ ok: true });
  });

  it("are published for everyone, to be kept for a while, and never their private half", async () => {
    await newEndpoint(merchant.key, { signatures: "hmac+ed25519" });
    const { headers, json } = await send("GET", `/keys/${merchant.id}`);
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    const [{ publicKey }] = (await keys()).data as [Key];
    const x = publicKey.slice(5).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const thumbprint = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`),
    );
    const kid = btoa(String.fromCharCode(...new Uint8Array(thumbprint)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
    expect(json).toEqual({ keys: [{ kty: "OKP", crv: "Ed25519", x, kid, use: "sig", whpk: publicKey }] });
    const { results } = await env.DB.prepare("SELECT * FROM merchants WHERE id = ?").bind(merchant.id).all();
    expect(JSON.stringify(results)).not.toContain("whsk_");
    const shown = await call("GET", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    expect(shown.json).not.toHaveProperty("signingKeys");
  });

  it("of an unknown merchant are not found", async () => {
    expect((await send("GET", "/keys/mer_none")).status).toBe(404);
  });
});

describe("rotating the signing key", () => {
  it("signs with both, publishes both, and then the new one alone", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await newEndpoint(merchant.key, { signatures: "hmac+ed25519" });
    const [before] = await published();
    const { data } = await rotate({ overlapSeconds: 600 });
    expect(data.map(({ publicKey }) => publicKey)).toEqual([expect.any(String), before!.whpk]);
    expect(Date.parse(data[1]!.expiresAt!)).toBe(Date.now() + 600 * SECOND);
    const both = await published();
    expect(both.map(({ whpk }) => whpk)).toEqual(data.map(({ publicKey }) => publicKey));
    const [during] = (await webhooksOf(merchant.key, "during")) as [Sent];
    expect(during.headers["webhook-signature"]).toMatch(/^v1,\S+ v1a,\S+ v1a,\S+$/);
    for (const jwk of both) {
      expect(await verifies(jwk, during)).toBe(true);
    }
    vi.setSystemTime(Date.now() + 600 * SECOND);
    expect(await published()).toEqual([both[0]]);
    const [after] = (await webhooksOf(merchant.key, "after")) as [Sent];
    expect(await verifies(both[0]!, after)).toBe(true);
    expect(await verifies(both[1]!, after)).toBe(false);
  });

  it("drops a key that has leaked at once", async () => {
    await rotate();
    const { data } = await rotate({ overlapSeconds: 0 });
    expect((await published()).map(({ whpk }) => whpk)).toEqual([data[0]!.publicKey]);
  });

  it("loses none of those that are made at once, and refuses an eleventh", async () => {
    const made = await Promise.all([rotate(), rotate(), rotate()]);
    const names = made.map(({ data }) => data[0]!.publicKey);
    expect((await keys()).data.map(({ publicKey }) => publicKey).toSorted()).toEqual(names.toSorted());
    for (let n = 3; n < 10; n++) {
      await rotate();
    }
    await expectRefused({ name: "", status: 422, code: "too_many_secrets" }, () =>
      sendJson(merchant.key, "POST", "/v1/signing-keys/rotate", {}),
    );
  });

  it.each([[1], [599], [604_801], [null]])("refuses an overlap of %j s", async (overlapSeconds) => {
    const bad = { name: "", status: 422, code: "invalid", path: "/overlapSeconds" };
    await expectRefused(bad, () => sendJson(merchant.key, "POST", "/v1/signing-keys/rotate", { overlapSeconds }));
  });
});
