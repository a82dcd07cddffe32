// `npm start`: Paybell on this machine, and a demonstration of what it does.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { command, messageOf, webUrl } from "./command.ts";
import { CLAIMS, isSabotage } from "./demo/sabotage.ts";
import { demonstrate, type Demonstration } from "./demo/story.ts";
import { claimFolder, ensureSecrets, temporaryFolderOf } from "./folder.ts";
import { endTogether, migrate, portToUse, portToUseOrAnother, startWorker, type RunningWorker } from "./worker.ts";

const usage = `npm start
  Runs Paybell on this machine, shows what it does with events of a demo shop, and stays up.
  It takes port 8787, or the one that PORT names: PORT=8080 npm start
npm start -- --once
  The same on state of its own, and ends: with 0 if all that it claims has held, else with 1.

  --json       print what has held, as JSON, and nothing else
  --url URL    show it at a Paybell that npm run dev has started in this folder
  --help       print this`;

const options = {
  once: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  url: { type: "string" },
  // For tests of the demonstration itself: makes one claim fail (demo/sabotage.ts).
  sabotage: { type: "string" },
} as const;

interface Flags {
  once: boolean;
  json: boolean;
  url?: string;
  sabotage?: string;
}

/** A Worker, and the folder of its state; null: the one in this folder. */
interface Started {
  worker: RunningWorker;
  state: string | null;
}

async function main(flags: Flags): Promise<number> {
  const say = flags.json ? () => {} : (line: string) => console.log(line);
  const sabotage = flags.sabotage ?? null;
  if (sabotage !== null && !isSabotage(sabotage)) throw new Error(`There is no sabotage ${sabotage}`);
  const isOwnState = flags.once && flags.url === undefined;
  if (flags.url === undefined && !isOwnState) await claimFolder();
  const running = flags.url === undefined ? null : await runningAt(flags.url);
  const { adminToken, created } = ensureSecrets();
  if (created) say("Made .dev.vars with random secrets.");
  const { worker, state } = running ?? (await start(isOwnState, say));
  say(`Paybell runs at ${worker.url}\n`);

  let demonstration: Demonstration;
  try {
    const emails = temporaryFolderOf(state);
    const isKept = state === null && sabotage === null;
    demonstration = await demonstrate({ url: worker.url, adminToken, sabotage, isKept, emails, say });
  } catch (error) {
    console.error(worker.output());
    throw error;
  }
  const { claims, shop, close } = demonstration;
  if (flags.json) console.log(JSON.stringify(claims));
  const failed = CLAIMS.filter((claim) => !claims[claim]);
  if (failed.length > 0) console.error(`These claims do not hold: ${failed.join(", ")}`);
  if (flags.once || failed.length > 0) {
    await close();
    await worker.stop();
    return failed.length === 0 ? 0 : 1;
  }
  say(invitation(shop.url, shop.apiKey));
  return worker.exited;
}

/** Starts a Worker, on the state of this folder or on one of its own, which goes with it. */
async function start(isOwnState: boolean, say: (line: string) => void): Promise<Started> {
  const state = isOwnState ? mkdtempSync(join(tmpdir(), "paybell-")) : null;
  endTogether(() => state !== null && rmSync(state, { recursive: true, force: true, maxRetries: 3 }));
  const port = isOwnState ? await portToUseOrAnother() : await portToUse();
  say("Applying migrations, starting the Worker …");
  await migrate(state);
  return { worker: await startWorker({ port, state, isLoud: false }), state };
}

/** A Worker that somebody else has started, and ends. Throws an Error where none answers. */
async function runningAt(url: string): Promise<Started> {
  const health = await fetch(new URL("/healthz", webUrl("--url", url))).catch((error: Error) => {
    throw new Error(`${url} does not answer: ${messageOf(error.cause ?? error)}`);
  });
  if (!health.ok) throw new Error(`${url} is no Paybell that is well: /healthz answers ${health.status}`);
  const worker = { url, exited: new Promise<number>(() => {}), output: () => "", stop: async () => {} };
  return { worker, state: null };
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

await command({ usage, options }, main);
