import HmacValidator from "@adyen/api-library/lib/src/utils/hmacValidator.js";
import fc from "fast-check";
import { expect, it } from "vitest";

import { signItem } from "../../scripts/samples/adyen.ts";
import { adyen } from "../../src/providers/adyen.ts";
import { adyenPlatform } from "../../src/providers/adyen-platform.ts";

// A CommonJS module: its default export is one deeper in Node.
const Validator = (HmacValidator as unknown as { default?: typeof HmacValidator }).default ?? HmacValidator;
const official = new Validator();
const [KEY, OTHER] = ["1C".repeat(32), "2D".repeat(32)];
const RUNS = { numRuns: 1000 };

const plain = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes(":"));
const item = fc.record(
  {
    pspReference: plain,
    originalReference: plain,
    merchantAccountCode: plain,
    merchantReference: fc.string({ unit: "binary", maxLength: 30 }),
    amount: fc.record({ value: fc.nat(), currency: fc.constantFrom("EUR", "JPY") }),
    eventCode: fc.constantFrom("AUTHORISATION", "REFUND"),
    success: fc.constantFrom("true", "false"),
  },
  { requiredKeys: ["pspReference", "amount", "eventCode", "success"] },
);
const change = fc.constantFrom("none", "field", "key", "malformed", "short", "empty");

function changed(signature: string, how: string): string {
  if (how === "malformed") return "not a signature";
  if (how === "short") return signature.slice(4);
  return how === "empty" ? "" : signature;
}

it("agrees with Adyen's package on standard notifications", async () => {
  await fc.assert(
    fc.asyncProperty(item, change, async (made, how) => {
      const hmacSignature = changed(signItem(made, how === "key" ? OTHER : KEY), how);
      const sent = {
        ...made,
        ...(how === "field" && { pspReference: `${made.pspReference}x` }),
        additionalData: { hmacSignature },
      };
      const body = JSON.stringify({ live: "false", notificationItems: [{ NotificationRequestItem: sent }] });
      const request = { body: new TextEncoder().encode(body), headers: new Headers(), url: "" };
      const { ok } = await adyen.verify(request, [KEY], { now: 0 });
      // It throws where there is no signature.
      const theirs = hmacSignature !== "" && official.validateHMAC(sent as never, KEY);
      expect(ok).toBe(theirs);
      expect(ok).toBe(how === "none");
    }),
    RUNS,
  );
});

it("agrees with Adyen's package on webhooks of the platform", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), change, async (text, how) => {
      const signature = changed(official.calculateHmac(text, how === "key" ? OTHER : KEY), how);
      const sent = how === "field" ? `${text} ` : text;
      const headers = new Headers({ hmacsignature: signature });
      const request = { body: new TextEncoder().encode(sent), headers, url: "" };
      const { ok } = await adyenPlatform.verify(request, [KEY], { now: 0 });
      expect(ok).toBe(official.validateHMACSignature(KEY, signature, sent));
      expect(ok).toBe(how === "none");
    }),
    RUNS,
  );
});
