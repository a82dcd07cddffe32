import { describe, expect, it } from "vitest";

import { signWebhook } from "../../src/channels/webhook.ts";
import {
  hashOf,
  isEndpointSecret,
  isEqual,
  missingSecret,
  newApiKey,
  newEndpointSecret,
  newSigningKey,
  publicKeyOf,
} from "../../src/platform/keys.ts";
import { standard } from "../../src/providers/standard.ts";

const bytes = (length: number) => btoa("x".repeat(length));

describe("secrets", () => {
  it("are long enough to be guessed by nobody, and never the same", () => {
    const keys = Array.from({ length: 100 }, newApiKey);
    expect(new Set(keys).size).toBe(100);
    expect(keys[0]).toMatch(/^pbk_[0-9a-z]{52}$/);
    const secrets = Array.from({ length: 100 }, newEndpointSecret);
    expect(new Set(secrets).size).toBe(100);
    expect(secrets.every(isEndpointSecret)).toBe(true);
  });

  it("are stored as a hash that says nothing of the key", async () => {
    expect(await hashOf("pbk_1")).toMatch(/^[0-9a-z]{52}$/);
    expect(await hashOf("pbk_1")).toBe(await hashOf("pbk_1"));
    expect(await hashOf("pbk_1")).not.toBe(await hashOf("pbk_2"));
  });

  it.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a", "aa", false],
    ["", "", true],
    ["", "a", false],
    ["ä", "a\u0308", false],
  ])("compares %j with %j, whatever their lengths", async (a, b, equal) => {
    expect(await isEqual(a, b)).toBe(equal);
  });

  it.each([
    [`whsec_${bytes(24)}`, true],
    [`whsec_${bytes(64)}`, true],
    [`whsec_${bytes(23)}`, false],
    [`whsec_${bytes(65)}`, false],
    [bytes(32), false],
    [`whsec_${bytes(32)}\n`, false],
    [`whsec_${bytes(32).slice(0, -1)}`, false],
    ["whsec_", false],
  ])("knows whether %j is an endpoint's secret", (text, expected) => {
    expect(isEndpointSecret(text)).toBe(expected);
  });
});

describe("signing keys", () => {
  it("are Ed25519 pairs, never the same, whose signature their public key verifies", async () => {
    const signingKey = await newSigningKey();
    expect(signingKey).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/);
    expect(await newSigningKey()).not.toBe(signingKey);
    const id = "msg_1";
    const body = new TextEncoder().encode("{}");
    const signature = await signWebhook({ id, timestamp: 1, body, secrets: [signingKey] });
    const headers = new Headers({ "webhook-id": id, "webhook-timestamp": "1", "webhook-signature": signature });
    const verify = (secret: string) => standard.verify({ body, headers, url: "" }, [secret], { now: 1 });
    expect(await verify(publicKeyOf(signingKey))).toEqual({ ok: true, secretIndex: 0 });
    expect(await verify(publicKeyOf(await newSigningKey()))).toMatchObject({ ok: false });
  });

  // Svix, server/svix-server/src/worker.rs: the same id, time and body as the known answer of Standard Webhooks.
  it("reproduce the known answer of Svix, in this runtime too", async () => {
    const signingKey = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const input = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330 };
    const body = new TextEncoder().encode('{"test": 2432232314}');
    expect(publicKeyOf(signingKey)).toBe("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    expect(await signWebhook({ ...input, body, secrets: [signingKey] })).toBe(
      "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    );
  });
});

describe("missingSecret", () => {
  const ADMIN_TOKEN = "token";
  const ENCRYPTION_KEY = bytes(32);

  it("finds nothing where all is well", () => {
    expect(missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY })).toBeNull();
  });

  it("takes a previous key, and names one that is of no use", () => {
    expect(missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS: bytes(32) })).toBeNull();
    for (const previous of ["", "secret", bytes(31)]) {
      const found = missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS: previous });
      expect(found).toBe("ENCRYPTION_KEY_PREVIOUS");
    }
  });

  it.each([undefined, ""])("names an ADMIN_TOKEN that is %j", (token) => {
    expect(missingSecret({ ADMIN_TOKEN: token as string, ENCRYPTION_KEY })).toBe("ADMIN_TOKEN");
  });

  it.each([undefined, "", "secret", bytes(31), bytes(33), "!".repeat(44)])(
    "names an ENCRYPTION_KEY that is %j",
    (key) => {
      expect(missingSecret({ ADMIN_TOKEN, ENCRYPTION_KEY: key as string })).toBe("ENCRYPTION_KEY");
    },
  );
});
