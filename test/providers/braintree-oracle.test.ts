import { BraintreeGateway, Environment, WebhookNotification } from "braintree";
import fc from "fast-check";
import { expect, it } from "vitest";

import { braintreeSamples as samples } from "../../scripts/samples/braintree.ts";
import { braintree } from "../../src/providers/braintree.ts";
import { mapLeaves } from "./contract.ts";

const KEYS = { publicKey: "nordwind-public", privateKey: "nordwind-private" };
const SECRET = JSON.stringify(KEYS);
const AT = Date.parse("2026-11-24T09:30:00Z");

const gatewayOf = (keys: typeof KEYS) =>
  new BraintreeGateway({ environment: Environment.Sandbox, merchantId: "nordwind", ...keys });
const gateway = gatewayOf(KEYS);

const official = async (signature: string, payload: string) =>
  gateway.webhookNotification.parse(signature, payload).then(
    () => true,
    () => false,
  );
const requestOf = (signature: string, payload: string) => ({
  body: new TextEncoder().encode(String(new URLSearchParams({ bt_signature: signature, bt_payload: payload }))),
  headers: new Headers(),
  url: "",
});
const ours = async (signature: string, payload: string) =>
  (await braintree.verify(requestOf(signature, payload), [SECRET], { now: 0 })).ok;

/** A notification as our samples sign it. */
async function signed(event: unknown, keys = KEYS): Promise<[signature: string, payload: string]> {
  const { body } = await samples.sign(event, { signingKey: JSON.stringify(keys), now: AT / 1000, url: "" });
  const form = new URLSearchParams(new TextDecoder().decode(body));
  return [form.get("bt_signature")!, form.get("bt_payload")!];
}

it("is judged as by Braintree's own package", async () => {
  const id = fc.stringMatching(/^[a-z0-9]{1,20}$/);
  const damage = fc.constantFrom("none", "newline", "others", "payload", "private", "public", "cut", "longer", "space");
  let good = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...samples.events), id, damage, async (sample, name, how) => {
      const keys = {
        publicKey: how === "public" ? "other" : KEYS.publicKey,
        privateKey: how === "private" ? "other" : KEYS.privateKey,
      };
      const [signature, payload] = await signed(sample.make(name, AT), keys);
      const sent = {
        none: [signature, payload],
        newline: [signature, payload.slice(0, -1)],
        others: [`other|${"0".repeat(40)}&junk&${signature}`, payload],
        payload: [signature, payload.replace(/^./, "Q")],
        cut: [signature.slice(0, -2), payload],
        longer: [`${signature}0a`, payload],
        space: [signature, payload.replace("\n", " ")],
      }[how as "none"] ?? [signature, payload];
      const verdict = await ours(sent[0]!, sent[1]!);
      expect([how, verdict]).toEqual([how, await official(sent[0]!, sent[1]!)]);
      good += Number(verdict);
    }),
    { numRuns: 1000 },
  );
  expect(good).toBeGreaterThan(200);
});

it("differs in these", async () => {
  const [signature, payload] = await signed(samples.events[0]!.make("x1", AT));
  const both = async (changed: string) => [await ours(changed, payload), await official(changed, payload)];
  // Digits of upper case are digits, and another signature of the same key may be the good one.
  const upper = signature.replace(/[0-9a-f]{40}$/, (hex) => hex.toUpperCase());
  expect(await both(upper)).toEqual([true, false]);
  expect(await both(`${KEYS.publicKey}|${"0".repeat(40)}&${signature}`)).toEqual([true, false]);
  // A signature ends where it ends.
  expect(await both(`${signature}\0`)).toEqual([false, true]);
  expect(await both(`${signature}|more`)).toEqual([false, true]);
});

/** A value of ours as Braintree's package has it, but for the types of what is no text. */
function inTheirWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inTheirWords);
  if (typeof value !== "object" || value === null) return value;
  const camel = (name: string) => name.replaceAll(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), inTheirWords(inner)]));
}

it.each(Object.values(WebhookNotification.Kind))("reads Braintree's own sample of %s as they do", async (kind) => {
  const { bt_signature: signature, bt_payload: payload } = await gateway.webhookTesting.sampleNotification(kind, "b7");
  const theirs = await gateway.webhookNotification.parse(signature, payload);
  expect(await ours(signature, payload)).toBe(true);
  const [event] = await braintree.normalize(requestOf(signature, payload), [SECRET]);
  expect(event).toMatchObject({ providerType: kind, occurredAt: Date.parse(theirs.timestamp) });
  const texts = mapLeaves(theirs.subject, (leaf) => (typeof leaf === "boolean" ? `${leaf}` : leaf));
  expect(inTheirWords((event!.raw as { subject: unknown }).subject)).toEqual(texts);
});

it("answers a challenge as Braintree's own package does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[0-9a-fg]{0,34}$/), async (challenge) => {
      const request = new Request(`https://paybell.example/ingest/src_1?bt_challenge=${challenge}`);
      const response = await braintree.handshake!(request, [SECRET]);
      const answer = response.status === 200 ? await response.text() : null;
      let theirs: string | null = null;
      try {
        theirs = gateway.webhookNotification.verify(challenge);
      } catch {
        // It is none.
      }
      expect(answer).toBe(theirs);
    }),
    { numRuns: 1000 },
  );
});
