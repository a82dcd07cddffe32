// `npm run trigger -- stripe payment_intent.succeeded --to <ingestUrl> --secret whsec_…`: posts an event as a provider
// does, signed now. `--list` says which there are, `--new-keys` makes keys for a source. docs/trigger.md

import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

import { nearestOf } from "../src/event/event-types.ts";
import { samples } from "./samples/index.ts";
import type { ProviderSamples, Sample } from "./samples/sample.ts";

const USAGE = `npm run trigger -- PROVIDER TYPE --to INGEST_URL --secret SECRET [--count N]
npm run trigger -- PROVIDER --new-keys
npm run trigger -- [PROVIDER] --list`;

const MAX_COUNT = 10_000;

/** What is wrong with the command line. */
class UsageError extends Error {}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const [providerName, typeName] = positionals;
  if (values.list) {
    for (const provider of providerName === undefined ? samples : [providerNamed(providerName)]) {
      console.log([provider.provider, ...provider.events.map(({ type }) => `  ${type}`)].join("\n"));
    }
    return 0;
  }
  const provider = providerNamed(providerName);
  if (values["new-keys"]) {
    const { secret, signingKey } = await provider.newKeys();
    const source = { provider: provider.provider, secrets: [secret], config: provider.config };
    console.log(JSON.stringify({ source, signingKey }, null, 2));
    return 0;
  }
  const sample = typeNamed(provider, typeName);
  const url = urlOf(values.to);
  const signingKey = values.secret;
  if (!signingKey) throw new UsageError("Say what to sign with: --secret, or make keys first: --new-keys");
  const count = countOf(values.count);
  let isGood = true;
  for (let n = 0; n < count; n++) {
    isGood = (await post(provider, sample, { url, signingKey })) && isGood;
  }
  return isGood ? 0 : 1;
}

/** Posts one event with ids of its own, and says what the answer is; whether it is a success. */
async function post(
  provider: ProviderSamples,
  sample: Sample,
  { url, signingKey }: { url: string; signingKey: string },
): Promise<boolean> {
  const now = Date.now();
  const id = randomBytes(8).toString("hex");
  const request = await provider
    .sign(sample.make(id, now), { signingKey, now: Math.floor(now / 1000), url })
    .catch((cause: unknown) => {
      throw new UsageError(`With this secret ${provider.provider} signs nothing: ${messageOf(cause)}`);
    });
  const { headers } = request;
  const response = await fetch(url, { method: "POST", headers, body: request.body as Uint8Array<ArrayBuffer> }).catch(
    (error: Error) => {
      throw new Error(`${url} does not answer: ${messageOf(error.cause ?? error)}`);
    },
  );
  console.log([response.status, sample.type, id, (await response.text()).trim()].join(" ").trim());
  return response.ok;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: "boolean" },
        "new-keys": { type: "boolean" },
        to: { type: "string" },
        secret: { type: "string" },
        count: { type: "string", default: "1" },
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function providerNamed(name: string | undefined): ProviderSamples {
  const found = samples.find(({ provider }) => provider === name);
  return (
    found ??
    refuse(
      "provider",
      name,
      samples.map(({ provider }) => provider),
    )
  );
}

function typeNamed({ provider, events }: ProviderSamples, name: string | undefined): Sample {
  const found = events.find(({ type }) => type === name);
  return (
    found ??
    refuse(
      `type of ${provider}`,
      name,
      events.map(({ type }) => type),
    )
  );
}

function refuse(what: string, name: string | undefined, names: string[]): never {
  if (name === undefined) throw new UsageError(`Name a ${what}: ${names.join(", ")}`);
  const nearest = nearestOf(name, names);
  throw new UsageError(
    `There is no ${what} ${name}${nearest ? `, did you mean ${nearest}?` : `: ${names.join(", ")}`}`,
  );
}

function urlOf(text: string | undefined): string {
  if (text === undefined) throw new UsageError("Say where to post: --to, the ingestUrl of a source");
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) throw new UsageError(`--to ${text} is no URL`);
  return text;
}

function countOf(text: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_COUNT) throw new UsageError(`--count is a number from 1 to ${MAX_COUNT}`);
  return count;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : messageOf(error));
  process.exitCode = 1;
}
