import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { coinbaseCommerceSamples as samples } from "../../scripts/samples/coinbase-commerce.ts";
import { coinbaseCommerce } from "../../src/providers/coinbase-commerce.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

const AT = Date.UTC(2026, 10, 24, 9, 30);
const secret = "course-shared-secret";
const macOf = (body: Uint8Array, key = secret) => createHmac("sha256", key).update(body).digest("hex");

function requestOf(body: Uint8Array | string, signature?: string) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { body: bytes, headers: new Headers({ "x-cc-webhook-signature": signature ?? macOf(bytes) }), url: "" };
}
const verify = (request: ReturnType<typeof requestOf>) => coinbaseCommerce.verify(request, [secret], { now: 0 });
const normalize = async (event: unknown) =>
  (await coinbaseCommerce.normalize(requestOf(JSON.stringify(event)), [secret]))[0]!;
const sampleOf = (index: number) => samples.events[index]!.make("x1", AT);

describe("Coinbase Commerce's signature", () => {
  it("is the HMAC over exactly these bytes, and no others", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, async (body, other) => {
        expect(await verify(requestOf(body))).toEqual({ ok: true, secretIndex: 0 });
        expect((await verify(requestOf(body, macOf(other)))).ok).toBe(Buffer.compare(body, other) === 0);
        expect((await verify(requestOf(body, macOf(body, "other")))).ok).toBe(false);
      }),
    );
  });

  it.each([
    ["with something behind it", `${macOf(Buffer.from("{}"))}zz`],
    ["cut off", macOf(Buffer.from("{}")).slice(2)],
    ["with a letter that is no digit", macOf(Buffer.from("{}")).replace(/.$/, "g")],
    ["in base64", createHmac("sha256", secret).update("{}").digest("base64")],
  ])("is refused %s", async (_, signature) => {
    expect(await verify(requestOf("{}", signature))).toEqual({ ok: false, reason: "header_malformed" });
  });
});

describe("Coinbase Commerce's events", () => {
  it.each(samples.events.map((sample, index) => ({ ...sample, index })))(
    "$index: $type is $is",
    async ({ index, is, type }) => {
      const request = await samples.sign(sampleOf(index), { signingKey: secret, now: AT / 1000, url: "" });
      expect(await verify(request)).toEqual({ ok: true, secretIndex: 0 });
      expect((await coinbaseCommerce.normalize(request, [secret]))[0]).toMatchObject({
        eventId: "event-x1",
        type: is,
        providerType: type,
        occurredAt: AT,
        authenticity: "signed",
      });
    },
  );

  it("say which charge and what was asked for", async () => {
    expect((await normalize(sampleOf(3))).data).toEqual({
      payment: { id: "CODEX1", reference: "course-x1", amount: { value: "12000", currency: "CHF" } },
    });
  });

  it("leave out an amount in a crypto asset, and where there is no price", async () => {
    const payment = { id: "CODEX1", reference: "course-x1" };
    expect((await normalize(sampleOf(4))).data).toEqual({ payment });
    expect((await normalize(sampleOf(1))).data).toEqual({ payment });
  });

  it("are the same event at each attempt to deliver it", async () => {
    const again = { ...(sampleOf(3) as object), id: "delivery-2", attempt_number: 2 };
    expect(await normalize(again)).toEqual(await normalize(sampleOf(3)));
  });

  it.each([
    { type: "invoice:paid", data: { code: "A" } },
    { type: "charge:confirmed", data: {} },
    { type: "constructor", data: { code: "A" } },
  ])("claim nothing where they are %j", async (event) => {
    expect(await normalize({ event })).toMatchObject({ type: "unknown", eventId: null });
  });

  it.each([{}, { event: {} }, { event: "charge:confirmed" }, []])("are unparseable as %j", async (body) => {
    await expect(normalize(body)).rejects.toBeInstanceOf(UnparseableError);
  });
});
