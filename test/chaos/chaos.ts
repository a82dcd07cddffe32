// `npm run test:chaos`: random schedules of faults, each from its seed, against the real Worker.

import { rm } from "node:fs/promises";

import { command, wholeNumber } from "../../scripts/command.ts";
import { newState, startWorker } from "../e2e/process.ts";
import { startHostileReceiver } from "./receiver.ts";
import { runSeed, type Restartable, type Verdict } from "./run.ts";

const usage = `npm run test:chaos
  Breaks the machinery at random and sees whether Paybell keeps its promises. Ends with 1 where it did not, or where
  a kind of fault was too rare to mean anything.

  --seeds N  so many schedules of faults (default 4)
  --seed N   beginning with this one (default 1)
  --jobs N   so many at a time (default 2)
  --bail     stop at the first one that breaks a promise
  --help     print this`;

const options = {
  seeds: { type: "string", default: "4" },
  seed: { type: "string", default: "1" },
  jobs: { type: "string", default: "2" },
  bail: { type: "boolean", default: false },
} as const;

/** Shorter than the timeout of an endpoint, so that dispatches outlive their leases. */
const VARS = { LEASE_MS: "4000", START_BY_MS: "1500" };
/** In so many seeds every kind of fault happens at least so often. */
const ENOUGH = { seeds: 100, times: 50 };
const KINDS = [
  "kill lost doubled late shuffled backupDoubled deliveriesFails backupFails d1Fails d1AnswersLost acceptFails",
  "claimFails settleFails gateFails bindingFails objectAnswersLost slow dripping hanging redirecting huge resetting",
  "tls gone throttling failing rotate pause disabled post-again",
].flatMap((line) => line.split(" "));

/** What is to be run, and what has come of it so far. */
interface Progress {
  /** Those that wait to be run. */
  seeds: number[];
  isBailing: boolean;
  /** How often each kind of fault has happened. */
  fired: Map<string, number>;
  wrongs: string[];
  events: number;
}

/** What a run came to that could not go on, such as with a Worker that does not answer any more. */
function unanswered(seed: number, error: unknown): Verdict {
  return { wrongs: [`seed ${seed}: the run ended with ${String(error)}`], fired: new Map(), events: 0 };
}

/** Runs seeds one after the other on a Worker of its own. */
async function job(progress: Progress): Promise<void> {
  const { seeds, fired, wrongs } = progress;
  const state = await newState();
  const receiver = await startHostileReceiver();
  const target: Restartable = {
    worker: await startWorker(state, VARS),
    restart: async () => {
      target.worker = await startWorker(state, VARS);
    },
  };
  try {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const began = Date.now();
      const verdict = await runSeed(seed, target, receiver).catch((error: unknown) => unanswered(seed, error));
      wrongs.push(...verdict.wrongs);
      progress.events += verdict.events;
      verdict.fired.forEach((times, kind) => fired.set(kind, (fired.get(kind) ?? 0) + times));
      const outcome = verdict.wrongs.length === 0 ? "held" : `BROKE\n  ${verdict.wrongs.slice(0, 20).join("\n  ")}`;
      console.log(`seed ${seed}: ${verdict.events} events, ${((Date.now() - began) / 1000).toFixed(1)} s, ${outcome}`);
      if (progress.isBailing && wrongs.length > 0) seeds.length = 0;
    }
  } finally {
    await target.worker.kill();
    await receiver.close();
    await rm(state, { recursive: true });
  }
}

await command({ usage, options }, async (flags) => {
  const count = wholeNumber("--seeds", flags.seeds, 1, 10_000);
  const first = wholeNumber("--seed", flags.seed, 0, 100_000_000);
  const jobs = wholeNumber("--jobs", flags.jobs, 1, 16);
  const seeds = Array.from({ length: count }, (_, n) => first + n);
  const progress: Progress = { seeds, isBailing: flags.bail, fired: new Map(), wrongs: [], events: 0 };
  await Promise.all(Array.from({ length: jobs }, () => job(progress)));

  const { fired, wrongs, events } = progress;
  console.log(`\n${events} events; what happened to them, by kind of fault:`);
  console.log(KINDS.map((kind) => `  ${kind} ${fired.get(kind) ?? 0}`).join("\n"));
  const isLong = count >= ENOUGH.seeds;
  const rare = KINDS.filter((kind) => isLong && (fired.get(kind) ?? 0) < ENOUGH.times);
  if (rare.length > 0) {
    console.log(`Too rare: ${rare.join(", ")}`);
  }
  console.log(wrongs.length === 0 ? "Every promise held." : `${wrongs.length} broken promises.`);
  return wrongs.length === 0 && rare.length === 0 ? 0 : 1;
});
