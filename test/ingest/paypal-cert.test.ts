import { afterEach, expect, it, vi } from "vitest";

import { certificateOf, paypalSamples } from "../../scripts/samples/paypal.ts";
import { withCertificate } from "../../src/ingest/paypal-cert.ts";
import { unique } from "../support/builders.ts";

afterEach(() => vi.restoreAllMocks());

const { signingKey } = await paypalSamples.newKeys();
const PEM = certificateOf((JSON.parse(signingKey) as { key: string }).key);
const SECRET = JSON.stringify({ webhookId: "W1" });
const newHeaders = () =>
  new Headers({ "paypal-cert-url": `https://api.paypal.com/v1/notifications/certs/${unique("CERT")}` });

function answer(response: () => Response | Promise<Response>) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => response());
}

it("fetches the certificate that a request names, once", async () => {
  const fetched = answer(() => new Response(PEM));
  const headers = newHeaders();
  for (let i = 0; i < 2; i++) {
    const secrets = await withCertificate(headers, [SECRET]);
    expect(secrets!.map((secret) => JSON.parse(secret) as unknown)).toEqual([{ webhookId: "W1", certPem: PEM }]);
  }
  expect(fetched).toHaveBeenCalledTimes(1);
});

it("fetches nothing from elsewhere, and none where the secret brings one", async () => {
  const fetched = answer(() => new Response(PEM));
  const elsewhere = new Headers({ "paypal-cert-url": "https://evil.example/v1/notifications/certs/CERT-1" });
  expect(await withCertificate(elsewhere, [SECRET])).toEqual([SECRET]);
  const whole = JSON.stringify({ webhookId: "W1", certPem: PEM });
  expect(await withCertificate(newHeaders(), [whole])).toEqual([whole]);
  expect(fetched).not.toHaveBeenCalled();
});

it.each([
  ["fails", () => new Response(null, { status: 500 })],
  ["points elsewhere", () => new Response(null, { status: 302, headers: { location: "https://evil.example" } })],
  ["is no certificate", () => new Response("hello")],
  ["is too long", () => new Response(PEM + " ".repeat(70_000))],
  ["does not come", () => Promise.reject(new Error("timed out"))],
])("has none where the answer %s", async (_, response) => {
  const headers = newHeaders();
  answer(response);
  expect(await withCertificate(headers, [SECRET])).toBeNull();
  vi.restoreAllMocks();
  answer(() => new Response(PEM));
  expect(await withCertificate(headers, [SECRET])).toHaveLength(1);
});
