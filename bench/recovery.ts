// One merchant's endpoint goes down, or begins to hang, and is well again, beside the healthy endpoint of another
// merchant: what that one notices of it, and how soon the first one has caught up.

import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

import { startPaybell } from "./targets.ts";

/** The load of the merchant whose endpoint is well all the while, and of how many users the other merchant's is. */
const STEADY = { name: "steady", perSecond: 10, users: 50 };
const TROUBLED_USERS = 300;
/** The endpoint is well for so long before; the first seconds, in which everything starts, are not measured. */
const WELL_MS = 13_000;
const WARM_UP_MS = 3_000;
/** So long is waited at most until what came during the trouble is delivered, and what comes after it is measured. */
const PATIENCE_MS = 120_000;
const AFTER_MS = 5_000;

/** What befalls an endpoint: it answers 500 or nothing for so long; and before, to one request in so many; 0: none. */
export interface Trouble {
  name: string;
  answers: 500 | null;
  perSecond: number;
  ms: number;
  failsOneIn: number;
}

/** How long deliveries took, in ms, and when what happened, in ms since the endpoint was well again. */
interface Seen {
  before: number[];
  during: number[];
  after: number[];
  /** Of what the troubled merchant has posted since. */
  own: number[];
  /** Requests that the endpoint got while it was in trouble. */
  requests: number;
  firstAt: number;
  caughtUpAt: number;
}

interface Posted {
  id: string;
  at: number;
}

export const DOWN: Trouble = { name: "down for 45 s", answers: 500, perSecond: 18, ms: 45_000, failsOneIn: 0 };
export const HANGS: Trouble = { name: "hangs for 20 s", answers: null, perSecond: 20, ms: 20_000, failsOneIn: 0 };

/** Plays what befalls an endpoint once, on a Paybell of its own. */
export async function playTrouble(trouble: Trouble): Promise<Seen> {
  const arrivedAt = new Map<string, number>();
  const endpoint = { troubleAt: Infinity, wellAt: Infinity, firstAt: Infinity, asked: 0, requests: 0 };
  const server = createServer((request, response) => {
    const at = performance.now();
    request.resume();
    if (request.url === "/troubled") {
      const isTroubled = at >= endpoint.troubleAt && at < endpoint.wellAt;
      endpoint.asked += 1;
      endpoint.requests += Number(isTroubled);
      if (isTroubled && trouble.answers === null) return;
      if (isTroubled || (at < endpoint.troubleAt && endpoint.asked % trouble.failsOneIn === 0)) {
        request.on("end", () => response.writeHead(500).end());
        return;
      }
      if (at >= endpoint.wellAt) endpoint.firstAt = Math.min(endpoint.firstAt, at);
    }
    const id = String(request.headers["webhook-id"]);
    arrivedAt.set(id, arrivedAt.get(id) ?? at);
    request.on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { host, apiKey, newMerchant, call } = await startPaybell();
  try {
    const troubledKey = await newMerchant();
    await call(apiKey, "/v1/endpoints", { url: `${base}/steady` });
    await call(troubledKey, "/v1/endpoints", { url: `${base}/troubled` });
    const start = performance.now();
    let isOver = false;
    const load = async (key: string, { name, perSecond, users }: typeof STEADY, posted: Posted[]) => {
      const underWay: Promise<unknown>[] = [];
      for (let n = 0; !isOver; n++) {
        const ahead = start + (n * 1000) / perSecond - performance.now();
        if (ahead > 0) await wait(ahead);
        const at = performance.now();
        const body = { id: `${name}_${n}`, type: "custom.note", user: `u_${n % users}`, data: { custom: { n } } };
        underWay.push(call<{ id: string }>(key, "/v1/events", body).then(({ id }) => posted.push({ id, at })));
      }
      await Promise.all(underWay);
    };
    const [steady, troubled]: [Posted[], Posted[]] = [[], []];
    const loads = [
      load(apiKey, STEADY, steady),
      load(troubledKey, { name: "troubled", perSecond: trouble.perSecond, users: TROUBLED_USERS }, troubled),
    ];
    await wait(WELL_MS);
    endpoint.troubleAt = performance.now();
    endpoint.wellAt = endpoint.troubleAt + trouble.ms;
    await wait(trouble.ms);
    const { troubleAt, wellAt } = endpoint;
    const isCaughtUp = () => troubled.every(({ id, at }) => at >= wellAt || arrivedAt.has(id));
    while (!isCaughtUp() && performance.now() < wellAt + PATIENCE_MS) await wait(50);
    const caughtUpAt = isCaughtUp() ? performance.now() : Infinity;
    await wait(AFTER_MS);
    isOver = true;
    await Promise.all(loads);
    await wait(AFTER_MS);
    const took = (posted: Posted[], from: number, until: number) =>
      posted.filter(({ at }) => at >= from && at < until).map(({ id, at }) => (arrivedAt.get(id) ?? Infinity) - at);
    return {
      before: took(steady, start + WARM_UP_MS, troubleAt),
      during: took(steady, troubleAt, wellAt),
      after: took(steady, wellAt, Math.max(caughtUpAt, wellAt + AFTER_MS)),
      own: took(troubled, wellAt, Infinity),
      requests: endpoint.requests,
      firstAt: endpoint.firstAt - wellAt,
      caughtUpAt: caughtUpAt - wellAt,
    };
  } finally {
    server.closeAllConnections();
    server.close();
    await host.stop();
  }
}

/** The row of a table that says what was seen. */
export function rowOf({ name }: Trouble, seen: Seen): string {
  const { before, during, after, own, requests, firstAt, caughtUpAt } = seen;
  const spread = (all: number[]) => `${quantile(all, 0.5).toFixed(0)} / ${quantile(all, 0.99).toFixed(0)}`;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const cells = [name, spread(before), spread(during), spread(after), requests, seconds(firstAt), seconds(caughtUpAt)];
  return `| ${[...cells, spread(own)].join(" | ")} |`;
}

/** The head of that table. */
export const HEAD = `| its endpoint | others before | others during it | others after it | requests meanwhile | first after, s | caught up after, s | its own new ones |
| --- | --- | --- | --- | --- | --- | --- | --- |`;

/** The value under which the share `q` of all lies. */
export function quantile(all: number[], q: number): number {
  return all.toSorted((a, b) => a - b)[Math.round(q * (all.length - 1))] ?? NaN;
}
