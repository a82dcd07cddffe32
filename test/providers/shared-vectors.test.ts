/// <reference types="vite/client" />
import { describe, expect, it } from "vitest";

import { fromBase64 } from "../../src/platform/base64.ts";
import { providerOf, providers } from "../../src/providers/index.ts";

/** One row of the vectors that are kept outside of this repository. `tolerance: null` switches the check off. */
interface Row {
  id: string;
  provider: string;
  /** An object is, as our secret, its JSON. */
  secret: string | string[] | Record<string, string>;
  headers: Record<string, string>;
  body?: string;
  body_base64?: string;
  url?: string;
  now?: number;
  tolerance?: number | null;
  expected: "valid" | "invalid";
}

// Read by the bundler, since these tests run in workerd too. Nothing, where the file is not there.
const files = import.meta.glob<Row[]>("../../../shared/vectors/providers.json", { eager: true, import: "default" });
const rows = Object.values(files).flat();

/** What we call by another name than the rows do. */
const OUR_NAMES: Record<string, string> = {
  "adyen-header": "adyen-platform",
  "checkout.com": "checkout",
  standardwebhooks: "standard",
};

/** Our provider for a row's, which has other names for some; a generic one is tried as a source without any config. */
function ourProvider(name: string) {
  return providerOf(name.startsWith("generic-") ? "hmac" : (OUR_NAMES[name] ?? name));
}

/** A source's secrets are text: what has several parts is JSON. */
function secretsOf(secret: Row["secret"]): string[] {
  return [secret].flat().map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
}

describe.runIf(rows.length > 0)("the shared vectors", () => {
  const ourRows = rows.filter(({ provider }) => ourProvider(provider) !== null);

  it.each(Object.keys(providers))("hold rows for %s", (name) => {
    expect(ourRows.some(({ provider }) => ourProvider(provider)?.name === name)).toBe(true);
  });

  it.each(ourRows)("$id is $expected", async ({ provider, secret, headers, tolerance, now, url = "", ...row }) => {
    const body = row.body_base64 ? fromBase64(row.body_base64)! : new TextEncoder().encode(row.body);
    // PayPal's rows are signed in 2015, with a certificate that is valid from November 2026.
    const seconds = provider === "paypal" ? null : tolerance;
    const request = { body, headers: new Headers(headers), url };
    const { ok } = await ourProvider(provider)!.verify(request, secretsOf(secret), {
      now: now ?? 0,
      ...(seconds === undefined ? {} : { toleranceSeconds: seconds ?? Number.POSITIVE_INFINITY }),
    });
    expect(ok).toBe(row.expected === "valid");
  });
});
