import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { hashOf } from "../../src/platform/keys.ts";
import { seal } from "../../src/platform/secret-box.ts";
import { forget, keyByHash, merchantConfig, merchantConfigs, sourceById } from "../../src/store/config.ts";
import { unique } from "../support/builders.ts";
import { call, newEndpoint, newMerchant } from "../support/merchant.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");
const SECOND = 1000;
const HOUR = 3_600_000;

/** The bindings with a D1 whose round trips are counted, and that can be made to fail. */
function watched(): { env: Env; trips: () => number; break: () => void } {
  let trips = 0;
  let isBroken = false;
  const trip = () => {
    trips += 1;
    if (isBroken) {
      throw new Error("D1 is down");
    }
  };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(inner, {
      get: (target, name) => {
        if (name === "bind") return (...values: unknown[]) => statement(target.bind(...values));
        if (name === "all" || name === "raw" || name === "first" || name === "run") trip();
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const DB = new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "prepare") return (query: string) => statement(target.prepare(query));
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          trip();
          return target.batch(statements);
        };
      }
      return Reflect.get(target, name);
    },
  });
  return { env: { ...env, DB }, trips: () => trips, break: () => (isBroken = true) };
}

/** Changes an endpoint behind this isolate's back. */
async function changeElsewhere(merchant: string, url: string): Promise<void> {
  await env.DB.prepare("UPDATE endpoints SET url = ? WHERE merchant = ?").bind(url, merchant).run();
}

let merchant: { id: string; key: string };

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  merchant = await newMerchant();
  await newEndpoint(merchant.key, { url: "https://shop.example/old" });
  forget(merchant.id);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const urlAt = async (env: Env, now: number) => {
  const found = await merchantConfig(env, merchant.id, now);
  return found.ok ? found.value?.endpoints[0]?.url : found.reason;
};

