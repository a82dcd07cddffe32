import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

import { Webhook } from "standardwebhooks";

/** One webhook as the merchant's server saw it. */
export interface Received {
  /** `/steady` or `/flaky`. */
  path: string;
  /** `webhook-id`: the event's id. */
  id: string;
  attempt: number;
  /** Epoch ms of its arrival. */
  at: number;
  isSignatureGood: boolean;
  event: ReceivedEvent;
  /** What the server answered. */
  status: number;
}

/** The parts of a webhook's body that the demonstration looks at. */
export interface ReceivedEvent {
  id: string;
  type: string;
  user: string | null;
  sequence: number;
  previous: number | null;
  stale: boolean;
  data: {
    payment?: { id: string; reference?: string; status: string; reported: string | null; version: number };
    /** Null for events that the merchant posts itself. */
    provider: { eventId: string } | null;
  };
}

/** A merchant's server on a free port of loopback. */
export interface Receiver {
  url: string;
  /** In the order of their answers. */
  received: Received[];
  /** Secrets that signatures are checked with, by path. */
  secrets: Map<string, string>;
  /** Whether `done` came to hold within the time; it is asked after every webhook. */
  until(done: () => boolean, withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Starts the server. `answer` decides on each webhook's status; `onReceived` is told of it.
 *
 * A bad signature is noted, and answered as if it were good, so that one claim fails and not all. A real server
 * answers 401 and looks at nothing else.
 */
export async function startReceiver(
  answer: (webhook: Omit<Received, "status">) => Promise<number>,
  onReceived: (webhook: Received) => void,
): Promise<Receiver> {
  const received: Received[] = [];
  const secrets = new Map<string, string>();
  const checks = new Set<() => void>();

  const take = async (request: IncomingMessage): Promise<number> => {
    const body = await text(request);
    const path = request.url ?? "";
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const webhook = {
      path,
      id: headers["webhook-id"] ?? "",
      attempt: Number(headers["paybell-attempt"]),
      at: Date.now(),
      isSignatureGood: isGood(secrets.get(path) ?? "", body, headers),
      event: JSON.parse(body) as ReceivedEvent,
    };
    const status = await answer(webhook);
    received.push({ ...webhook, status });
    onReceived({ ...webhook, status });
    return status;
  };

  const server = createServer((request, response) => {
    void (async () => {
      response.writeHead(await take(request).catch(() => 400)).end();
      for (const check of checks) check();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The receiver has no port");

  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    secrets,
    until: async (done, withinMs) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const check = () => done() && resolve(true);
      const timer = setTimeout(() => resolve(false), withinMs);
      checks.add(check);
      check();
      const isDone = await promise;
      clearTimeout(timer);
      checks.delete(check);
      return isDone;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Asks the official verifier, which also refuses times that are off by more than five minutes. */
function isGood(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
