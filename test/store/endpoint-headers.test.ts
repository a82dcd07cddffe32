import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { seal } from "../../src/platform/secret-box.ts";
import { forget, merchantConfig } from "../../src/store/config.ts";
import { headerRow, headersOf } from "../../src/store/endpoint-headers.ts";
import { call, newEndpoint, newMerchant, webhooksOf } from "../support/merchant.ts";

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(() => vi.restoreAllMocks());

const configured = async () => {
  const found = await merchantConfig(env, merchant.id);
  return found.ok ? found.value!.endpoints[0]! : null;
};

/** Gives an endpoint headers as an earlier release has stored them: 58 of 4 KB, and one that is sealed. */
async function storeMany(endpoint: string): Promise<Record<string, string>> {
  const headers = Object.fromEntries(Array.from({ length: 58 }, (_, n) => [`x-${n}`, "v".repeat(4_096)]));
  const sealed = await seal(env.ENCRYPTION_KEY, headerRow({ merchant: merchant.id, id: endpoint }), "s3cret");
  await env.DB.prepare("UPDATE endpoints SET headers = ?2, secret_headers = ?3 WHERE merchant = ?1")
    .bind(merchant.id, JSON.stringify(headers), JSON.stringify({ "x-secret": sealed }))
    .run();
  forget(merchant.id);
  return { ...headers, "x-secret": "s3cret" };
}

describe("the headers of an endpoint", () => {
  it("come with the configuration, the secret ones opened once they are sent", async () => {
    await newEndpoint(merchant.key, { headers: { "x-a": "1" }, secretHeaders: { "X-Token": "t" } });
    const endpoint = (await configured())!;
    expect(endpoint.headers).toMatchObject({
      headers: { "x-a": "1" },
      secretHeaders: { "x-token": expect.stringMatching(/^v1\./) },
    });
    const headers = await headersOf(env, endpoint);
    expect(headers).toEqual({ ok: true, value: { "x-a": "1", "x-token": "t" } });
  });

  it("that an earlier release took in megabytes do not, and are sent all the same", async () => {
    const { id } = await newEndpoint(merchant.key);
    const headers = await storeMany(id);
    expect((await configured())!.headers).toBeNull();
    const [sent] = await webhooksOf(merchant.key, "e_1");
    expect(sent!.headers).toMatchObject(headers);
  });

  it("that cannot be opened are unavailable, and hide no other endpoint", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await newEndpoint(merchant.key, { secretHeaders: { "x-token": "t" } });
    await env.DB.prepare('UPDATE endpoints SET secret_headers = \'{"x-token":"v1.broken"}\' WHERE merchant = ?')
      .bind(merchant.id)
      .run();
    forget(merchant.id);
    expect(await headersOf(env, (await configured())!)).toEqual({ ok: false, reason: "unavailable" });
  });

  it("that are too many can be read, and be replaced by fewer", async () => {
    const { id } = await newEndpoint(merchant.key);
    await storeMany(id);
    const path = `/v1/endpoints/${id}`;
    expect((await call("PATCH", path, { key: merchant.key, body: { timeoutSeconds: 20 } })).status).toBe(200);
    const { json } = await call("PATCH", path, { key: merchant.key, body: { headers: { "x-a": "1" } } });
    expect(json).toMatchObject({ headers: { "x-a": "1" }, secretHeaders: { "x-secret": null } });
  });
});
