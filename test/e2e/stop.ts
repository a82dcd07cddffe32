import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that the Worker tells when it has come to the place where it shall be killed. */
export async function startStop(): Promise<{ url: string; reached: Promise<void>; close(): void }> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.end();
    resolve();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, reached, close: () => server.close() };
}
