// `npm run bench`: Paybell beside two Workers that do less, on this machine.

import { cpus } from "node:os";

import { readCommandLine } from "../scripts/command.ts";
import { dollars, type Work } from "./cost.ts";
import { burst, startReceiver, steady, type Result } from "./load.ts";
import { profile } from "./profile.ts";
import { objectFloor, paybell, queueFloor, type Running, type Target } from "./targets.ts";

const usage = `npm run bench
  Measures Paybell beside two Workers that do less, on this machine. What the figures mean: docs/performance.md

  --quick    take less than three minutes
  --profile  show where Paybell's CPU goes instead
  --help     print this`;

const { values: options } = readCommandLine({
  usage,
  options: { quick: { type: "boolean" }, profile: { type: "boolean" } },
});

const EVENTS = 5_000;
const USERS = 500;
const RATES = [50, 100];
const BATCH_SIZES = [1, 10, 50, 100];
const ROUNDS = options.quick ? 3 : 7;
const STEADY_SECONDS = options.quick ? 5 : 20;
/** Rounds in which latency is measured too. */
const STEADY_ROUNDS = options.quick ? 1 : 3;

// Miniflare warns where secrets of the configuration are in no file; these are set by the bench itself.
process.env["ADMIN_TOKEN"] ??= "set by the bench";
process.env["ENCRYPTION_KEY"] ??= "set by the bench";

const receiver = await startReceiver();

/** Starts a target, lets it warm up, and ends it after the work. */
async function running<T>(target: Target, work: (running: Running) => Promise<T>): Promise<T> {
  const started = await target.start(receiver.url);
  try {
    await burst(started, receiver, 300, 50);
    return await work(started);
  } finally {
    await started.stop();
  }
}

/** The floor at the batch size at which it delivers most. */
async function best(floor: (batchSize: number) => Target): Promise<Target> {
  let best: { target: Target; delivered: number } | null = null;
  for (const size of BATCH_SIZES) {
    const target = floor(size);
    const { delivered } = await running(target, (one) => burst(one, receiver, EVENTS / 2, USERS));
    console.error(`  ${target.name}: ${delivered.toFixed(0)} delivered/s`);
    if (best === null || delivered > best.delivered) best = { target, delivered };
  }
  return best!.target;
}

interface Measured {
  target: Target;
  bursts: Result[];
  steady: Map<number, Result[]>;
}

async function compare(): Promise<void> {
  console.error("The best batch sizes of the floors:");
  const targets = [paybell(), await best(queueFloor), await best(objectFloor)];
  const measured = targets.map((target): Measured => {
    return { target, bursts: [], steady: new Map(RATES.map((rate) => [rate, []])) };
  });
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`Round ${round + 1} of ${ROUNDS}`);
    // Another one begins each time, so that none has the machine at its best.
    const order = measured.map((_, n) => measured[(n + round) % measured.length]!);
    for (const { target, bursts, steady: rates } of order) {
      await running(target, async (one) => {
        bursts.push(await burst(one, receiver, EVENTS, USERS));
        if (round >= STEADY_ROUNDS) return;
        for (const [perSecond, results] of rates) {
          results.push(await steady(one, receiver, { perSecond, seconds: STEADY_SECONDS, users: USERS }));
        }
      });
    }
  }
  console.log(`${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log(`A burst of ${EVENTS} events of ${USERS} users, median of ${ROUNDS} (least to most):\n`);
  const medianOf = (results: Result[], of: (result: Result) => number) => median(results.map(of));
  const floor = Math.max(...measured.slice(1).map(({ bursts }) => medianOf(bursts, ({ delivered }) => delivered)));
  table(
    ["", "accepted/s", "delivered/s", "of the faster floor", "POST to receiver p50, ms", "CPU ms/event"],
    measured.map(({ target, bursts }) => [
      target.name,
      spread(bursts.map(({ accepted }) => accepted)),
      spread(bursts.map(({ delivered }) => delivered)),
      (medianOf(bursts, ({ delivered }) => delivered) / floor).toFixed(2),
      spread(bursts.map(({ latencies }) => quantile(latencies, 0.5))),
      spread(
        bursts.map(({ cpuMs }) => cpuMs),
        2,
      ),
    ]),
  );
  console.log(`\nFrom POST to the receiver's first byte at a steady rate, ms, median of ${STEADY_ROUNDS}:\n`);
  table(
    ["", ...RATES.flatMap((rate) => [0.5, 0.95, 0.99].map((q) => `p${q * 100} at ${rate}/s`))],
    measured.map(({ target, steady: rates }) => [
      target.name,
      ...[...rates.values()].flatMap((results) =>
        [0.5, 0.95, 0.99].map((q) => medianOf(results, ({ latencies }) => quantile(latencies, q)).toFixed(1)),
      ),
    ]),
  );
  console.log("\nWhat went wrong, over all runs:\n");
  const faults = ["refused", "lost", "duplicates", "outOfOrder", "badSignatures"] as const;
  table(
    ["", "refused", "lost", "came twice", "out of order", "signature wrong"],
    measured.map(({ target, bursts, steady: rates }) => {
      const all = [...bursts, ...[...rates.values()].flat()];
      return [target.name, ...faults.map((name) => String(all.reduce((sum, one) => sum + one[name], 0)))];
    }),
  );
  await costs(measured);
  const [ours] = measured;
  const wrong = [...ours!.bursts, ...[...ours!.steady.values()].flat()].filter((one) =>
    faults.some((name) => one[name]),
  );
  if (wrong.length > 0) throw new Error("Paybell has lost, doubled, disordered or wrongly signed something");
}

