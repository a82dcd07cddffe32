// One load generator and one receiver, in this process: what they take of the machine is the same for every target.

import { Agent, createServer, request as httpRequest } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

import { Webhook } from "standardwebhooks";

import { stripePosts, type StripePost } from "./stripe.ts";
import type { Running } from "./targets.ts";

const CONNECTIONS = 32;
/** How long after the last sign of life events are waited for before they count as lost. */
const PATIENCE_MS = 15_000;

/** A webhook as it came in. `at`: when its head was there, by the monotonic clock in ms. */
interface Arrival {
  at: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Takes webhooks and answers 204 at once. */
export interface Receiver {
  url: string;
  arrivals: Arrival[];
  /** Resolves when so many have come, or none comes any more. */
  until(count: number): Promise<void>;
  close(): void;
}

/** Starts the receiver on a free port of loopback. */
export async function startReceiver(): Promise<Receiver> {
  let onArrival = () => {};
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const arrival: Arrival = {
      at: performance.now(),
      headers: request.headers as Record<string, string>,
      body: Buffer.alloc(0),
    };
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      arrival.body = Buffer.concat(chunks);
      receiver.arrivals.push(arrival);
      response.writeHead(204).end();
      onArrival();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/hook`,
    arrivals: [],
    until: async (count) => {
      for (;;) {
        const { length } = receiver.arrivals;
        if (length >= count) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        onArrival = resolve;
        const timer = setTimeout(() => resolve(), PATIENCE_MS);
        await promise;
        clearTimeout(timer);
        if (receiver.arrivals.length === length) return;
      }
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return receiver;
}

/** What one run has shown. Rates by the second, times in milliseconds. */
export interface Result {
  accepted: number;
  delivered: number;
  latencies: number[];
  cpuMs: number;
  refused: number;
  lost: number;
  duplicates: number;
  outOfOrder: number;
  badSignatures: number;
}

/** Posts events as fast as the target takes them, each user's one after the other. */
export async function burst(target: Running, receiver: Receiver, count: number, users: number): Promise<Result> {
  return measured(target, receiver, stripePosts(count, users), async (posts, post) => {
    const lanes = Map.groupBy(posts, ({ user }) => user);
    const byConnection = Map.groupBy([...lanes.keys()].entries(), ([n]) => n % CONNECTIONS);
    await Promise.all(
      [...byConnection.values()].map(async (owned) => {
        const mine = new Set(owned.map(([, user]) => user));
        for (const one of posts.filter(({ user }) => mine.has(user))) await post(one);
      }),
    );
  });
}

/** Posts so many events a second, whatever becomes of them. */
export async function steady(
  target: Running,
  receiver: Receiver,
  load: { perSecond: number; seconds: number; users: number },
): Promise<Result> {
  const posts = stripePosts(load.perSecond * load.seconds, load.users);
  return measured(target, receiver, posts, async (posts, post) => {
    const start = performance.now();
    const underWay: Promise<void>[] = [];
    for (const [n, one] of posts.entries()) {
      const ahead = start + (n * 1000) / load.perSecond - performance.now();
      if (ahead > 0) await wait(ahead);
      underWay.push(post(one));
    }
    await Promise.all(underWay);
  });
}

async function measured(
  target: Running,
  receiver: Receiver,
  posts: StripePost[],
  play: (posts: StripePost[], post: (one: StripePost) => Promise<void>) => Promise<void>,
): Promise<Result> {
  receiver.arrivals = [];
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const postedAt = new Map<string, number>();
  let refused = 0;
  const cpuBefore = target.cpuSeconds();
  const start = performance.now();
  await play(posts, async (one) => {
    const status = await postOnce(agent, target.request(one), one, postedAt);
    if (status >= 300) {
      refused += 1;
      postedAt.delete(one.id);
    }
  });
  const acceptedAt = performance.now();
  await receiver.until(postedAt.size);
  const cpuMs = (target.cpuSeconds() - cpuBefore) * 1000;
  agent.destroy();
  const { arrivals } = receiver;
  const first = new Map<string, Arrival>();
  for (const arrival of arrivals) {
    const id = eventIdOf(arrival);
    if (!first.has(id)) first.set(id, arrival);
  }
  const lastAt = Math.max(...[...first.values()].map(({ at }) => at));
  return {
    accepted: (postedAt.size * 1000) / (acceptedAt - start),
    delivered: (first.size * 1000) / (lastAt - start),
    latencies: [...first].map(([id, { at }]) => at - postedAt.get(id)!).toSorted((a, b) => a - b),
    cpuMs: cpuMs / posts.length,
    refused,
    lost: postedAt.size - first.size,
    duplicates: arrivals.length - first.size,
    outOfOrder: countOutOfOrder(posts, first),
    badSignatures: target.secret === null ? 0 : countBadSignatures(arrivals, target.secret),
  };
}

function postOnce(
  agent: Agent,
  { url, headers }: ReturnType<Running["request"]>,
  { id, body }: StripePost,
  postedAt: Map<string, number>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const request = httpRequest(
      url,
      { method: "POST", agent, headers: { ...headers, "content-type": "application/json", "content-length": length } },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 599));
      },
    );
    request.once("error", reject);
    postedAt.set(id, performance.now());
    request.end(body);
  });
}

/** Stripe's id of the event that a webhook is about; the floors pass on Stripe's own body. */
function eventIdOf({ body }: Arrival): string {
  const event = JSON.parse(body.toString()) as { id: string; data: { provider?: { eventId: string } } };
  return event.data.provider?.eventId ?? event.id;
}

/** Events that came after a later one of the same user. */
function countOutOfOrder(posts: StripePost[], first: Map<string, Arrival>): number {
  const lanes = Map.groupBy(
    posts.filter(({ id }) => first.has(id)),
    ({ user }) => user,
  );
  return [...lanes.values()].flatMap((lane) =>
    lane.filter(({ id }, n) => lane.slice(n + 1).some((later) => first.get(later.id)!.at < first.get(id)!.at)),
  ).length;
}

function countBadSignatures(arrivals: Arrival[], secret: string): number {
  const webhook = new Webhook(secret);
  return arrivals.filter(({ body, headers }) => {
    try {
      webhook.verify(body.toString(), headers);
      return false;
    } catch {
      return true;
    }
  }).length;
}
