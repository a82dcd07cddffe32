import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGzip } from "node:zlib";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the server of this page is, without a slash at its end. */
    receiver: string;
  }
}

/** How it answers, by path, for what a mocked fetch cannot show: all of it real bytes over a real socket. */
const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  "/stalls": (response) => response.write("so far"),
  "/trickles": (response) => {
    const timer = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(timer));
  },
  "/late": (response) => {
    response.write("so far");
    setTimeout(() => response.end(), 400);
  },
  "/resets": (response) => response.socket?.resetAndDestroy(),
  "/hangs-up": (response) => response.socket?.end(),
  "/cuts-off": (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("so far");
    setTimeout(() => response.socket?.resetAndDestroy(), 50);
  },
  "/inflates": (response) => {
    response.setHeader("content-encoding", "gzip");
    const gzip = createGzip();
    gzip.pipe(response);
    const zeros = "0".repeat(1_000_000);
    const more = () => {
      while (!response.closed && gzip.write(zeros));
    };
    gzip.on("drain", more);
    more();
  },
};

/** A server for the whole run of the tests. */
export async function setup({ provide }: TestProject): Promise<() => void> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const answer = ANSWERS[request.url ?? ""];
      return answer === undefined ? response.writeHead(404).end() : answer(response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  provide("receiver", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
