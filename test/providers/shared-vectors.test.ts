import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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

const file = new URL("../../../shared/vectors/providers.json", import.meta.url);
const isPresent = existsSync(file);
const rows = isPresent ? (JSON.parse(readFileSync(file, "utf8")) as Row[]) : [];

/** Our provider for a row's, which has other names for some; a generic one is tried as a source without any config. */
function ourProvider(name: string) {
  return providerOf(name.startsWith("generic-") ? "hmac" : name === "standardwebhooks" ? "standard" : name);
}

describe.runIf(isPresent)("the shared vectors", () => {
  const ourRows = rows.filter(({ provider }) => ourProvider(provider) !== null);

  it.each(Object.keys(providers))("hold rows for %s", (name) => {
    expect(ourRows.some(({ provider }) => ourProvider(provider)?.name === name)).toBe(true);
  });

  it.each(ourRows)("$id is $expected", async ({ provider, secret, headers, tolerance, now, url = "", ...row }) => {
    const body = row.body_base64 ? Buffer.from(row.body_base64, "base64") : new TextEncoder().encode(row.body);
    const ours = [secret].flat().map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
    const { ok } = await ourProvider(provider)!.verify({ body, headers: new Headers(headers), url }, ours, {
      now: now ?? 0,
      ...(tolerance === undefined ? {} : { toleranceSeconds: tolerance ?? Number.POSITIVE_INFINITY }),
    });
    expect(ok).toBe(row.expected === "valid");
  });
});
