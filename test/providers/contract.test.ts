// What every provider's adapter holds to, in Node and in workerd. That none needs Node's modules is shown by
// test/e2e/providers.test.ts, whose Worker has none.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import type { ProviderSamples } from "../../scripts/samples/sample.ts";
import { applyEvent } from "../../src/event/lifecycle.ts";
import type { ProviderEvent } from "../../src/event/event.ts";
import { providerOf } from "../../src/providers/index.ts";
import { type Acknowledgement, type SignedRequest, UnparseableError } from "../../src/providers/provider.ts";
import { MAX_HEADER_LENGTH, MAX_SECRETS } from "../../src/providers/signature.ts";
import { answersOf } from "./acknowledgements.ts";
import { amountOf, digitsOf, eventOf, flipped, mapLeaves, moneyOf, NOW, signed, withHeader } from "./contract.ts";

/** These carry their signature in the body; all others in a header. */
const SIGNED_IN_BODY = ["adyen", "alipay", "braintree"];
/** How far an event can be believed by what its signature covers. */
const AUTHENTICITY = { body: "signed", fields: "signed-weak", checksum: "signed-weak", nothing: "token" };
/** Keys under which providers name amounts. */
const AMOUNT = /amount|total|value|price|gross|net|sum|fee/i;
/** What is no amount, or none that money can be made of in every unit. */
const ABSURD = [
  [1e308, 2 ** 53 + 2, -1, -1999, 0.5, 19.999, 1e-7, 123_456_789.123_456_78, null, true],
  ["NaN", "Infinity", "1e3", "0x10", "12abc", "", " 12", "--1", "1,5", "１９", "9".repeat(400)],
].flat();