describe("this isolate's copy of the configuration", () => {
  it("is as good as D1 for 5 s, then is loaded anew", async () => {
    const db = watched();
    expect(await urlAt(db.env, AT)).toBe("https://shop.example/old");
    await changeElsewhere(merchant.id, "https://shop.example/new");
    expect(await urlAt(db.env, AT + 4 * SECOND - 1)).toBe("https://shop.example/old");
    expect(db.trips()).toBe(1);
    expect(await urlAt(db.env, AT + 5 * SECOND)).toBe("https://shop.example/new");
    expect(db.trips()).toBe(2);
  });

  it("is loaded anew by one caller from 4 s on, while the others go on with it", async () => {
    const db = watched();
    await urlAt(db.env, AT);
    await changeElsewhere(merchant.id, "https://shop.example/new");
    const urls = await Promise.all([4, 4.5, 4.5, 5 - 1e-3].map((s) => urlAt(db.env, AT + s * SECOND)));
    expect(urls.map((url) => url?.split("/").at(-1))).toEqual(["new", "old", "old", "old"]);
    expect(db.trips()).toBe(2);
    expect(await urlAt(db.env, AT + 5 * SECOND)).toBe("https://shop.example/new");
    expect(db.trips()).toBe(2);
  });

  it("serves for up to an hour while D1 is down, then no longer", async () => {
    const db = watched();
    await urlAt(db.env, AT);
    db.break();
    expect(await urlAt(db.env, AT + HOUR - 1)).toBe("https://shop.example/old");
    expect(await urlAt(db.env, AT + HOUR)).toBe("unavailable");
  });

  it("is unavailable where there is none and D1 is down", async () => {
    const db = watched();
    db.break();
    expect(await merchantConfig(db.env, merchant.id, AT)).toEqual({ ok: false, reason: "unavailable" });
    expect(await sourceById(db.env, "src_1", AT)).toEqual({ ok: false, reason: "unavailable" });
    expect(await keyByHash(db.env, "hash", AT)).toEqual({ ok: false, reason: "unavailable" });
  });

  it("holds a change of its own isolate at once", async () => {
    expect(await urlAt(env, Date.now())).toBe("https://shop.example/old");
    const { json } = await call("GET", "/v1/endpoints", { key: merchant.key });
    await call("PATCH", `/v1/endpoints/${String(json.data[0]?.["id"])}`, {
      key: merchant.key,
      body: { url: "https://shop.example/new" },
    });
    expect(await urlAt(env, Date.now())).toBe("https://shop.example/new");
  });

  it("does not take for new what was read before a change that this isolate has made", async () => {
    const { promise: changed, resolve: goOn } = Promise.withResolvers<void>();
    const DB = new Proxy(env.DB, {
      get: (target, name) => {
        if (name !== "batch") return Reflect.get(target, name);
        return async (statements: D1PreparedStatement[]) => {
          const read = await target.batch(statements);
          await changed;
          return read;
        };
      },
    });
    const slow = urlAt({ ...env, DB }, AT);
    const { json } = await call("GET", "/v1/endpoints", { key: merchant.key });
    await call("PATCH", `/v1/endpoints/${String(json.data[0]?.["id"])}`, {
      key: merchant.key,
      body: { url: "https://shop.example/new" },
    });
    goOn();
    expect(await slow).toBe("https://shop.example/old");
    expect(await urlAt(env, AT)).toBe("https://shop.example/new");
  });

  it("tells what does not exist from what cannot be known", async () => {
    expect(await merchantConfig(env, unique("mer"), AT)).toEqual({ ok: true, value: null });
    expect(await sourceById(env, unique("src"), AT)).toEqual({ ok: true, value: null });
    expect(await keyByHash(env, unique("hash"), AT)).toEqual({ ok: true, value: null });
  });

  it("loads many merchants in one round trip, and only those whose copy is old", async () => {
    const others = await Promise.all([newMerchant(), newMerchant()]);
    const ids = [merchant.id, ...others.map(({ id }) => id), "mer_unknown"];
    const db = watched();
    const found = await merchantConfigs(db.env, ids, AT);
    expect(found.ok && [...found.value.keys()].toSorted()).toEqual(ids.slice(0, 3).toSorted());
    expect(db.trips()).toBe(1);
    await merchantConfigs(db.env, ids, AT + SECOND);
    expect(db.trips()).toBe(1);
    forget(merchant.id);
    await merchantConfigs(db.env, ids, AT + SECOND);
    expect(db.trips()).toBe(2);
  });

  it("loads more merchants than D1 takes parameters", async () => {
    const ids = Array.from({ length: 300 }, () => unique("mer"));
    const found = await merchantConfigs(env, [...ids, merchant.id], AT);
    expect(found.ok && [...found.value.keys()]).toEqual([merchant.id]);
  });

  it("opens the secrets of sources, the newest first, and of endpoints", async () => {
    const id = unique("src");
    const secrets = await Promise.all(
      ["older", "newer"].map(async (secret, i) => ({
        id: secret,
        sealed: await seal(env.ENCRYPTION_KEY, id, secret),
        createdAt: AT + i,
      })),
    );
    await env.DB.prepare(
      "INSERT INTO sources (id, merchant, provider, secrets, created_at) VALUES (?, ?, 'stripe', ?, ?)",
    )
      .bind(id, merchant.id, JSON.stringify(secrets), AT)
      .run();
    const source = await sourceById(env, id, AT);
    expect(source.ok && source.value?.secrets).toEqual(["newer", "older"]);
    const config = await merchantConfig(env, merchant.id, AT);
    expect(config.ok && config.value?.endpoints[0]?.secrets).toEqual([
      { secret: expect.stringMatching(/^whsec_/), expiresAt: null },
    ]);
  });

  it("keeps nothing readable at rest", async () => {
    const secret = `whsec_${btoa("a secret of some 32 bytes length")}`;
    await newEndpoint(merchant.key, { secret });
    await call("POST", "/v1/sources", {
      key: merchant.key,
      body: { provider: "stripe", secrets: ["whsec_marker_of_the_tests"] },
    });
    const tables = await env.DB.batch(
      ["api_keys", "sources", "endpoints"].map((table) => env.DB.prepare(`SELECT * FROM ${table}`)),
    );
    const stored = JSON.stringify(tables.map(({ results }) => results));
    expect(stored).not.toContain(secret.slice(6, 30));
    expect(stored).not.toContain("whsec_marker");
    expect(stored).not.toContain(merchant.key);
    expect(stored).toContain(await hashOf(merchant.key));
  });
});
