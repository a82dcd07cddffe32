// What adapters behind HTTP APIs share: where the API is, and what an answer says that the provider's own codes do not.

import { z } from "zod";
import type { FailureClass, HttpAnswer, Sent } from "./adapter.ts";
import { parseRetryAfter, VERSION } from "./webhook.ts";

/** The `user-agent` of what Paybell asks of providers. */
export const USER_AGENT = `Paybell/${VERSION}`;

const MAX_DETAIL_LENGTH = 500;
const MAX_CODE_LENGTH = 64;

/** Where an account's API is: http(s), without credentials, query or fragment. Private addresses are another guard's. */
export const BaseUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[!-~]+$/, "An http or https URL of visible ASCII")
  .refine((text) => !/[?#@\\]/.test(text) && URL.canParse(text), "A URL without credentials, query or fragment");

/** A key or token that goes into a header as it is. */
export const Credential = z.string().regex(/^[!-~]{1,256}$/, "1 to 256 visible ASCII characters");

/** The URL of a call. `path` begins with a slash. */
export function urlOf(baseUrl: string, path: string): string {
  return baseUrl.replace(/\/+$/, "") + path;
}

/** The JSON object that a body is; an empty one where it is something else. */
export function objectIn(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** The text at a key; null where it is none or empty. */
export function textAt(object: Record<string, unknown>, key: string): string | null {
  const value = object[key];
  return Object.hasOwn(object, key) && typeof value === "string" && value !== "" ? value : null;
}

/** Gateways in front of the API that gave up waiting: the API may have done its work. */
const AMBIGUOUS_STATUSES: ReadonlySet<number> = new Set([408, 504, 520, 522, 524]);

/** What a status that is no success means where the provider's own code says nothing. */
export function classOfStatus(status: number): FailureClass {
  if (status === 401 || status === 403) return "config";
  if (status === 413) return "content";
  if (status === 429) return "throttled";
  if (AMBIGUOUS_STATUSES.has(status)) return "ambiguous";
  return status >= 400 && status < 500 ? "invalid" : "transient";
}

/** Whether the provider took the request. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A failure as the executor wants it. `code`, `detail`: as the provider gives them, cleaned and cut here. */
export function failureOf(failure: {
  class: FailureClass;
  answer: HttpAnswer;
  code: string | null;
  detail: string;
}): Sent & { ok: false } {
  const { answer, code } = failure;
  const retryAfterMs = pauseIn(answer);
  return {
    ok: false,
    class: failure.class,
    ...(retryAfterMs !== null && { retryAfterMs }),
    code: cleaned(code ?? String(answer.status), MAX_CODE_LENGTH),
    detail: cleaned(failure.detail, MAX_DETAIL_LENGTH),
  };
}

/** The pause in milliseconds that `retry-after` or, without it, `ratelimit-reset` (in seconds) asks for. */
export function pauseIn({ headers, now }: Pick<HttpAnswer, "headers" | "now">): number | null {
  return parseRetryAfter(headers.get("retry-after") ?? headers.get("ratelimit-reset") ?? "", now);
}

function cleaned(text: string, maxLength: number): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return Array.from(line).slice(0, maxLength).join("");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
