import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { readOptions } from "../../bridge/options.ts";

const folder = mkdtempSync(join(tmpdir(), "paybell-map-"));
const fileOf = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const map = fileOf("map.json", '{"status":"/status","types":{"success":"payment.succeeded"}}');
afterAll(() => rmSync(folder, { recursive: true }));

const ENV = { PAYBELL_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", AMQP_URL: "amqp://127.0.0.1" };
const ARGS = { queue: "payments", source: "src_1", map };
const read = (more: Record<string, string | undefined> = {}, env: Record<string, string> = ENV) => {
  const flags = Object.entries({ ...ARGS, ...more }).filter(([, value]) => value !== undefined);
  return readOptions(
    flags.map(([name, value]) => `--${name}=${value}`),
    env,
  );
};

describe("the command line", () => {
  it("has what it needs, and defaults for the rest", async () => {
    expect(await read()).toEqual({
      amqp: "amqp://127.0.0.1",
      queue: "payments",
      deadLetter: "payments.dead",
      prefetch: 100,
      target: { url: "http://localhost:8787/ingest/src_1", secret: ENV.PAYBELL_SECRET },
      map: { status: "/status", types: { success: "payment.succeeded" }, unit: "minor" },
    });
  });

  it("says more than the environment", async () => {
    const said = { amqp: "amqps://rabbit.example", secret: "whsec_YQ==", url: "https://pay.example/", prefetch: "1" };
    expect(await read({ ...said, "dead-letter": "graves", dedupe: "content" })).toMatchObject({
      amqp: "amqps://rabbit.example",
      deadLetter: "graves",
      prefetch: 1,
      dedupe: "content",
      target: { url: "https://pay.example/ingest/src_1", secret: "whsec_YQ==" },
    });
  });

  it.each([
    { what: "no queue", more: { queue: undefined }, says: "--queue is missing" },
    { what: "no source", more: { source: undefined }, says: "--source is missing" },
    { what: "no map", more: { map: undefined }, says: "--map is missing" },
    { what: "another option", more: { quueue: "a" }, says: "quueue" },
    { what: "no AMQP", more: { amqp: "http://127.0.0.1" }, says: "--amqp" },
    { what: "no URL", more: { url: "pay.example" }, says: "--url" },
    { what: "too much in hand", more: { prefetch: "10001" }, says: "--prefetch" },
    { what: "nothing in hand", more: { prefetch: "0" }, says: "--prefetch" },
    { what: "another dedupe", more: { dedupe: "body" }, says: "--dedupe" },
    { what: "the queue as its own dead letters", more: { "dead-letter": "payments" }, says: "--dead-letter" },
    { what: "a secret that is none", more: { secret: "sk_live_1" }, says: "whsec_" },
    { what: "no file of a map", more: { map: "/none.json" }, says: "/none.json" },
    { what: "a map that is no JSON", more: { map: fileOf("bad.json", "{") }, says: "bad.json" },
    { what: "a map with a fault", more: { map: fileOf("odd.json", '{"status":"status"}') }, says: "/status: " },
  ])("is refused with $what, and says so", async ({ more, says }) => {
    await expect(read(more)).rejects.toThrow(says);
  });

  it("never quotes the secret", async () => {
    await expect(read({ secret: "sk_live_1" })).rejects.not.toThrow("sk_live_1");
    await expect(read({}, { AMQP_URL: ENV.AMQP_URL })).rejects.toThrow("PAYBELL_SECRET is missing");
  });
});
