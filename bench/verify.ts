// `npm run bench:verify`: what it costs to verify a post of Stripe's of 10 KB, in CPU of workerd. Clocks stand still
// inside a Worker, so its process is measured: many verifications in a request, less what the request itself takes.

import { stripeSamples as stripe } from "../scripts/samples/stripe.ts";
import { bundle } from "../scripts/bundle.ts";
import { readCommandLine } from "../scripts/command.ts";
import { startHost } from "./host.ts";

readCommandLine({
  usage: `npm run bench:verify
  Measures what it costs to verify a provider's post, in CPU of workerd. docs/performance.md`,
  options: {},
});

const BODY_BYTES = 10 * 1024;
const VERIFICATIONS = 2_000;
const REQUESTS = 10;
const ROUNDS = 5;
const MAX_MS = 0.2;

const [sample] = stripe.events;
const now = Math.floor(Date.now() / 1000);
const { secret, signingKey } = await stripe.newKeys();
const event = sample!.make("bench", now * 1000) as Record<string, unknown>;
const url = "https://paybell.example/ingest/src_1";
const { length } = (await stripe.sign({ ...event, padding: "" }, { signingKey, now, url })).body;
const padded = { ...event, padding: "x".repeat(BODY_BYTES - length) };
const { body, headers } = await stripe.sign(padded, { signingKey, now, url });

const host = await startHost({
  modules: true,
  script: await bundle(`export { default } from "./bench/floors/verify.ts"`, { minify: true }),
  compatibilityDate: "2026-10-01",
});

/** Milliseconds of CPU that requests take in each of which the body is verified so often. */
async function cpuMs(verifications: number): Promise<number> {
  const before = host.cpuSeconds();
  for (let n = 0; n < REQUESTS; n++) {
    const query = new URLSearchParams({ secret, now: String(now) });
    const target = `${host.url}/${verifications}?${query}`;
    const response = await fetch(target, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> });
    if (!response.ok) throw new Error(`Not verified: ${await response.text()}`);
  }
  return (host.cpuSeconds() - before) * 1000;
}

await cpuMs(VERIFICATIONS);
const rounds: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const idle = await cpuMs(0);
  rounds.push(((await cpuMs(VERIFICATIONS)) - idle) / (REQUESTS * VERIFICATIONS));
}
await host.stop();
rounds.sort((a, b) => a - b);
const [least, median, most] = [rounds[0]!, rounds[ROUNDS >> 1]!, rounds.at(-1)!];
console.log(`CPU to verify ${body.length} bytes of Stripe's, ms, median of ${ROUNDS} (least to most), at most ${MAX_MS}:
${median.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`);
process.exit(median < MAX_MS ? 0 : 1);
