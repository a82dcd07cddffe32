import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";

import { holdToDocument } from "./document.ts";
import type { Faults } from "./fault-kinds.ts";
import type { Counters } from "./faults.ts";

/** A call of the Worker under test. */
export async function call(
  method: string,
  path: string,
  { key, body, headers }: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; json: Record<string, unknown> & { data: Record<string, unknown>[] } }> {
  const response = await exports.default.fetch(
    new Request(`https://paybell.test${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  holdToDocument({ method, path, sent: body, status: response.status, headers: response.headers, text });
  return { status: response.status, json: text === "" ? {} : JSON.parse(text) };
}

/** A merchant of its own, with an API key that may do everything. */
export async function newMerchant(): Promise<{ id: string; key: string }> {
  const { json } = await call("POST", "/v1/merchants", { key: env.ADMIN_TOKEN, body: { name: "Test" } });
  return { id: String(json["id"]), key: String(json["apiKey"]) };
}

/** An endpoint of a merchant; returns its id and secret. */
export async function newEndpoint(
  key: string,
  fields: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const { status, json } = await call("POST", "/v1/endpoints", {
    key,
    body: { url: "https://shop.example/hook", ...fields },
  });
  if (status !== 201) {
    throw new Error(`No endpoint: ${status} ${JSON.stringify(json)}`);
  }
  return { id: String(json["id"]), secret: String(json["secret"]) };
}

/** Lets the Worker's requests to merchants be answered here. Everything sent is handed to `answer`. */
export function receive(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const sent: Request[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    return answer(request);
  });
  return sent;
}

/** A webhook as its receiver read it. */
export interface Sent {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Posts an event of a merchant; the webhooks that told of it, once all are delivered. */
export async function webhooksOf(key: string, id: string): Promise<Sent[]> {
  const sent: Sent[] = [];
  receive(async (request) => {
    sent.push({ url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() });
    return new Response(null, { status: 204 });
  });
  const body = { id, type: "custom.note", user: "u_1", data: { custom: { id } } };
  const { json } = await call("POST", "/v1/events", { key, body });
  await untilStatus(key, String(json["id"]), "delivered");
  return sent;
}

export async function setFaults(faults: Partial<Faults>): Promise<void> {
  await call("POST", "/__test/faults", { body: faults });
}

export async function clearCounters(): Promise<void> {
  await call("DELETE", "/__test/counters");
}

export async function readCounters(): Promise<Counters> {
  return (await call("GET", "/__test/counters")).json as unknown as Counters;
}

/** Waits until the log shows every delivery of an event with a status. */
export async function untilStatus(key: string, event: string, status: string): Promise<Record<string, unknown>> {
  return vi.waitUntil(
    async () => {
      const { json } = await call("GET", `/v1/events/${event}`, { key });
      const deliveries = (json["deliveries"] ?? []) as { status: string }[];
      return deliveries.length > 0 && deliveries.every((delivery) => delivery.status === status) && json;
    },
    { timeout: 10_000, interval: 25 },
  );
}
