import fc from "fast-check";
import { WebhooksHelper } from "square";
import { expect, it } from "vitest";

import { square } from "../../src/providers/square.ts";
import { squareSamples } from "../../scripts/samples/square.ts";

const url = "https://paybell.example/ingest/src_1";

it("agrees with Square's package", async () => {
  const change = fc.constantFrom("none", "body", "key", "url", "header");
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), change, async (event, how) => {
      const signingKey = how === "key" ? "other" : "key";
      const made = await squareSamples.sign(event, { signingKey, now: 0, url: how === "url" ? `${url}/` : url });
      if (how === "header") made.headers.set("x-square-hmacsha256-signature", "malformed");
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(made.body) + (how === "body" ? " " : "");
      const request = { ...made, url, body: new TextEncoder().encode(text) };
      const { ok } = await square.verify(request, ["key"], { now: 0 });
      const theirs = await WebhooksHelper.verifySignature({
        requestBody: text,
        signatureHeader: made.headers.get("x-square-hmacsha256-signature")!,
        signatureKey: "key",
        notificationUrl: url,
      });
      expect(ok).toBe(theirs);
      expect(ok).toBe(how === "none");
    }),
    { numRuns: 1000 },
  );
});
