import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { prepareWebhook } from "../../src/channels/webhook.ts";
import { ATTEMPT } from "../support/webhook.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/webhooks.md"), "utf8");
const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code = ""]) => code);

const SECRETS = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
/** Of the known answer of Svix. Its public half is the key of the page's example. */
const KEY = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const { keys } = JSON.parse(/^```json\n([\s\S]*?)^```/m.exec(page)![1]!) as { keys: { x: string }[] };
const OTHER_KEYS = [{ ...keys[0], x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];

const BODY = '{"id":"evt_1","note":"Zoë 🦊"}';

let folder: string;
let modules: Record<string, (...input: unknown[]) => unknown>[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "paybell-docs-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  modules = await Promise.all(
    blocks.map((code, i) => {
      const file = join(folder, `block-${i}.mjs`);
      writeFileSync(file, code);
      return import(/* @vite-ignore */ file);
    }),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A webhook in the middle of a rotation, made `age` seconds ago. */
async function webhook(age = 0) {
  const secrets = [...SECRETS, KEY].map((secret) => ({ secret, expiresAt: null }));
  return prepareWebhook({ ...ATTEMPT, secrets, now: Date.now() - age * 1000, body: BODY });
}

describe("the page for receivers", () => {
  it("verifies by secret, the newer and the older", async () => {
    const { headers } = await webhook();
    for (const secret of SECRETS) {
      expect(modules[0]!["eventOf"]!(BODY, headers, secret)).toEqual(JSON.parse(BODY));
      expect(() => modules[0]!["eventOf"]!(`${BODY} `, headers, secret)).toThrow("No matching signature");
    }
  });

  it.each([
    ["node:crypto", 1, (body: Uint8Array) => Buffer.from(body), (headers: Record<string, string>) => headers],
    ["WebCrypto", 2, (body: Uint8Array) => body, (headers: Record<string, string>) => new Headers(headers)],
  ])("verifies by the published key, with %s", async (_, block, bytes, named) => {
    const isOurs = async (body: Uint8Array, headers: Record<string, string>, set: unknown) =>
      modules[block]!["isOurs"]!(bytes(body), named(headers), set);
    const { headers, body } = await webhook();
    expect(await isOurs(body, headers, keys)).toBe(true);
    expect(await isOurs(body, headers, [...OTHER_KEYS, ...keys])).toBe(true);
    expect(await isOurs(body, headers, OTHER_KEYS)).toBe(false);
    expect(await isOurs(body.subarray(1), headers, keys)).toBe(false);
    expect(await isOurs(body, { ...headers, "webhook-id": "evt_2" }, keys)).toBe(false);
    const { "webhook-signature": __, ...unsigned } = headers;
    expect(await isOurs(body, unsigned, keys)).toBe(false);
    const old = await webhook(301);
    expect(await isOurs(old.body, old.headers, keys)).toBe(false);
  });

  it("shows a key in both of its forms", () => {
    const [{ x, whpk }] = keys as [{ x: string; whpk: string }];
    expect(Buffer.from(whpk.slice("whpk_".length), "base64").toString("base64url")).toBe(x);
  });
});