describe.each(samples)("$provider", (provider) => {
  const { verify, normalize, acknowledge } = bound(provider);
  let keys: Keys;
  let others: Keys;
  let request: SignedRequest;

  beforeAll(async () => {
    [keys, others] = await Promise.all([provider.newKeys(), provider.newKeys()]);
    request = await signed(provider, eventOf(provider.events[0]!), keys);
  });

  describe("its samples", () => {
    it("are ten types or more, or all that there are, each with its source", () => {
      const least = provider.areAll ? 5 : 10;
      expect(new Set(provider.events.map(({ type, is }) => `${type} ${is}`)).size).toBeGreaterThanOrEqual(least);
      expect(provider.events.filter(({ source }) => source.length < 10)).toEqual([]);
    });

    it.each(provider.events)("$type is a verified $is", async (sample) => {
      const request = await signed(provider, eventOf(sample), keys);
      expect(await verify(request, [keys.secret])).toEqual({ ok: true, secretIndex: 0 });
      const [event, ...rest] = await normalize(request, [keys.secret]);
      expect(rest).toEqual([]);
      expect(event).toMatchObject({ type: sample.is, authenticity: AUTHENTICITY[provider.covers] });
      if (sample.amount !== undefined) expect(amountOf(event!)).toBe(sample.amount);
      for (const { value } of moneyOf(event!)) expect(value).toMatch(/^-?\d{1,18}$/);
      const { payment, refund, dispute, payout } = event!.data;
      const [family] = sample.is.split(".");
      if (family === "payment") expect(payment?.id).toMatch(/./);
      if (family === "refund") expect(payment?.id ?? refund?.id).toMatch(/./);
      if (family === "dispute") expect(payment?.id ?? dispute?.id).toMatch(/./);
      if (family === "payout") expect(payout?.id).toMatch(/./);
    });

    it("are the same event where they have the same id, and another with another", async () => {
      const [sample] = provider.events;
      const idOf = async (id: string) => {
        const event = eventOf(sample!, id);
        const [normalized] = await normalize(await signed(provider, event, keys), [keys.secret]);
        return normalized!.eventId;
      };
      if (!provider.isIdInHeader) expect(await idOf("a1")).toBe(await idOf("a1"));
      const [one, other] = [await idOf("a1"), await idOf("b2")];
      expect(one === null ? other : one !== other).toBe(one === null ? null : true);
    });

    it("are unknown, and kept, where the type is one that nobody knows", async () => {
      const [sample] = provider.events;
      const event =
        provider.unmapped?.("4k7", NOW * 1000) ??
        mapLeaves(eventOf(sample!), (leaf) => (leaf === sample!.type ? "paybell.no_such_type" : leaf));
      expect(event).not.toEqual(eventOf(sample!));
      const request = await signed(provider, event, keys);
      expect(await verify(request, [keys.secret])).toMatchObject({ ok: true });
      expect(await normalize(request, [keys.secret])).toMatchObject([{ type: "unknown" }]);
    });
  });

  it("names nothing by an empty id, whichever field of its samples is empty", async () => {
    for (const sample of provider.events) {
      const event = eventOf(sample);
      let leaves = 0;
      mapLeaves(event, () => (leaves += 1));
      for (let empty = 0; empty < leaves; empty++) {
        let at = 0;
        const emptied = mapLeaves(event, (leaf) => (at++ === empty ? "" : leaf));
        for (const { eventId, customer, data } of await eventsOrNone(await signed(provider, emptied, keys))) {
          const ids = Object.values(data).map((about: object) => ("id" in about ? about.id : null));
          expect([eventId, customer, ...ids]).not.toContain("");
        }
      }
    }
  });

  describe("what was changed on its way", () => {
    it.runIf(provider.covers === "body" || provider.covers === "checksum")(
      "is refused, whichever byte of the body",
      async () => {
        const { length } = request.body;
        for (const index of [
          0,
          1,
          length - 2,
          length - 1,
          ...Array.from({ length: 32 }, (_, n) => (n * length) >> 5),
        ]) {
          expect([index, await verify(flipped(request, index), [keys.secret])]).toMatchObject([index, { ok: false }]);
        }
      },
    );

    it.runIf(provider.covers === "fields")("is refused in the fields that are signed", async () => {
      const verdicts = await Promise.all(
        Array.from(request.body, (_, index) => verify(flipped(request, index), [keys.secret])),
      );
      expect(verdicts.filter(({ ok }) => !ok).length).toBeGreaterThan(20);
    });

    it.skipIf(SIGNED_IN_BODY.includes(provider.provider))("is refused in the headers that are signed", async () => {
      const names = (await neededHeaders()).filter((name) => !provider.unsignedHeaders?.includes(name));
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const value = request.headers.get(name)!;
        for (const changed of [
          "",
          value.slice(1),
          value.slice(0, -1),
          `${value}0`,
          value.replace(/\w(?=\W*$)/, nextTo),
        ]) {
          const verification = await verify(withHeader(request, name, changed), [keys.secret]);
          expect([name, changed, verification]).toMatchObject([name, changed, { ok: false }]);
        }
      }
    });

    it("is read as it stands where only the content type is another", async () => {
      for (const contentType of [null, "text/plain", "image/png", "multipart/form-data; boundary=x", ";;;"]) {
        const other = withHeader(request, "content-type", contentType);
        const verification = await verify(other, [keys.secret]);
        if (verification.ok) expect(await normalize(other, [keys.secret])).toHaveLength(1);
        else expect(verification.reason).toMatch(/^[a-z_]+$/);
      }
    });

    it("is refused with a header that is oversized", async () => {
      for (const name of SIGNED_IN_BODY.includes(provider.provider) ? [] : await neededHeaders()) {
        for (const junk of [",x=", ";x=", " v1,", ""]) {
          const long = `${request.headers.get(name)}${junk}${"a".repeat(MAX_HEADER_LENGTH)}`;
          expect(await verify(withHeader(request, name, long), [keys.secret])).toMatchObject({ ok: false });
        }
      }
    });
  });

  describe("its secrets", () => {
    it("are refused where they are wrong, blank, none or too many", async () => {
      const tooMany = Array.from({ length: MAX_SECRETS + 1 }, () => keys.secret);
      for (const secrets of [[others.secret], [""], ["  "], ["", "\n"], [], tooMany, ["{}"], ["[]"], ["null"]]) {
        const verification = await verify(request, secrets);
        expect([secrets, verification]).toEqual([secrets, { ok: false, reason: expect.stringMatching(/^[a-z_]+$/) }]);
      }
    });

    it("may be several: the verdict says which one fits", async () => {
      expect(await verify(request, [keys.secret, others.secret])).toEqual({ ok: true, secretIndex: 0 });
      expect(await verify(request, ["", others.secret, keys.secret])).toEqual({ ok: true, secretIndex: 2 });
      const [event] = await normalize(request, [others.secret, keys.secret]);
      expect(event?.type).toBe(provider.events[0]!.is);
    });
  });

  const { toleranceSeconds } = provider;

  it.runIf(toleranceSeconds === null)("takes what was signed long ago: no time is signed", async () => {
    const old = await signed(provider, eventOf(provider.events[0]!), { ...keys, now: NOW - 400 * 86_400 });
    expect(await verify(old, [keys.secret])).toMatchObject({ ok: true });
  });

  it.runIf(toleranceSeconds !== null)("takes no time that is too old or too far ahead, to the second", async () => {
    const tolerance = toleranceSeconds!;
    const verdictAt = async (now: number, options = {}) => {
      const request = await signed(provider, eventOf(provider.events[0]!), { ...keys, now });
      return verify(request, [keys.secret], options);
    };
    for (const away of [tolerance, -tolerance]) {
      expect(await verdictAt(NOW + away)).toMatchObject({ ok: true });
      expect(await verdictAt(NOW + away + Math.sign(away))).toEqual({ ok: false, reason: expect.any(String) });
      expect(await verdictAt(NOW + away, { toleranceSeconds: tolerance - 1 })).toMatchObject({ ok: false });
      expect(await verdictAt(NOW + 1000 * away, { toleranceSeconds: Infinity })).toMatchObject({ ok: true });
    }
  });

  describe("an absurd amount", () => {
    it.each(ABSURD)("of %j is exact or not there, and no other amount", async (absurd) => {
      let replaced = 0;
      for (const sample of provider.events) {
        const event = eventOf(sample);
        const plain = await normalize(await signed(provider, event, keys), [keys.secret]);
        const strange = mapLeaves(event, (leaf, key) => {
          if (!AMOUNT.test(key) || digitsOf(leaf) === null) return leaf;
          replaced += 1;
          return absurd;
        });
        const request = await signed(provider, strange, keys);
        expect(await verify(request, [keys.secret])).toMatchObject({ ok: true });
        const right = [digitsOf(absurd), ...plain.flatMap(moneyOf).map(({ value }) => digitsOf(value))];
        for (const { value } of (await normalize(request, [keys.secret])).flatMap(moneyOf)) {
          expect(value).toMatch(/^-?\d{1,40}$/);
          expect(right).toContain(digitsOf(value));
        }
      }
      expect(replaced > 0).toBe(!provider.isMoneyless);
    });

    it.each(ABSURD)("of %j in place of every number throws nothing but that it is no event", async (absurd) => {
      for (const sample of provider.events) {
        const strange = mapLeaves(eventOf(sample), (leaf) => (digitsOf(leaf) === null ? leaf : absurd));
        await eventsOrNone(await signed(provider, strange, keys));
      }
    });
  });

  describe("a refund", () => {
    const ID = /id$|reference|number/i;

    it.each([
      ["an amount", (leaf: unknown, key: string) => (AMOUNT.test(key) && digitsOf(leaf) !== null ? null : leaf)],
      ["ids", (leaf: unknown, key: string) => (ID.test(key) ? null : leaf)],
      ["ids, which are empty", (leaf: unknown, key: string) => (ID.test(key) ? "" : leaf)],
    ])("without %s is never taken for all of the payment, and has no empty id", async (_, without) => {
      for (const sample of provider.events.filter(({ is }) => is.startsWith("refund."))) {
        const strange = await signed(provider, mapLeaves(eventOf(sample), without), keys);
        for (const { data, type } of await eventsOrNone(strange)) {
          expect([data.refund?.id, data.payment?.id]).not.toContain("");
          const { currency } = data.refund?.amount ?? data.payment?.refunded ?? { currency: "EUR" };
          const payment = { ...data.payment, id: "p", amount: { value: "9".repeat(18), currency } };
          const event = { type, occurredAt: 0, livemode: true, user: null, origin: null };
          const paid = applyEvent(null, { ...event, type: "payment.succeeded", data: { payment } }, "1")!.facts;
          const { truth } = applyEvent(paid, { ...event, data: { ...data, payment } }, "2")!;
          if (!data.refund?.whole) expect(truth.status).not.toBe("refunded");
        }
      }
    });
  });

  describe("a body that is no event", () => {
    it("is unparseable where it is broken", async () => {
      const { body } = request;
      const isJson = body[0] === 0x7b;
      const broken = isJson ? [body.slice(0, -1), body.slice(1), Uint8Array.of(...body, 0x7d)] : [];
      const others = ["", "null", "[]", "12", '"{}"', "{}", "{", "\u0000"].map((text) =>
        new TextEncoder().encode(text),
      );
      for (const bytes of [...broken, ...others, Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)]) {
        if (provider.takesAnything && new TextDecoder().decode(bytes) === "{}") continue;
        await expect(normalize({ ...request, body: bytes }, [keys.secret])).rejects.toThrow(UnparseableError);
      }
    });

    it("is unparseable or read, however deep, wide or long", async () => {
      const texts = ["[", "{", '{"a":', "&", "%", "=", "<a>", '"', "\\", " ", "\n", "9", ":"];
      for (const text of texts) {
        const body = new TextEncoder().encode(text.repeat((1024 * 1024) / text.length));
        expect(await verify({ ...request, body }, [keys.secret])).toHaveProperty("ok", provider.covers === "nothing");
        await eventsOrNone({ ...request, body });
      }
    });
  });

  it("never throws, whatever bytes and headers come", async () => {
    const value = fc
      .string({ unit: "binary-ascii", maxLength: 300 })
      .map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?"));
    const junk = fc
      .constantFrom(",", ";", "=", " ", ".", "|", "t=1,", "v1,")
      .map((text) => text.repeat(MAX_HEADER_LENGTH / text.length));
    const names = [...request.headers.keys()];
    const headers = fc.record(Object.fromEntries(names.map((name) => [name, fc.oneof(value, junk)])), {
      requiredKeys: [],
    });
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 512 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(headers, body, fc.array(fc.string(), { maxLength: 3 }), async (headers, body, secrets) => {
        const hostile = { body, headers: new Headers(headers as Record<string, string>), url: request.url };
        // A header that is a secret would be right where the secret itself is sent.
        const others = secrets.filter((secret) => ![...hostile.headers.values()].includes(secret));
        expect(await verify(hostile, [keys.secret, ...others])).toHaveProperty("ok", false);
        await eventsOrNone(hostile);
      }),
      { numRuns: 100 },
    );
  });

  it.each(Object.entries(answersOf(provider.provider)))("hears of what is %s", async (outcome, answer) => {
    const response = acknowledge(outcome as Acknowledgement);
    const { status } = response;
    const headers = Object.fromEntries(response.headers);
    expect({ status, body: await response.text(), headers }).toEqual(answer);
  });

  /** The headers without which the request is refused. */
  async function neededHeaders(): Promise<string[]> {
    const names = [...request.headers.keys()];
    const verdicts = await Promise.all(names.map((name) => verify(withHeader(request, name, null), [keys.secret])));
    return names.filter((_, n) => !verdicts[n]!.ok);
  }

  /** Reads a body that may be none; what it throws has to say so. */
  async function eventsOrNone(request: SignedRequest): Promise<ProviderEvent[]> {
    try {
      return await normalize(request, [keys.secret]);
    } catch (error) {
      expect(error).toBeInstanceOf(UnparseableError);
      return [];
    }
  }
});

type Keys = Awaited<ReturnType<ProviderSamples["newKeys"]>>;

/** A provider's adapter with the config that a source of its samples has. */
function bound({ provider: name, config }: ProviderSamples) {
  const provider = providerOf(name)!;
  return {
    verify: (request: SignedRequest, secrets: string[], options: { toleranceSeconds?: number } = {}) =>
      provider.verify(request, secrets, { now: NOW, ...(config && { config }), ...options }),
    normalize: (request: SignedRequest, secrets: string[]) => provider.normalize(request, secrets, config),
    acknowledge: (outcome: Acknowledgement) => provider.acknowledge(outcome),
  };
}

/** Another character of the same kind. */
function nextTo(char: string): string {
  return char === "0" ? "1" : char.toLowerCase() === "a" ? "b" : /\d/.test(char) ? "0" : "a";
}
