import type { ProviderSamples } from "./sample.ts";
import { bytesOf, hexOf, hmacOf, randomBase64, sharing } from "./signing.ts";
import { canonicalEvents } from "./standard.ts";

/** One of the many ways in which a source may sign: a time, a dot and the body; the event's id stands in the body. */
export const hmacSamples: ProviderSamples = {
  provider: "hmac",
  config: {
    header: "x-signature",
    signed: ["timestamp", { text: "." }, "body"],
    timestampHeader: "x-timestamp",
    idFrom: "/id",
  },
  toleranceSeconds: 300,
  takesAnything: true,
  covers: "body",

  newKeys: sharing(() => randomBase64(24)),

  async sign(event, { signingKey, now, url }) {
    const body = bytesOf(JSON.stringify(event));
    const headers = new Headers({
      "content-type": "application/json",
      "x-timestamp": String(now),
      "x-signature": hexOf(await hmacOf(signingKey, [`${now}.`, body])),
    });
    return { body, headers, url };
  },

  events: canonicalEvents.map((sample) => ({
    ...sample,
    make: (id, at) => ({ id: `e_${id}`, ...(sample.make(id, at) as object) }),
  })),
};
