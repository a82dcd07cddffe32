// `npm run bench:noisy-neighbour`: one endpoint whose every request hangs beside 50 healthy ones, under a steady load.
// How much slower the healthy ones get by it, and how often the common queue meets the one that hangs.

import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

import { startPaybell } from "./targets.ts";

const HEALTHY = 50;
const PER_SECOND = 50;
const SECONDS = 30;
/** From here on the endpoint that hangs has been moved aside, and the healthy ones are measured. */
const SETTLED_SECONDS = 5;
/** A first attempt holds up its batch for at most so long: requests before that have met the common queue. */
const PATIENCE_MS = 2_000;

process.env["ADMIN_TOKEN"] ??= "set by the bench";
process.env["ENCRYPTION_KEY"] ??= "set by the bench";

interface Run {
  median: number;
  p99: number;
  /** When each request to the endpoint that hangs arrived, in ms from the first. */
  hanging: number[];
}

/** Plays the load; `hangs`: the last endpoint never answers, else it is as healthy as the others. */
async function play(hangs: boolean): Promise<Run> {
  const arrivedAt = new Map<string, number>();
  const hanging: number[] = [];
  const server = createServer((request, response) => {
    const at = performance.now();
    arrivedAt.set(String(request.headers["webhook-id"]), at);
    request.resume();
    if (request.url === `/${HEALTHY}` && hangs) {
      hanging.push(at);
      return;
    }
    request.on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { host, apiKey, call } = await startPaybell();
  try {
    for (let n = 0; n <= HEALTHY; n++) {
      await call(apiKey, "/v1/endpoints", { url: `${base}/${n}`, eventTypes: [`custom.e${n}`] });
    }
    const posted: Promise<{ n: number; at: number; id: string }>[] = [];
    const start = performance.now();
    for (let count = 0; count < PER_SECOND * SECONDS; count++) {
      const ahead = start + (count * 1000) / PER_SECOND - performance.now();
      if (ahead > 0) await wait(ahead);
      const n = count % (HEALTHY + 1);
      const at = performance.now();
      const body = { id: `e_${count}`, type: `custom.e${n}`, user: `u_${count % 200}`, data: { custom: {} } };
      posted.push(call<{ id: string }>(apiKey, "/v1/events", body).then(({ id }) => ({ n, at, id })));
    }
    const events = await Promise.all(posted);
    await wait(3_000);
    const latencies = events
      .filter(({ n, at }) => n < HEALTHY && at - start > SETTLED_SECONDS * 1000)
      .map(({ at, id }) => (arrivedAt.get(id) ?? Infinity) - at)
      .toSorted((a, b) => a - b);
    const quantile = (q: number) => latencies[Math.round(q * (latencies.length - 1))]!;
    return { median: quantile(0.5), p99: quantile(0.99), hanging: hanging.map((at) => at - hanging[0]!) };
  } finally {
    server.closeAllConnections();
    server.close();
    await host.stop();
  }
}

const alone = await play(false);
const beside = await play(true);
const met = beside.hanging.filter((at) => at < PATIENCE_MS).length;
const [median, p99] = [beside.median / alone.median, beside.p99 / alone.p99];
console.log(`${HEALTHY} healthy endpoints, ${PER_SECOND} events/s for ${SECONDS} s, from accepted to delivered:

|                 | median, ms | p99, ms |
| --------------- | ---------- | ------- |
| all healthy     | ${alone.median.toFixed(1).padEnd(10)} | ${alone.p99.toFixed(1).padEnd(7)} |
| one more hangs  | ${beside.median.toFixed(1).padEnd(10)} | ${beside.p99.toFixed(1).padEnd(7)} |
| ratio           | ${median.toFixed(2).padEnd(10)} | ${p99.toFixed(2).padEnd(7)} |

Requests to the one that hangs before it was moved aside: ${met}; in all: ${beside.hanging.length}`);
process.exit(met <= 2 && median <= 1.5 && p99 <= 1.5 ? 0 : 1);