/** Counts Paybell's billed work and sets it beside what the floors do by their construction. */
async function costs(measured: Measured[]): Promise<void> {
  const cpuOf = (n: number) => median(measured[n]!.bursts.map(({ cpuMs }) => cpuMs));
  const counted = paybell("counted", "test/support/worker.ts");
  const { quiet, busy } = await running(counted, async (one) => ({
    quiet: await countedWork(one, cpuOf(0), () =>
      steady(one, receiver, { perSecond: 50, seconds: STEADY_SECONDS, users: USERS }),
    ),
    busy: await countedWork(one, cpuOf(0), () => burst(one, receiver, EVENTS / 2, USERS / 2)),
  }));
  const base = { objectRequests: 0, objectRows: 0, d1Rows: 0, messages: 1 };
  const floors = {
    [measured[1]!.target.name]: { ...base, workerRequests: 2, cpuMs: cpuOf(1) },
    [measured[2]!.target.name]: {
      ...base,
      workerRequests: 2,
      cpuMs: cpuOf(2),
      objectRequests: 1,
      objectRows: 1,
      d1Rows: 1,
    },
  };
  // Each event of a quiet user leaves a lease to look after.
  const ours = {
    "Paybell, quiet": { ...quiet, objectRequests: quiet.objectRequests + 1 },
    "Paybell, in a burst": busy,
  };
  console.log("\nBilled work of one event with one endpoint, and dollars for a million:\n");
  table(
    [
      "",
      "Worker requests",
      "CPU ms",
      "object requests",
      "object rows",
      "queue messages",
      "D1 rows",
      "dollars a million",
    ],
    Object.entries<Work>({ ...ours, ...floors }).map(([name, work]) => [
      name,
      ...[
        work.workerRequests,
        work.cpuMs,
        work.objectRequests,
        work.objectRows,
        work.messages,
        work.d1Rows,
        dollars(work),
      ].map((number) => number.toFixed(2)),
    ]),
  );
}

async function countedWork(target: Running, cpuMs: number, play: () => Promise<Result>): Promise<Work> {
  await fetch(`${target.url}/__test/counters`, { method: "DELETE" });
  const events = (await play()).latencies.length;
  const read = async () =>
    (await (await fetch(`${target.url}/__test/counters`)).json()) as Record<
      "messages" | "batches" | "outboxRequests" | "bindingRequests" | "objectRows" | "d1Rows",
      number
    >;
  // The last deliveries are still being written down when the receiver has them.
  let counters = await read();
  for (let before = -1; before !== counters.objectRows;) {
    before = counters.objectRows;
    await new Promise((resolve) => setTimeout(resolve, 500));
    counters = await read();
  }
  return {
    workerRequests: 1 + counters.batches / events,
    cpuMs,
    objectRequests: (counters.outboxRequests + counters.bindingRequests) / events,
    objectRows: counters.objectRows / events,
    messages: counters.messages / events,
    d1Rows: counters.d1Rows / events,
  };
}

async function showProfile(): Promise<void> {
  await running(paybell(), async (one) => {
    const lines = await profile(one, () => burst(one, receiver, EVENTS, USERS));
    console.log(`Where the time of the Worker's isolate goes in a burst of ${EVENTS}, percent:\n`);
    table(
      ["function", "itself"],
      lines.slice(0, 40).map(({ name, share }) => [name, share.toFixed(1)]),
    );
  });
}

function table(head: string[], rows: string[][]): void {
  const widths = head.map((name, n) => Math.max(name.length, ...rows.map((row) => row[n]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n]!)).join(" | ")} |`;
  console.log([line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n"));
}

function spread(numbers: number[], digits = 0): string {
  const shown = [median(numbers), Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(digits));
  return `${shown[0]} (${shown[1]} to ${shown[2]})`;
}

function median(numbers: number[]): number {
  return quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
}

await (options.profile ? showProfile() : compare());
receiver.close();
process.exit(0);
