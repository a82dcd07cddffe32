import { describe, expect, it } from "vitest";

import { readBody } from "../../src/platform/body.ts";

const MAX_BYTES = 1000;

/** A body that comes in pieces of 100 bytes, of which it counts how many were asked for. */
function coming(pieces: number, headers: Record<string, string> = {}) {
  const seen = { pieces: 0, isCanceled: false };
  const body = new ReadableStream({
    pull: (controller) => {
      if (seen.pieces === pieces) return controller.close();
      seen.pieces += 1;
      controller.enqueue(new Uint8Array(100).fill(seen.pieces));
    },
    cancel: () => {
      seen.isCanceled = true;
    },
  });
  return { message: new Response(body, { headers }), seen };
}

describe("a body", () => {
  it("is read whole up to the limit, whether it says how long it is or not", async () => {
    for (const headers of [{}, { "content-length": String(MAX_BYTES) }]) {
      const bytes = await readBody(coming(10, headers).message, MAX_BYTES);
      expect(bytes).toEqual(Uint8Array.from({ length: MAX_BYTES }, (_, at) => Math.floor(at / 100) + 1));
    }
  });

  it("that does not say how long it is ends where the limit is passed: nothing of it is used", async () => {
    const { message, seen } = coming(1_000_000);
    expect(await readBody(message, MAX_BYTES)).toBeNull();
    expect(seen.isCanceled).toBe(true);
    expect(seen.pieces).toBeLessThan(20);
  });

  it("that says that it is too long is not read, and one that is longer than it says is not used", async () => {
    const long = coming(1_000_000, { "content-length": String(MAX_BYTES + 1) });
    expect(await readBody(long.message, MAX_BYTES)).toBeNull();
    expect(long.seen.isCanceled).toBe(true);
    expect(long.seen.pieces).toBeLessThan(3);
    expect(await readBody(coming(11, { "content-length": "1" }).message, MAX_BYTES)).toBeNull();
  });
});
