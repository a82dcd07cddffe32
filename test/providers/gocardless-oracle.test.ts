import { createHmac } from "node:crypto";

import fc from "fast-check";
import { verifySignature } from "gocardless-nodejs/webhooks";
import { expect, it } from "vitest";

import { gocardless } from "../../src/providers/gocardless.ts";

const SECRET = "rowing-club";
const FAULTS: Record<string, (header: string) => string> = {
  none: (header) => header,
  "capital digits": (header) => header.toUpperCase(),
  short: (header) => header.slice(0, -2),
  long: (header) => `${header}00`,
  "no hex": () => "x",
  another: (header) => `${header.startsWith("0") ? "1" : "0"}${header.slice(1)}`,
  // Its defect: it reads hex up to the first character that is none.
  "no hex behind it": (header) => `${header}zz`,
};

it("gets the verdict of gocardless-nodejs, but for its defects", async () => {
  const anyCase = fc.record({
    text: fc.string({ unit: "grapheme", maxLength: 100 }),
    fault: fc.constantFrom(...Object.keys(FAULTS)),
    isTampered: fc.boolean(),
    // Another of its defects: with an empty secret anyone can sign.
    secret: fc.constantFrom(SECRET, SECRET, "other", ""),
  });
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ text, fault, isTampered, secret }) => {
      const signingKey = secret === "" ? "" : SECRET;
      const signed = JSON.stringify({ text });
      const body = Buffer.from(isTampered ? `${signed} ` : signed);
      const header = FAULTS[fault]!(createHmac("sha256", signingKey).update(signed).digest("hex"));
      let isOfficial = true;
      try {
        verifySignature(body, secret, header);
      } catch {
        isOfficial = false;
      }
      const headers = new Headers({ "webhook-signature": header });
      const { ok } = await gocardless.verify({ body, headers, url: "" }, [secret], { now: 0 });
      expect(ok).toBe(isOfficial && fault !== "no hex behind it" && secret !== "");
    }),
    { numRuns: 1000 },
  );
});
