import { beforeAll, describe, expect, it } from "vitest";

import { certificateOf, paypalSamples } from "../../scripts/samples/paypal.ts";
import { readCertificate } from "../../src/providers/certificate.ts";
import { certificateUrlOf, paypal } from "../../src/providers/paypal.ts";
import { eur } from "../event/payment-events.ts";

const AT = Date.parse("2026-11-23T12:00:00Z");
const NOW = AT / 1000;
const event = paypalSamples.events[3]!.make("P1", AT);
let keys: { secret: string; signingKey: string };
const sign = async (made: unknown = event) => paypalSamples.sign(made, { ...keys, now: NOW, url: "" });
const verify = async (headers: Record<string, string> = {}, secret = keys.secret, now = NOW) => {
  const request = await sign();
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  return paypal.verify(request, [secret], { now });
};
/** The same secret with another certificate of the same key. */
const withCertificate = (options: Parameters<typeof certificateOf>[1]) => {
  const { webhookId, key } = JSON.parse(keys.signingKey) as { webhookId: string; key: string };
  return JSON.stringify({ webhookId, certPem: certificateOf(key, options) });
};

beforeAll(async () => {
  keys = await paypalSamples.newKeys();
});

describe("a post of PayPal", () => {
  it("verifies with the certificate's key", async () => {
    expect(await verify()).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each([
    ["algorithm", { "paypal-auth-algo": "SHA1withRSA" }],
    ["certificate_url", { "paypal-cert-url": "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1" }],
    ["header_malformed", { "paypal-transmission-id": "a|b" }],
    ["signature_malformed", { "paypal-transmission-sig": "no base64!" }],
    ["signature_malformed", { "paypal-transmission-sig": btoa("a".repeat(255)) }],
    ["header_malformed", { "paypal-transmission-time": "soon" }],
    ["signature_mismatch", { "paypal-transmission-id": "another" }],
  ])("is refused: %s", async (reason, headers) => {
    expect(await verify(headers)).toEqual({ ok: false, reason });
  });

  it.each([
    ["of somebody else", { commonName: "paypal.com.evil.example" }],
    ["whose name only ends as PayPal's", { commonName: "notpaypal.com" }],
    ["that is over", { validity: ["200101000000Z", "201231235959Z"] }],
    ["that is not yet valid", { validity: ["300101000000Z", "301231235959Z"] }],
  ])("is refused with a certificate %s", async (_, options) => {
    expect(await verify({}, withCertificate({}))).toMatchObject({ ok: true });
    expect(await verify({}, withCertificate(options))).toEqual({ ok: false, reason: "certificate_unfit" });
  });

  it.each(["", "{}", "no JSON", '{"webhookId":"W"}'])("is refused with the secret %j", async (secret) => {
    expect(await verify({}, secret)).toEqual({ ok: false, reason: "no_secret" });
  });

  it("is taken for three days, and not longer", async () => {
    expect(await verify({}, keys.secret, NOW + 3 * 24 * 3600)).toMatchObject({ ok: true });
    expect(await verify({}, keys.secret, NOW + 4 * 24 * 3600)).toEqual({ ok: false, reason: "timestamp_not_fresh" });
  });

  it("is known again by its transmission, which is signed, and not by what a checksum covers", async () => {
    const request = await sign();
    const [read] = await paypal.normalize(request, []);
    expect(read).toMatchObject({
      eventId: request.headers.get("paypal-transmission-id"),
      authenticity: "signed-weak",
    });
  });
});

describe("the sandbox", () => {
  const SANDBOX = { "paypal-cert-url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1" };
  const livemodeOf = async (config: Record<string, unknown> | undefined, secrets: string[]) => {
    const request = await sign();
    request.headers.set("paypal-cert-url", SANDBOX["paypal-cert-url"]);
    return (await paypal.normalize(request, secrets, config))[0]!.livemode;
  };

  it("is not believed by a source that says it is live", async () => {
    const request = await sign();
    const verdict = (config?: Record<string, unknown>) =>
      paypal.verify(request, [keys.secret], { now: NOW, ...(config && { config }) });
    expect(await verdict({ livemode: true })).toMatchObject({ ok: true });
    request.headers.set("paypal-cert-url", SANDBOX["paypal-cert-url"]);
    expect(await verdict({ livemode: true })).toEqual({ ok: false, reason: "certificate_sandbox" });
    expect(await verdict({ livemode: false })).toMatchObject({ ok: true });
    expect(await verdict()).toMatchObject({ ok: true });
  });

  it("is no real money where the source does not say: its certificate does", async () => {
    expect(await livemodeOf(undefined, [JSON.stringify({ webhookId: "W" })])).toBe(false);
    expect(await livemodeOf({}, [JSON.stringify({ webhookId: "W" })])).toBe(false);
    expect(await livemodeOf(undefined, [keys.secret])).toBe(true);
  });
});

describe("PayPal's certificates come", () => {
  it.each([
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?next=1",
    "https://api.paypal.com/v1/notifications/certs/../../CERT-1",
    "https://www.paypal.com/v1/notifications/certs/CERT-1",
    "",
  ])("not from %j", (url) => {
    expect(certificateUrlOf(new Headers({ "paypal-cert-url": url }))).toBeNull();
  });

  it.each(["api.paypal.com", "api.sandbox.paypal.com"])("from %s", (host) => {
    const url = `https://${host}/v1/notifications/certs/CERT-1`;
    expect(certificateUrlOf(new Headers({ "paypal-cert-url": url }))?.href).toBe(url);
  });

  it("whole, or are none", () => {
    const { certPem } = JSON.parse(keys.secret) as { certPem: string };
    const lines = certPem.split("\n");
    for (const length of [0, 4, 40, 400]) {
      expect(readCertificate([lines[0], lines[1]!.slice(0, length), lines[2]].join("\n"))).toBeNull();
    }
    expect(readCertificate(certPem)?.commonName).toBe("messageverificationcerts.paypal.com");
  });
});

describe("an event of PayPal becomes", () => {
  it.each(paypalSamples.events)("$is: $type", async (sample) => {
    const [read] = await paypal.normalize(await sign(sample.make("X1", AT)), []);
    expect(read).toMatchObject({ type: sample.is, occurredAt: AT, livemode: true });
  });

  it.each([
    ["PAYMENT.CAPTURE.COMPLETED", { payment: { id: "X1", amount: eur(4250), reference: "order-X1" } }],
    ["PAYMENT.CAPTURE.REFUNDED", { payment: { id: "CX1" }, refund: { id: "X1", amount: eur(4250) } }],
    ["PAYMENT.CAPTURE.REVERSED", { payment: { id: "CX1" } }],
    ["PAYMENT.PAYOUTSBATCH.DENIED", { payout: { id: "X1", amount: eur(4250) } }],
    ["PAYMENT.PAYOUTS-ITEM.HELD", { payout: { id: "item-X1", amount: eur(4250) } }],
    ["CUSTOMER.ACCOUNT-LIMITATION.ADDED", { account: { id: "MX1" } }],
    ["INVOICING.INVOICE.PAID", {}],
  ])("%s with what it is about", async (type, data) => {
    const sample = paypalSamples.events.find((one) => one.type === type)!;
    const [read] = await paypal.normalize(await sign(sample.make("X1", AT)), []);
    expect(read!.data).toEqual(data);
  });

  it.each([
    ["https://api.sandbox.paypal.com/v1/notifications/webhooks-events/WH-P1", false],
    ["https://api-m.sandbox.paypal.com/v1/notifications/webhooks-events/WH-P1", false],
    ["https://api.paypal.com/v1/notifications/webhooks-events/WH-P1", true],
    ["https://shop.example/?from=https://api.sandbox.paypal.com/", true],
  ])("live or not by what it links to: %s", async (href, livemode) => {
    const links = [null, { rel: "self" }, { rel: "self", href }];
    for (const linked of [{ links }, { resource: { id: "P1", links } }]) {
      const [read] = await paypal.normalize(await sign({ ...(event as object), ...linked }), []);
      expect(read).toMatchObject({ type: "payment.succeeded", livemode });
    }
  });
});
