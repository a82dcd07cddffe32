import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { Webhook } from "standardwebhooks";

/** One delivery as a merchant's server saw it. `at`: epoch ms of its arrival. */
export interface Received {
  path: string;
  id: string;
  attempt: number;
  at: number;
  body: {
    id: string;
    type: string;
    user: string | null;
    sequence: number;
    previous: number | null;
    data: Record<string, unknown>;
  };
  status: number;
  /** When it was answered (epoch ms). */
  doneAt: number;
}

/** What the receiver answers: a status, or nothing ever. */
export type Answer = (request: Omit<Received, "status" | "doneAt">) => Promise<number> | number;

/** A merchant's server: checks signatures with the official package, and records what it answered. */
export interface Receiver {
  url: string;
  received: Received[];
  answer: Answer;
  /** Resolves when `done` holds of what was received; it is asked after every request. */
  until(done: (received: Received[]) => boolean, what: string, withinMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a receiver on a free port of loopback; `secretOf` gives the secret of the endpoint at a path. */
export async function startReceiver(secretOf: (path: string) => string): Promise<Receiver> {
  const waiters = new Set<() => void>();
  const receiver: Receiver = {
    url: "",
    received: [],
    answer: () => 204,
    until: (done, what, withinMs = 60_000) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (done(receiver.received)) {
            clearTimeout(timer);
            waiters.delete(check);
            resolve();
          }
        };
        const timer = setTimeout(() => {
          waiters.delete(check);
          reject(new Error(`Not within ${withinMs} ms: ${what}; received ${receiver.received.length}`));
        }, withinMs);
        waiters.add(check);
        check();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    void take(request, response).catch(() => response.writeHead(400).end());
  });
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const at = Date.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString();
    const path = request.url ?? "/";
    const headers = request.headers as Record<string, string>;
    new Webhook(secretOf(path)).verify(text, headers);
    const seen = {
      path,
      id: headers["webhook-id"]!,
      attempt: Number(headers["paybell-attempt"]),
      at,
      body: JSON.parse(text) as Received["body"],
    };
    const status = await receiver.answer(seen);
    receiver.received.push({ ...seen, status, doneAt: Date.now() });
    response.writeHead(status).end();
    waiters.forEach((check) => check());
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return receiver;
}
