import fc from "fast-check";
import type { HttpAnswer, Message } from "../../src/channels/adapter.ts";

/** 2026-11-24T12:00:00Z. */
export const NOW = Date.UTC(2026, 10, 24, 12);

/** A message as the executor makes one. */
export function message(changes: Partial<Message> = {}): Message {
  return { id: "dlv_01", to: "ann@example.com", locale: "en", text: "Hello", expiresAt: NOW / 1000 + 3600, ...changes };
}

/** An answer of a provider. `body`: text as it is, anything else as JSON. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  return {
    status,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
    now: NOW,
  };
}

const decoder = new TextDecoder();

/** Whatever may come back: any status, any bytes, JSON that almost fits. */
export const anyAnswer: fc.Arbitrary<HttpAnswer> = fc.record({
  status: fc.integer({ min: 100, max: 599 }),
  headers: fc
    .option(fc.string(), { nil: null })
    .map((value) => ({ get: (name: string) => (/^retry-after$|^ratelimit-reset$/.test(name) ? value : null) })),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => decoder.decode(bytes)),
    fc.json(),
    fc
      .dictionary(
        fc.constantFrom("id", "sid", "name", "message", "code", "error_code", "error_message", "status", "__proto__"),
        fc.oneof(fc.jsonValue(), fc.constantFrom("failed", "undelivered", "constructor", "toString", 21610)),
      )
      .map((object) => JSON.stringify(object)),
  ),
  now: fc.constant(NOW),
});

/** The issues of an account that its schema refuses, as paths; empty where it takes it. */
export function issuesOf(schema: { safeParse(value: unknown): { error?: unknown } }, value: unknown): string[] {
  const { error } = schema.safeParse(value) as { error?: { issues: { path: PropertyKey[]; code: string }[] } };
  return (error?.issues ?? []).map(({ path, code }) => path.join(".") || code);
}
