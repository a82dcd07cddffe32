import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { rm } from "node:fs/promises";

import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { newMerchant, type Merchant } from "../client.ts";
import { newState, startWorker, type WorkerProcess } from "../process.ts";

// A merchant that uses Paybell against servers that are not its own, and against Paybell itself.

interface Request {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

type Respond = (request: Request) => Promise<{ status: number; body?: string }> | { status: number; body?: string };

/** A server of somebody's, with all that it was sent. */
interface Server {
  url: string;
  host: string;
  received: Request[];
  close: () => void;
}

async function startServer(respond: Respond): Promise<Server> {
  const received: Request[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming;
      const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      received.push(request);
      void Promise.resolve(respond(request)).then(({ status, body }) => outgoing.writeHead(status).end(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  servers.push({ url: `http://${host}`, host, received, close: () => server.closeAllConnections() });
  return servers.at(-1)!;
}

const servers: Server[] = [];
let state: string;
let worker: WorkerProcess;
let attacker: Merchant;

beforeAll(async () => {
  state = await newState();
  worker = await startWorker(state, { HOST_VERIFICATION: "always" });
});

afterAll(async () => {
  await worker.kill();
  servers.forEach(({ close }) => close());
  await rm(state, { recursive: true });
});

const event = (id: string) => ({ id, type: "custom.note", user: id, data: { custom: { id } } });
const isChallenge = ({ body }: Request) => body.includes('"endpoint.verification"');
const challengeOf = ({ body }: Request) => ({
  status: 200,
  body: createHash("sha256")
    .update((JSON.parse(body) as { challenge: string }).challenge)
    .digest("hex"),
});

interface Delivery {
  status: string;
  waitingFor: { reason: string } | null;
  attempts: { class: string; status: number | null }[];
}

/** The newest deliveries of the attacker, once so many stand as a test wants them. */
async function untilDeliveries(count: number, stands: (delivery: Delivery) => boolean): Promise<void> {
  const list = async () => {
    const { json } = await attacker.call<{ data: Delivery[] }>("GET", "/v1/deliveries?limit=100");
    return json.data.filter(stands).length;
  };
  await expect.poll(list, { timeout: 30_000 }).toBe(count);
}

describe("a merchant that would use Paybell as a cannon", () => {
  it("has a server that never asked for it sent two questions, whatever it tries, and no event", async () => {
    attacker = await newMerchant(worker.url);
    const victim = await startServer(() => ({ status: 200, body: "hello" }));
    const statuses: number[] = [];
    const made: string[] = [];
    for (let n = 0; n < 10; n++) {
      const { status, json } = await attacker.call<{ id: string }>("POST", "/v1/endpoints", { url: `${victim.url}/` });
      statuses.push(status);
      if (status === 201) made.push(json.id);
    }
    expect(statuses).toEqual([201, 201, 201, 201, 201, 422, 422, 422, 422, 422]);
    const events = Array.from({ length: 18 }, (_, n) => event(`e_${n}`));
    expect((await attacker.call("POST", "/v1/events", events)).status).toBe(202);
    for (const id of made) {
      expect((await attacker.call("POST", `/v1/endpoints/${id}/test`, {})).status).toBe(202);
      await attacker.call("POST", `/v1/endpoints/${id}/pause`);
      await attacker.call("POST", `/v1/endpoints/${id}/resume`);
    }
    await untilDeliveries(18 * 5 + 5, ({ status, waitingFor, attempts }) => {
      return status === "pending" && waitingFor?.reason === "unverified" && attempts.length === 0;
    });
    expect(victim.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /.well-known/paybell",
      "POST /",
    ]);
    expect(victim.received.filter((request) => request.method === "POST").every(isChallenge)).toBe(true);
  });

  it("has its own server sent all that waited, in order, once that says yes", async () => {
    attacker = await newMerchant(worker.url);
    const { promise: consents, resolve: consent } = Promise.withResolvers<void>();
    const own = await startServer(async (request) => {
      if (request.method === "GET") {
        return { status: 404 };
      }
      if (!isChallenge(request)) {
        return { status: 204 };
      }
      await consents;
      return challengeOf(request);
    });
    const { id } = await attacker.endpoint({ url: `${own.url}/hook` });
    const events = Array.from({ length: 5 }, (_, n) => ({ ...event(`e_${n}`), user: "u_1" }));
    await attacker.call("POST", "/v1/events", events);
    await untilDeliveries(1, ({ waitingFor }) => waitingFor?.reason === "unverified");
    consent();
    await untilDeliveries(5, ({ status }) => status === "delivered");
    const sent = own.received.filter((request) => request.method === "POST" && !isChallenge(request));
    expect(sent.map(({ body }) => (JSON.parse(body) as { sequence: number }).sequence)).toEqual([1, 2, 3, 4, 5]);
    const { json } = await attacker.call<{ verification: object }>("GET", `/v1/endpoints/${id}`);
    expect(json.verification).toMatchObject({ status: "verified", how: "challenge", host: own.host });
  });

  it("cannot speak as a proxy does, nor lead its owner's secret headers to a server of its own", async () => {
    attacker = await newMerchant(worker.url);
    const thief = await startServer((request) => (isChallenge(request) ? challengeOf(request) : { status: 404 }));
    const url = `${thief.url}/hook`;
    const spoofed = await attacker.call("POST", "/v1/endpoints", { url, headers: { "X-Real-IP": "10.0.0.1" } });
    expect(spoofed.status).toBe(422);
    const secretHeaders = { authorization: "Bearer hunter2" };
    const shop = await startServer(() => ({ status: 404 }));
    const { id } = await attacker.endpoint({ url: `${shop.url}/hook`, secretHeaders });
    for (const [method, body] of [
      ["PATCH", { url }],
      ["PUT", { url, secretHeaders: { authorization: null } }],
    ] as const) {
      expect((await attacker.call(method, `/v1/endpoints/${id}`, body)).status).toBe(422);
    }
    expect(thief.received).toEqual([]);
  });
});

describe("a merchant that would have Paybell call itself", () => {
  /** A source that takes what another Paybell sends, and the secret of both. */
  async function newSource() {
    attacker = await newMerchant(worker.url);
    const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
    const fields = { provider: "standard", secrets: [secret] };
    const { json } = await attacker.call<{ ingestUrl: string }>("POST", "/v1/sources", fields);
    return { secret, ingestUrl: json.ingestUrl };
  }

  it("may not name it, by any of its names", async () => {
    const { secret, ingestUrl } = await newSource();
    for (const name of ["127.0.0.1", "localhost", "[::1]", "127.1", "paybell.localhost"]) {
      const url = ingestUrl.replace("127.0.0.1", name);
      const refused = await attacker.call<{ errors: object[] }>("POST", "/v1/endpoints", { url, secret });
      expect(refused).toMatchObject({ status: 422, json: { errors: [{ path: "/url", code: "url_own_host" }] } });
    }
  });

  it("has one event made of one, where a server between passes on what it is sent", async () => {
    const { secret, ingestUrl } = await newSource();
    const answers: number[] = [];
    const relay = await startServer(async (request) => {
      if (request.method === "GET") return { status: 404 };
      if (isChallenge(request)) return challengeOf(request);
      const headers = Object.entries(request.headers).filter(([name]) =>
        /^(?:content-type|webhook-|paybell-)/.test(name),
      );
      const init = { method: "POST", headers: headers as [string, string][], body: request.body };
      answers.push((await fetch(ingestUrl, init)).status);
      return { status: 204 };
    });
    await attacker.endpoint({ url: `${relay.url}/ingest`, secret });
    await attacker.call("POST", "/v1/events", event("e_1"));
    await untilDeliveries(1, ({ status }) => status === "delivered");
    expect(answers).toEqual([508]);
    const { json } = await attacker.call<{ data: object[] }>("GET", "/v1/events");
    expect(json.data).toHaveLength(1);
  });

  it("has it go through two others at most, whoever signs", async () => {
    const { secret, ingestUrl } = await newSource();
    const body = JSON.stringify(event("e_1"));
    const statusOf = async (hops: string) => {
      const [id, now] = [`evt_${hops.length}`, new Date()];
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
        "webhook-signature": new Webhook(secret).sign(id, now, body),
        "paybell-attempt": "1",
        "paybell-hops": hops,
      };
      return (await fetch(ingestUrl, { method: "POST", headers, body })).status;
    };
    const [b, c, d] = ["b", "c", "d"].map((letter) => letter.repeat(16));
    expect(await statusOf(`${b}, ${c}`)).toBe(200);
    expect(await statusOf(`${b}, ${c}, ${d}`)).toBe(508);
  });
});
