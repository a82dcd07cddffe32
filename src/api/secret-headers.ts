import { z } from "@hono/zod-openapi";

import { checkHeader } from "../channels/webhook.ts";
import { CAPS } from "../platform/caps.ts";
import { seal } from "../platform/secret-box.ts";
import { headerRow, openHeaders, type StoredHeaders } from "../store/endpoint-headers.ts";
import { invalid, pointer, requireNone } from "./field-errors.ts";

/** The longest header value that common servers take. */
export const MAX_HEADER_LENGTH = 4096;
const ANOTHER_HOST =
  "The URL leads to another host, which is not told what was meant for the first: give new values, or null for none.";
/** Names of headers whose values are secrets. */
const SECRET_NAME = /authorization|cookie|token|secret|password|api-?key/;

/** Headers of an endpoint by name: a value is sealed and never shown again; null stands for the one it has. */
export const SecretHeaders = z
  .record(z.string(), z.string().max(MAX_HEADER_LENGTH).nullable())
  .superRefine((headers, context) => {
    const names = Object.keys(headers);
    for (const [index, name] of names.entries()) {
      const checked = checkHeader(name, headers[name] ?? "");
      const isTwice = names.findIndex((one) => one.toLowerCase() === name.toLowerCase()) < index;
      if (!checked.ok || isTwice) {
        const message = checked.ok ? "This header is there already, in other letters" : checked.message;
        context.addIssue({ code: "custom", path: [name], message });
      }
    }
  })
  .openapi({
    description:
      "Headers that Paybell sends with every attempt, keeps encrypted and never shows: their values read as `null`, and writing `null` leaves a value as it is.",
  });

/** Why a header does not belong among those that are shown; null where it does. */
export function whySecret(name: string): string | null {
  return SECRET_NAME.test(name.toLowerCase())
    ? "This looks like a secret: put it into secretHeaders, where it is sealed and never shown"
    : null;
}

/** The sealed headers that an endpoint may keep at a URL; `another-host`: it has some, and none may follow it there. */
type Kept = Record<string, string> | "another-host" | null;

/** Which of an endpoint's secret headers may stay at a URL: all, at the host and port that they were given for. */
export function keptHeaders(before: { url: string; secretHeaders: Record<string, string> | null }, url: string): Kept {
  const isThere = before.secretHeaders === null || new URL(url).origin === new URL(before.url).origin;
  return isThere ? before.secretHeaders : "another-host";
}

/**
 * Seals headers for storage, under their names in lower case; undefined: those that there are stay. `before`: those
 * that the endpoint has, of which a null keeps the value. Throws the problem `invalid` where there is none to keep, or
 * none that may be kept.
 */
async function sealHeaders(
  env: Env,
  row: { merchant: string; id: string },
  headers: Record<string, string | null> | null | undefined,
  before: Kept,
): Promise<Record<string, string> | null> {
  if (headers === undefined) {
    if (before === "another-host") {
      throw invalid("/secretHeaders", "new_host", ANOTHER_HOST);
    }
    return before;
  }
  const kept = new Map(Object.entries(before === "another-host" ? {} : (before ?? {})));
  const given = Object.entries(headers ?? {});
  const fault =
    before === "another-host"
      ? { code: "new_host", message: ANOTHER_HOST }
      : { code: "no_value", message: "There is no value to keep" };
  requireNone(
    given
      .filter(([name, value]) => value === null && !kept.has(name.toLowerCase()))
      .map(([name]) => ({ path: pointer(["secretHeaders", name]), ...fault })),
  );
  const sealed = given.map(async ([name, value]) => {
    const stored =
      value === null ? kept.get(name.toLowerCase())! : await seal(env.ENCRYPTION_KEY, headerRow(row), value);
    return [name.toLowerCase(), stored] as const;
  });
  return sealed.length === 0 ? null : Object.fromEntries(await Promise.all(sealed));
}

/**
 * What is to be stored of an endpoint's headers, the secret ones sealed: of what is not given, what is there. `kept`:
 * which secret ones may stay. Throws the problem `invalid` where those that are given make them too many or too long
 * together, or there is no value to keep.
 */
export async function nextHeaders(
  env: Env,
  before: { merchant: string; id: string } & Pick<StoredHeaders, "headers">,
  given: {
    headers?: Record<string, string> | null | undefined;
    secretHeaders?: Record<string, string | null> | null | undefined;
  },
  kept: Kept,
): Promise<StoredHeaders> {
  const headers = given.headers === undefined ? before.headers : given.headers;
  const secretHeaders = await sealHeaders(env, before, given.secretHeaders, kept);
  if (given.headers !== undefined || given.secretHeaders !== undefined) {
    await checkTogether(env, before, { headers, secretHeaders });
  }
  return { headers, secretHeaders };
}

/** An endpoint's headers are bounded together: a receiver reads them together. */
async function checkTogether(
  env: Env,
  row: { merchant: string; id: string },
  { headers, secretHeaders }: StoredHeaders,
): Promise<void> {
  const all = [...Object.entries(headers ?? {}), ...Object.entries(await openHeaders(env, row, secretHeaders ?? {}))];
  const path = secretHeaders === null || headers !== null ? "/headers" : "/secretHeaders";
  if (all.length > CAPS.headers) {
    throw invalid(
      path,
      "too_many",
      `An endpoint has at most ${CAPS.headers} headers, secret ones too: these are ${all.length}`,
    );
  }
  const bytes = new TextEncoder().encode(all.flat().join("")).byteLength;
  if (bytes > CAPS.headerBytes) {
    throw invalid(
      path,
      "too_long",
      `The names and values of an endpoint's headers, secret ones too, have at most ${CAPS.headerBytes} bytes together: these have ${bytes}`,
    );
  }
}

/** What is shown of secret headers: their names. */
export function namesOnly(headers: Record<string, string> | null): Record<string, null> | null {
  return headers && Object.fromEntries(Object.keys(headers).map((name) => [name, null]));
}
