// `npm run trigger`: posts an event as a provider does, signed now. docs/trigger.md

import { randomBytes } from "node:crypto";

import { nearestOf } from "../src/event/event-types.ts";
import { command, messageOf, UsageError, webUrl, wholeNumber } from "./command.ts";
import { samples } from "./samples/index.ts";
import { byName, type ProviderSamples, type Sample } from "./samples/sample.ts";

const usage = `npm run trigger -- PROVIDER TYPE --to INGEST_URL --secret SECRET [--count N]
  Posts an event of that type, such as TYPE or TYPE:VARIANT of --list, to a source, signed as the provider signs; N of them, 1 to 10000.
npm run trigger -- PROVIDER --new-keys
  Makes keys: what to create a source with, and the secret to post with.
npm run trigger -- [PROVIDER] --list
  Says which providers and types there are.`;

const options = {
  list: { type: "boolean" },
  "new-keys": { type: "boolean" },
  to: { type: "string" },
  secret: { type: "string" },
  count: { type: "string", default: "1" },
} as const;

const MAX_COUNT = 10_000;

interface Flags {
  list?: boolean;
  "new-keys"?: boolean;
  to?: string;
  secret?: string;
  count: string;
}

async function main(flags: Flags, [providerName, typeName, ...rest]: string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError(`Unexpected argument '${rest[0]}'`);
  if (flags.list) {
    for (const provider of providerName === undefined ? samples : [providerNamed(providerName)]) {
      console.log([provider.provider, ...[...byName(provider.events).keys()].map((name) => `  ${name}`)].join("\n"));
    }
    return 0;
  }
  const provider = providerNamed(providerName);
  if (flags["new-keys"]) {
    const { secret, signingKey } = await provider.newKeys();
    const source = { provider: provider.provider, secrets: [secret], config: provider.config };
    console.log(JSON.stringify({ source, signingKey }, null, 2));
    return 0;
  }
  const sample = sampleNamed(provider, typeName);
  const url = urlOf(flags.to);
  const signingKey = flags.secret;
  if (!signingKey) throw new UsageError("Say what to sign with: --secret, or make keys first: --new-keys");
  const count = wholeNumber("--count", flags.count, 1, MAX_COUNT);
  let isGood = true;
  for (let n = 0; n < count; n++) {
    isGood = (await post(provider, sample, { name: typeName!, url, signingKey })) && isGood;
  }
  return isGood ? 0 : 1;
}

/** Posts one event with ids of its own, and says what the answer is; whether it is a success. */
async function post(
  provider: ProviderSamples,
  sample: Sample,
  { name, url, signingKey }: { name: string; url: string; signingKey: string },
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
  console.log([response.status, name, id, (await response.text()).trim()].join(" ").trim());
  return response.ok;
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

function sampleNamed({ provider, events }: ProviderSamples, name: string | undefined): Sample {
  const samples = byName(events);
  return samples.get(name ?? "") ?? refuse(`type of ${provider}`, name, [...samples.keys()]);
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
  return webUrl("--to", text);
}

await command({ usage, options, takesWords: true }, main);
