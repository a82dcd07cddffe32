import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { buffer } from "node:stream/consumers";

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import { byName } from "../../scripts/samples/sample.ts";
import { providerOf } from "../../src/providers/index.ts";
import { runNode } from "./run.ts";

let server: Server;
let url: string;
let status: number;
let posted: { headers: IncomingHttpHeaders; body: Buffer }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const take = async () => {
      posted.push({ headers: request.headers, body: await buffer(request) });
      response.writeHead(status).end(status === 200 ? "" : "no\n");
    };
    void take();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/ingest/src_1`;
});

beforeEach(() => {
  status = 200;
  posted = [];
});

afterAll(() => server.close());

/** Runs the command as `npm run trigger -- …` does. */
const trigger = (...args: string[]) => runNode(["scripts/trigger.ts", ...args]);

it.each(samples)("posts what a source of $provider takes, with the keys that it made for it", async (provider) => {
  const [sample] = provider.events;
  const keys = await trigger(provider.provider, "--new-keys");
  const { source, signingKey } = JSON.parse(keys.output) as {
    source: { provider: string; secrets: string[]; config?: Record<string, unknown> };
    signingKey: string;
  };
  const { code, output } = await trigger(provider.provider, sample!.type, "--to", url, `--secret=${signingKey}`);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(`^200 ${sample!.type} [0-9a-f]{16}\n$`) });
  expect(posted).toHaveLength(1);
  const { headers, body } = posted[0]!;
  const request = { body, headers: new Headers(headers as Record<string, string>), url };
  const adapter = providerOf(source.provider)!;
  const options = { now: Date.now() / 1000, ...(source.config && { config: source.config }) };
  expect(await adapter.verify(request, source.secrets, options)).toMatchObject({ ok: true });
  expect(await adapter.normalize(request, source.secrets, source.config)).toMatchObject([{ type: sample!.is }]);
});

it("posts as often as it is told, each time another event", async () => {
  const { code } = await trigger("stripe", "payout.paid", "--to", url, "--secret", "whsec_1", "--count", "3");
  expect(code).toBe(0);
  const ids = posted.map(({ body }) => (JSON.parse(String(body)) as { id: string }).id);
  expect(new Set(ids).size).toBe(3);
});

it("fails where an event is not taken, and shows the answer", async () => {
  status = 401;
  const { code, output } = await trigger("stripe", "payout.paid", "--to", url, "--secret", "whsec_1");
  expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(/^401 payout\.paid \w+ no\n$/) });
});

it("lists providers and their types", async () => {
  const { output } = await trigger("--list");
  expect(output.match(/^\S+$/gm)).toEqual(samples.map(({ provider }) => provider));
  expect((await trigger("stripe", "--list")).output).toBe(
    `stripe\n${[...byName(samples[0]!.events).keys()].map((name) => `  ${name}\n`).join("")}`,
  );
  expect((await trigger("adyen", "--list")).output).toMatch(/^ {2}AUTHORISATION\n {2}AUTHORISATION:failed\n/m);
});

it.each(samples)("knows every sample of $provider by a name of its own", ({ events }) => {
  const named = byName(events);
  expect([...named.values()]).toEqual(events);
  for (const [name, { type }] of named) expect(name === type || name.startsWith(`${type}:`)).toBe(true);
  expect([...named.keys()].filter((name) => !/^[\w.:-]+$/.test(name))).toEqual([]);
});

it("posts the variant of a type that it is told", async () => {
  const key = "ab".repeat(32);
  const { code, output } = await trigger("adyen", "AUTHORISATION:failed", "--to", url, "--secret", key);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^200 AUTHORISATION:failed \w+\n$/) });
  expect(JSON.parse(String(posted[0]!.body))).toMatchObject({
    notificationItems: [{ NotificationRequestItem: { eventCode: "AUTHORISATION", success: "false" } }],
  });
});

const TO = ["--to", "http://127.0.0.1:9/"];
it.each([
  [[], "Name a provider: stripe, "],
  [["strip"], "There is no provider strip, did you mean stripe?"],
  [["nobody-at-all"], "There is no provider nobody-at-all: stripe, "],
  [["stripe"], "Name a type of stripe: payment_intent.created, "],
  [["stripe", "payment_intent.suceeded"], "did you mean payment_intent.succeeded?"],
  [["stripe", "payout.paid"], "Say where to post: --to"],
  [["stripe", "payout.paid", "--to", "src_1"], "--to src_1 is no URL"],
  [["stripe", "payout.paid", ...TO], "Say what to sign with: --secret"],
  [["stripe", "payout.paid", ...TO, "--secret", "x", "--count", "0"], "--count is a whole number from 1 to 10000"],
  [["standard", "payout.paid", ...TO, "--secret", "whsec_ä"], "With this secret standard signs nothing"],
  [["stripe", "payout.paid", "now", ...TO], "Unexpected argument 'now'"],
])("%j is refused, and told why", async (args, message) => {
  const { code, output, errors } = await trigger(...args);
  expect({ code, output }).toEqual({ code: 2, output: "" });
  expect(errors).toContain(message);
  expect(errors).toContain("npm run trigger -- PROVIDER TYPE --to");
});

it("says where nobody answers", async () => {
  const { code, errors } = await trigger("stripe", "payout.paid", ...TO, "--secret", "x");
  expect({ code, errors }).toEqual({
    code: 1,
    errors: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/ does not answer: /),
  });
});
