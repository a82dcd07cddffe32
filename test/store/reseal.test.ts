import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createApp } from "../../src/api/app.ts";
import { toBase64 } from "../../src/platform/base64.ts";
import { markOf, seal, type EncryptionKeys } from "../../src/platform/secret-box.ts";
import { forget, merchantConfig, sourceById } from "../../src/store/config.ts";
import { addressHash, addressRow, freshPeople, suppress } from "../../src/store/people.ts";
import { resealSome } from "../../src/store/reseal.ts";
import { everything } from "../api/support.ts";
import { newMerchant } from "../support/merchant.ts";

const A = env.ENCRYPTION_KEY;
const B = toBase64(crypto.getRandomValues(new Uint8Array(32)));
/** The steps of a rotation, each a deployment: docs/runbook.md. */
const ONLY_A: EncryptionKeys = { ENCRYPTION_KEY: A };
const A_OPENS_B: EncryptionKeys = { ENCRYPTION_KEY: A, ENCRYPTION_KEY_PREVIOUS: B };
const B_OPENS_A: EncryptionKeys = { ENCRYPTION_KEY: B, ENCRYPTION_KEY_PREVIOUS: A };
const ONLY_B: EncryptionKeys = { ENCRYPTION_KEY: B };

const EMAIL = "ada@customers.example";
const PHONE = "+12025550143";

let merchant: { id: string; key: string };

/** The Worker with these keys. */
const deployed = (keys: EncryptionKeys): Env => ({ ...env, ...keys });

type Json = Record<string, unknown> & { data: Record<string, unknown>[] };

