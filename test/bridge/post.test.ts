import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { deliver, readAnswer, type Delivery } from "../../bridge/post.ts";
import { standard } from "../../src/providers/standard.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENT = { id: "m-1", body: '{"type":"payment.succeeded"}' };
const NOW = Date.UTC(2026, 10, 24);

describe("an answer", () => {
  it.each([
    [200, "accepted"],
    [202, "accepted"],
    [400, "refused"],
    [413, "refused"],
    [422, "refused"],
    [301, "misconfigured"],
    [401, "misconfigured"],
    [403, "misconfigured"],
    [404, "misconfigured"],
    [405, "misconfigured"],
    [410, "misconfigured"],
    [408, "later"],
    [429, "later"],
    [500, "later"],
    [503, "later"],
    [530, "later"],
  ])("%i is %s", (status, kind) => {
    expect(readAnswer(status, new Headers(), NOW).kind).toBe(kind);
  });

  it.each([
    ["7", 7000],
    ["86400", 300_000],
    ["Tue, 24 Nov 2026 00:01:00 GMT", 60_000],
    ["soon", 0],
  ])("with retry-after %s is waited for %i ms, and never for long", (header, afterMs) => {
    expect(readAnswer(503, new Headers({ "retry-after": header }), NOW)).toMatchObject({ afterMs });
  });
});

describe("delivering", () => {
  let server: Server;
  let url = "";
  let answer: (request: IncomingMessage, response: ServerResponse, attempt: number) => void;
  let seen: { headers: Headers; body: string }[];
  let held: string[];
  let stopping: AbortController;
  let aborting: AbortController;

  beforeEach(async () => {
    seen = [];
    held = [];
    stopping = new AbortController();
    aborting = new AbortController();
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        seen.push({ headers: new Headers(request.headers as Record<string, string>), body });
        answer(request, response, seen.length);
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingest/src_1`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const start = (more: Partial<Delivery> = {}) =>
    deliver({ url, secret: SECRET }, EVENT, {
      stopping: stopping.signal,
      aborting: aborting.signal,
      onHeld: (reason) => held.push(reason),
      pauseMs: () => 0,
      ...more,
    });

  it("signs so that a source of the provider standard takes it", async () => {
    answer = (_, response) => response.end();
    expect(await start()).toEqual({ kind: "accepted" });
    const { headers, body } = seen[0]!;
    const request = { body: new TextEncoder().encode(body), headers, url };
    expect(await standard.verify(request, [SECRET], { now: Date.now() / 1000 })).toMatchObject({ ok: true });
    expect(headers.get("webhook-id")).toBe("m-1");
    expect(body).toBe(EVENT.body);
  });

  it("holds on to an event through failures, always with the same id and body", async () => {
    answer = (request, response, attempt) => {
      if (attempt === 1) response.writeHead(503).end();
      else if (attempt === 2) request.socket.destroy();
      else response.end();
    };
    expect(await start()).toEqual({ kind: "accepted" });
    expect(held).toEqual(["http_503", expect.stringMatching(/^no_answer /)]);
    expect(new Set(seen.map(({ headers, body }) => `${headers.get("webhook-id")} ${body}`)).size).toBe(1);
    expect(seen).toHaveLength(3);
  });

  it("follows no redirect", async () => {
    answer = (_, response) => response.writeHead(307, { location: url }).end();
    expect(await start()).toEqual({ kind: "misconfigured", reason: "http_307" });
    expect(seen).toHaveLength(1);
  });

  it("says what is refused", async () => {
    answer = (_, response) => response.writeHead(422).end("{}");
    expect(await start()).toEqual({ kind: "refused", reason: "http_422" });
  });

  it("begins nothing once it is told to stop, and ends a pause", async () => {
    answer = (_, response) => response.writeHead(503).end();
    const ended = start({ pauseMs: () => 3_600_000, onHeld: () => stopping.abort() });
    expect(await ended).toEqual({ kind: "stopped" });
    expect(await start()).toEqual({ kind: "stopped" });
    expect(seen).toHaveLength(1);
  });

  it("says of an attempt that is cut off no more than that it is not known", async () => {
    answer = () => {
      stopping.abort();
      aborting.abort();
    };
    expect(await start()).toEqual({ kind: "stopped" });
  });

  it("lets an attempt that is under way end when it is told to stop", async () => {
    answer = (_, response) => {
      stopping.abort();
      response.end();
    };
    expect(await start()).toEqual({ kind: "accepted" });
  });
});
