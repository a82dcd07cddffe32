import { Paddle } from "@paddle/paddle-node-sdk";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { paddleSamples } from "../../scripts/samples/paddle.ts";
import { paddle } from "../../src/providers/paddle.ts";

const NOW = 1_764_000_000;
const SECRET = "pdl_ntfset_harbour";
const WRONG = `h1=${"0".repeat(64)}`;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 }));
afterEach(() => vi.useRealTimers());

const FAULTS: Record<string, (header: string) => string> = {
  none: (header) => header,
  "unknown version": (header) => `${header};h2=new`,
  "wrong signature first": (header) => header.replace(";", `;${WRONG};`),
  "no time": (header) => header.replace(/ts=\d+;/, ""),
  "another time": (header) => header.replace(/ts=(\d)/, "ts=2"),
  "no signature": (header) => header.replace(/;.*/, ""),
  "short signature": (header) => header.slice(0, -2),
  "capital signature": (header) => header.replace(/h1=.*/, (item) => `h1=${item.slice(3).toUpperCase()}`),
  "no header": () => "x",
  // Its defects: of several signatures it sees the last alone, and it reads digits at the start of a time as the time.
  "wrong signature last": (header) => `${header};${WRONG}`,
  "time with a tail": (header) => header.replace(";", "s;"),
};
/** What is right where the official package is not. */
const DEFECTS = new Map([
  ["wrong signature last", true],
  ["time with a tail", false],
]);

it("gets the verdict of @paddle/paddle-node-sdk, but for its defects", async () => {
  const webhooks = new Paddle("unused").webhooks;
  const anyCase = fc.record({
    text: fc.string({ unit: "grapheme", maxLength: 100 }),
    fault: fc.constantFrom(...Object.keys(FAULTS)),
    isTampered: fc.boolean(),
    secret: fc.constantFrom(SECRET, SECRET, "pdl_ntfset_other"),
    age: fc.integer({ min: -9, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ text, fault, isTampered, secret, age }) => {
      const signed = await paddleSamples.sign({ text }, { signingKey: SECRET, now: NOW - age, url: "" });
      const body = isTampered ? Buffer.from(`${Buffer.from(signed.body).toString()} `) : signed.body;
      const header = FAULTS[fault]!(signed.headers.get("paddle-signature")!);
      const official = await webhooks.isSignatureValid(Buffer.from(body).toString(), secret, header).catch(() => false);
      const { ok } = await paddle.verify(
        { body, headers: new Headers({ "paddle-signature": header }), url: "" },
        [secret],
        { now: NOW, toleranceSeconds: 5 },
      );
      const isGenuine = !isTampered && secret === SECRET;
      const isRight = DEFECTS.has(fault) ? DEFECTS.get(fault)! && isGenuine && age <= 5 : official;
      // Another of its defects: it takes times of the future, however far.
      expect(ok).toBe(isRight && age >= -5);
    }),
    { numRuns: 1000 },
  );
});
