// `npm run test:chaos -- --seeds 100 --seed 1 --jobs 2`: random schedules of faults, each from its seed, against the
// real Worker. Ends with 1 where a promise was broken, or where a kind of fault was too rare to mean anything.

import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";

import { newState, startWorker } from "../e2e/process.ts";
import { startHostileReceiver } from "./receiver.ts";
import { runSeed, type Restartable, type Verdict } from "./run.ts";

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    /** Stops at the first seed that breaks a promise. */
    bail: { type: "boolean", default: false },
  },
});

/** Shorter than the timeout of an endpoint, so that dispatches outlive their leases. */
const VARS = { LEASE_MS: "4000", START_BY_MS: "1500" };
/** In so many seeds every kind of fault happens at least so often. */
const ENOUGH = { seeds: 100, times: 50 };
const KINDS = [
  "kill lost doubled late shuffled backupDoubled deliveriesFails backupFails d1Fails d1AnswersLost acceptFails",
  "claimFails settleFails gateFails bindingFails objectAnswersLost slow dripping hanging redirecting huge resetting",
  "tls gone throttling failing rotate pause disabled post-again",
].flatMap((line) => line.split(" "));

const seeds = Array.from({ length: Number(options.seeds) }, (_, n) => Number(options.seed) + n);
const fired = new Map<string, number>();
const wrongs: string[] = [];
let events = 0;

/** What a run came to that could not go on, such as with a Worker that does not answer any more. */
function unanswered(seed: number, error: unknown): Verdict {
  return { wrongs: [`seed ${seed}: the run ended with ${String(error)}`], fired: new Map(), events: 0 };
}

/** Runs seeds one after the other on a Worker of its own. */
async function job(): Promise<void> {
  const state = await newState();
  const receiver = await startHostileReceiver();
  const target: Restartable = {
    worker: await startWorker(state, VARS),
    restart: async () => {
      target.worker = await startWorker(state, VARS);
    },
  };
  try {
    for (let seed = seeds.shift(); seed !== undefined && !(options.bail && wrongs.length > 0); seed = seeds.shift()) {
      const began = Date.now();
      const verdict = await runSeed(seed, target, receiver).catch((error: unknown) => unanswered(seed, error));
      wrongs.push(...verdict.wrongs);
      events += verdict.events;
      verdict.fired.forEach((times, kind) => fired.set(kind, (fired.get(kind) ?? 0) + times));
      const outcome = verdict.wrongs.length === 0 ? "held" : `BROKE\n  ${verdict.wrongs.slice(0, 20).join("\n  ")}`;
      console.log(`seed ${seed}: ${verdict.events} events, ${((Date.now() - began) / 1000).toFixed(1)} s, ${outcome}`);
    }
  } finally {
    await target.worker.kill();
    await receiver.close();
    await rm(state, { recursive: true });
  }
}

await Promise.all(Array.from({ length: Number(options.jobs) }, () => job()));

console.log(`\n${events} events; what happened to them, by kind of fault:`);
console.log(KINDS.map((kind) => `  ${kind} ${fired.get(kind) ?? 0}`).join("\n"));
const isLong = Number(options.seeds) >= ENOUGH.seeds;
const rare = KINDS.filter((kind) => isLong && (fired.get(kind) ?? 0) < ENOUGH.times);
if (rare.length > 0) {
  console.log(`Too rare: ${rare.join(", ")}`);
}
console.log(wrongs.length === 0 ? "Every promise held." : `${wrongs.length} broken promises.`);
process.exitCode = wrongs.length === 0 && rare.length === 0 ? 0 : 1;
