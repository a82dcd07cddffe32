import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { Webhook } from "standardwebhooks";

/** How an endpoint behaves. */
export const BEHAVIOURS = [
  "good",
  "slow",
  "dripping",
  "hanging",
  "redirecting",
  "huge",
  "resetting",
  "gone",
  "throttling",
  "failing",
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** Slower than what the Worker takes for well, and quicker than every timeout. */
const SLOW_MS = 2_500;
const DRIP_MS = 200;
const HUGE_BYTES = 8 * 1024 * 1024;

/** A request as an endpoint saw it. Times in epoch ms. */
export interface Seen {
  endpoint: string;
  event: string;
  user: string | null;
  payment: string;
  sequence: number;
  at: number;
  /** What was answered in full; null: no full answer was given, or its end never came. */
  status: number | null;
  doneAt: number;
}

/** One endpoint of the merchant's server. */
interface EndpointServer {
  how: Behaviour;
  /** The one secret that its code knows at this time. */
  secret: string;
}

/** A merchant's server with several endpoints, each with its own behaviour, and its record of what came. */
export interface HostileReceiver {
  url: string;
  endpoints: Map<string, EndpointServer>;
  seen: Seen[];
  /** What must never happen: requests with a bad signature, or to where a redirect pointed. */
  wrongs: string[];
  /** How often each behaviour met a request; `tls`: handshakes that failed. */
  fired: Map<string, number>;
  /** Cuts off what hangs or drips. */
  hangUp(): void;
  close(): Promise<void>;
}

/** Starts the server on a free port of loopback. Endpoints are at `/{name}`. */
export async function startHostileReceiver(): Promise<HostileReceiver> {
  const receiver: HostileReceiver = {
    url: "",
    endpoints: new Map(),
    seen: [],
    wrongs: [],
    fired: new Map(),
    hangUp: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    void take(receiver, request, response).catch((error: unknown) => {
      receiver.wrongs.push(`${request.url}: ${String(error)}`);
      response.writeHead(401).end();
    });
  });
  // A TLS handshake is no HTTP request.
  server.on("clientError", (_, socket) => {
    count(receiver, "tls");
    socket.destroy();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return receiver;
}

async function take(receiver: HostileReceiver, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  const name = request.url!.slice(1);
  const endpoint = receiver.endpoints.get(name);
  if (endpoint === undefined) {
    throw new Error("No endpoint is there");
  }
  const headers = request.headers as Record<string, string>;
  new Webhook(endpoint.secret).verify(text, headers);
  const { id, user, sequence, data } = JSON.parse(text) as Body;
  const { how } = endpoint;
  const seen: Seen = {
    endpoint: name,
    event: id,
    user,
    payment: data.payment.id,
    sequence,
    at,
    status: null,
    doneAt: Infinity,
  };
  receiver.seen.push(seen);
  count(receiver, how);
  answer(response, how, (status) => Object.assign(seen, { status, doneAt: Date.now() }));
}

interface Body {
  id: string;
  user: string | null;
  sequence: number;
  data: { payment: { id: string } };
}

/** `note` is called as soon as all that the Worker reads of the answer is on its way. */
function answer(response: ServerResponse, how: Behaviour, note: (status: number) => void): void {
  const end = (status: number, headers = {}) => {
    note(status);
    response.writeHead(status, headers).end();
  };
  switch (how) {
    case "good":
      return end(204);
    case "slow":
      setTimeout(() => !response.destroyed && end(200), SLOW_MS);
      return;
    case "dripping": {
      response.writeHead(200, { "content-type": "text/plain" });
      const timer = setInterval(() => response.write("."), DRIP_MS);
      response.once("close", () => clearInterval(timer));
      return;
    }
    case "hanging":
      return;
    case "huge":
      note(500);
      response.writeHead(500, { "content-length": HUGE_BYTES });
      response.end(Buffer.alloc(HUGE_BYTES));
      return;
    case "resetting":
      response.socket?.resetAndDestroy();
      return;
    case "redirecting":
      return end(302, { location: "/elsewhere" });
    case "throttling":
      return end(429, { "retry-after": "2" });
    case "gone":
      return end(410);
    case "failing":
      return end(503);
  }
}

function count({ fired }: HostileReceiver, what: string): void {
  fired.set(what, (fired.get(what) ?? 0) + 1);
}
