// `npm start`: Paybell on this machine, and a demonstration of what it does. `--once` ends after it, with state of its
// own; `--json` prints the claims alone; `--url` plays it at a Paybell that this folder's `npm run dev` has started.
// Exits with 0 only if every claim holds.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { CLAIMS, isSabotage } from "./demo/sabotage.ts";
import { demonstrate, type Demonstration } from "./demo/story.ts";
import {
  endTogether,
  ensureSecrets,
  migrate,
  portToUse,
  portToUseOrAnother,
  startWorker,
  type RunningWorker,
} from "./worker.ts";

const { values } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    url: { type: "string" },
    // For tests of the demonstration itself: makes one claim fail (demo/sabotage.ts).
    sabotage: { type: "string" },
  },
});
const say = values.json ? () => {} : (line: string) => console.log(line);

async function main(): Promise<number> {
  const sabotage = values.sabotage ?? null;
  if (sabotage !== null && !isSabotage(sabotage)) throw new Error(`There is no sabotage ${sabotage}`);
  const { adminToken, created } = ensureSecrets();
  if (created) say("Made .dev.vars with random secrets.");
  const worker = values.url === undefined ? await start() : runningAt(values.url);
  say(`Paybell runs at ${worker.url}\n`);

  let demonstration: Demonstration;
  try {
    demonstration = await demonstrate({ url: worker.url, adminToken, sabotage, say });
  } catch (error) {
    console.error(worker.output());
    throw error;
  }
  const { claims, shop, close } = demonstration;
  if (values.json) console.log(JSON.stringify(claims));
  const failed = CLAIMS.filter((claim) => !claims[claim]);
  if (failed.length > 0) console.error(`These claims do not hold: ${failed.join(", ")}`);
  if (values.once || failed.length > 0) {
    await close();
    await worker.stop();
    return failed.length === 0 ? 0 : 1;
  }
  say(invitation(shop.url, shop.apiKey));
  return worker.exited;
}

/** Starts a Worker, with `--once` on state that goes with it. */
async function start(): Promise<RunningWorker> {
  const state = values.once ? mkdtempSync(join(tmpdir(), "paybell-")) : null;
  endTogether(() => state !== null && rmSync(state, { recursive: true, force: true, maxRetries: 3 }));
  const port = values.once ? await portToUseOrAnother() : await portToUse();
  say("Applying migrations, starting the Worker …");
  await migrate(state);
  return startWorker({ port, state, isLoud: false });
}

/** A Worker that somebody else has started, and ends. */
function runningAt(url: string): RunningWorker {
  return { url, exited: new Promise(() => {}), output: () => "", stop: async () => {} };
}

function invitation(url: string, apiKey: string): string {
  return `
Paybell stays up, and so do the merchant's server and the phone network: what arrives there is shown here. Ctrl-C ends both. To try:

  export KEY=${apiKey}
  curl -s ${url}/v1/events -H "authorization: Bearer $KEY"
  curl -s "${url}/v1/deliveries?status=delivered" -H "authorization: Bearer $KEY"
  curl -s ${url}/v1/events -H "authorization: Bearer $KEY" -H "content-type: application/json" \\
    -d '{"id":"order-77-paid","type":"payment.succeeded","user":"u_1","data":{"payment":{"id":"p_77","amount":{"value":"1999","currency":"EUR"}}}}'
`;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