/** A call of the Worker with these keys, by an isolate that has just started. */
async function call(keys: EncryptionKeys, method: string, path: string, body?: unknown, key = merchant.key) {
  forget(merchant.id);
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const request = new Request(`https://paybell.test${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const response = await createApp().fetch(request, deployed(keys), createExecutionContext());
  const text = await response.text();
  return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Json };
}

const reseal = async (keys: EncryptionKeys) => call(keys, "POST", "/v1/admin/reseal", undefined, env.ADMIN_TOKEN);

/** Calls until nothing is left; the answers. */
async function resealAll(): Promise<Json[]> {
  const answers: Json[] = [];
  while (answers.at(-1)?.["left"] !== 0) {
    expect(answers.length).toBeLessThan(20);
    answers.push((await reseal(B_OPENS_A)).json);
  }
  return answers;
}

/** Everything of the merchant that is sealed or found by a keyed hash, as the Worker with these keys sees it. */
async function view(keys: EncryptionKeys, source: string): Promise<unknown> {
  forget(merchant.id);
  const worker = deployed(keys);
  const config = await merchantConfig(worker, merchant.id);
  return {
    endpoints: config.ok && config.value?.endpoints.map(({ secrets }) => secrets),
    accounts: config.ok && config.value?.accounts.map(({ account }) => account),
    source: await sourceById(worker, source),
    users: (await call(keys, "GET", "/v1/users?order=asc")).json.data,
    byEmail: (await call(keys, "GET", `/v1/users?email=${EMAIL}`)).json.data.map(({ id }) => id),
    byPhone: (await call(keys, "GET", `/v1/users?phone=${encodeURIComponent(PHONE)}`)).json.data.map(({ id }) => id),
    secret: (await call(keys, "GET", "/v1/endpoints/main/secret")).json,
  };
}

/** Furnishes the merchant with one of everything that is sealed; returns its source. */
async function furnish(): Promise<string> {
  const url = "https://shop.example/hook";
  await call(ONLY_A, "PUT", "/v1/endpoints/main", { url, signatures: "hmac+ed25519" });
  await call(ONLY_A, "POST", "/v1/endpoints/main/secret/rotate", {});
  await call(ONLY_A, "POST", "/v1/signing-keys/rotate", {});
  const account = { provider: "resend", from: "Shop <shop@shop.example>", apiKey: "re_secret" };
  expect((await call(ONLY_A, "PUT", "/v1/channels/email", account)).status).toBe(200);
  await call(ONLY_A, "PUT", "/v1/users/ada", { email: EMAIL, phone: PHONE });
  await suppress(deployed(ONLY_A), merchant.id, "email", EMAIL, "opted_out");
  const fields = {
    provider: "mollie",
    secrets: ["whsec_of_the_tests_1", "whsec_of_the_tests_2"],
    credential: { apiKey: "live_1" },
  };
  const { json } = await call(ONLY_A, "POST", "/v1/sources", fields);
  return String(json["id"]);
}

beforeEach(async () => {
  merchant = await newMerchant();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

describe("replacing the key-encryption key", () => {
  it("leaves everything readable at each step, and in the end nothing under the old key", async () => {
    const source = await furnish();
    const before = await view(ONLY_A, source);
    expect(before).toMatchObject({
      source: { value: { credential: { apiKey: "live_1" } } },
      users: [{ email: EMAIL, phone: PHONE, emailSuppressed: "opted_out" }],
      byEmail: ["ada"],
    });
    expect(await view(A_OPENS_B, source)).toEqual(before);
    expect(await view(B_OPENS_A, source)).toEqual(before);

    // While both deployments answer, each opens and finds what the other has sealed.
    await call(B_OPENS_A, "PUT", "/v1/users/ada", { email: EMAIL, phone: PHONE });
    await call(B_OPENS_A, "POST", "/v1/endpoints/main/secret/rotate", {});
    const during = await view(B_OPENS_A, source);
    expect(during).toMatchObject({
      users: [{ email: EMAIL, emailSuppressed: "opted_out" }],
      byEmail: ["ada"],
      byPhone: ["ada"],
      secret: { previous: [{}, {}] },
    });
    expect(await view(A_OPENS_B, source)).toEqual(during);

    expect((await resealAll()).at(-1)).toMatchObject({ left: 0, unaddressed: 0 });
    expect(await view(B_OPENS_A, source)).toEqual(during);
    expect(await view(ONLY_B, source)).toEqual(during);
    const stored = JSON.stringify(await everything());
    expect(stored).not.toContain(await markOf(A));
    expect(stored).toContain(await markOf(B));
    expect(stored).not.toContain(await addressHash(deployed(ONLY_A), merchant.id, "email", EMAIL));
  });

  it("is needed before the old key may go: without it nothing opens", async () => {
    await furnish();
    forget(merchant.id);
    expect(await merchantConfig(deployed(ONLY_B), merchant.id)).toEqual({ ok: false, reason: "unavailable" });
    await resealAll();
    expect(await merchantConfig(deployed(ONLY_B), merchant.id)).toMatchObject({ ok: true });
  });

  it("goes on in bites, says how many are left, and does nothing twice", async () => {
    const rows = await Promise.all(
      Array.from({ length: 700 }, async (_, n) => {
        const user = `u_${n}`;
        const email = await seal(A, addressRow({ merchant: merchant.id, user }, "email"), `${user}@shop.example`);
        return { user, email, hash: await addressHash(deployed(ONLY_A), merchant.id, "email", `${user}@shop.example`) };
      }),
    );
    await env.DB.prepare(
      `INSERT INTO users (merchant, id, email, email_hash, phone_verified, created_at, updated_at)
        SELECT ?1, value->>'user', value->>'email', value->>'hash', 0, 1, 1 FROM json_each(?2)`,
    )
      .bind(merchant.id, JSON.stringify(rows))
      .run();
    const answers = await resealAll();
    expect(answers).toEqual([
      { resealed: 250, left: 450, unaddressed: 0 },
      { resealed: 250, left: 200, unaddressed: 0 },
      { resealed: 200, left: 0, unaddressed: 0 },
    ]);
    const before = await everything();
    expect((await reseal(B_OPENS_A)).json).toEqual({ resealed: 0, left: 0, unaddressed: 0 });
    expect(await everything()).toEqual(before);
    const { json } = await call(ONLY_B, "GET", "/v1/users?email=u_699@shop.example");
    expect(json.data).toMatchObject([{ id: "u_699", email: "u_699@shop.example" }]);
  });

  it("needs a previous key, and says so", async () => {
    const { status, json } = await reseal(ONLY_B);
    expect({ status, code: json["code"] }).toEqual({ status: 409, code: "no_previous_key" });
  });

  it("overwrites no change that is made between its reading and its writing", async () => {
    await furnish();
    let rotated: Json = { data: [] };
    const DB = new Proxy(env.DB, {
      get: (target, name) => {
        if (name === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            rotated = (await call(B_OPENS_A, "POST", "/v1/endpoints/main/secret/rotate", {})).json;
            return target.batch(statements);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const first = await resealSome({ ...deployed(B_OPENS_A), DB }, A);
    expect(first.left).toBeGreaterThan(0);
    await resealAll();
    expect((await call(ONLY_B, "GET", "/v1/endpoints/main/secret")).json).toEqual(rotated);
  });

  it("loses nothing of what is changed while it runs", async () => {
    const source = await furnish();
    const changes = [
      call(B_OPENS_A, "POST", "/v1/endpoints/main/secret/rotate", {}),
      call(A_OPENS_B, "POST", "/v1/endpoints/main/secret/rotate", {}),
      call(B_OPENS_A, "POST", `/v1/sources/${source}/secrets`, { secret: "whsec_of_the_tests_3" }),
      call(A_OPENS_B, "PUT", "/v1/users/bob", { email: EMAIL }),
      call(B_OPENS_A, "POST", "/v1/signing-keys/rotate", {}),
    ];
    const done = await Promise.all([...changes, reseal(B_OPENS_A), reseal(B_OPENS_A)]);
    expect(done.map(({ status }) => Math.floor(status / 100))).toEqual(done.map(() => 2));
    const after = await view(B_OPENS_A, source);
    expect(after).toMatchObject({ secret: { previous: [{}, {}, {}] }, byEmail: ["bob", "ada"] });
    await resealAll();
    expect(await view(ONLY_B, source)).toEqual(after);
  });

  it("is not held up by a row that does not open: it logs that, and says that it is left", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await furnish();
    const strange = await seal(A, "another row", "x");
    await env.DB.prepare("UPDATE users SET phone = ? WHERE merchant = ?").bind(strange, merchant.id).run();
    await reseal(B_OPENS_A);
    expect((await reseal(B_OPENS_A)).json).toEqual({ resealed: 0, left: 1, unaddressed: 0 });
    expect(logged.mock.calls.flat().join()).toContain("reseal.failed");
    await env.DB.prepare("DELETE FROM users WHERE merchant = ?").bind(merchant.id).run();
  });
});

describe("an address that is not used again", () => {
  const reasonOf = async (keys: EncryptionKeys) => {
    const [person] = await freshPeople(deployed(keys), [{ merchant: merchant.id, user: "ada" }]);
    return person?.email?.suppressed ?? null;
  };
  const listed = async () =>
    (
      await env.DB.prepare("SELECT reason, address IS NULL AS bare FROM suppressions WHERE merchant = ?")
        .bind(merchant.id)
        .all<{ reason: string; bare: number }>()
    ).results;

  it("stays so for whoever has it later, also if nobody has it while the key is replaced", async () => {
    await suppress(deployed(ONLY_A), merchant.id, "email", EMAIL, "address_dead");
    await resealAll();
    await call(ONLY_B, "PUT", "/v1/users/ada", { email: EMAIL });
    expect(await reasonOf(ONLY_B)).toBe("address_dead");
  });

  it("is one row in the end where both keys have noted it, and that the person said no outweighs", async () => {
    await call(ONLY_A, "PUT", "/v1/users/ada", { email: EMAIL });
    await suppress(deployed(ONLY_A), merchant.id, "email", EMAIL, "opted_out");
    await suppress(deployed(B_OPENS_A), merchant.id, "email", EMAIL, "address_dead");
    expect(await reasonOf(B_OPENS_A)).toBe("opted_out");
    await resealAll();
    expect(await listed()).toEqual([{ reason: "opted_out", bare: 0 }]);
    expect(await reasonOf(ONLY_B)).toBe("opted_out");
  });

  it("may be used again once it is lifted, whichever key has noted it", async () => {
    await call(ONLY_A, "PUT", "/v1/users/ada", { email: EMAIL });
    await suppress(deployed(ONLY_A), merchant.id, "email", EMAIL, "opted_out");
    await suppress(deployed(B_OPENS_A), merchant.id, "email", EMAIL, "opted_out");
    await call(B_OPENS_A, "DELETE", "/v1/users/ada/suppressions/email");
    expect(await reasonOf(B_OPENS_A)).toBeNull();
  });

  it("of the release before, which kept only its hash, is carried over where a user has it, else counted", async () => {
    await call(ONLY_A, "PUT", "/v1/users/ada", { email: EMAIL, phone: PHONE });
    const nobodys = "nobody@customers.example";
    for (const address of [EMAIL, nobodys]) {
      await suppress(deployed(ONLY_A), merchant.id, "email", address, "opted_out");
    }
    await suppress(deployed(ONLY_A), merchant.id, "sms", PHONE, "opted_out");
    await env.DB.prepare("UPDATE suppressions SET address = NULL WHERE merchant = ?").bind(merchant.id).run();
    expect((await resealAll()).at(-1)).toMatchObject({ left: 0, unaddressed: 1 });
    const [person] = await freshPeople(deployed(ONLY_B), [{ merchant: merchant.id, user: "ada" }]);
    expect(person).toMatchObject({ email: { suppressed: "opted_out" }, phone: { suppressed: "opted_out" } });
    expect((await listed()).filter(({ bare }) => bare === 1)).toHaveLength(1);
  });
});
