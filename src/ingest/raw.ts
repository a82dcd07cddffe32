import { parseExactly } from "../event/exact-json.ts";
import type { ProviderEvent } from "../event/event.ts";

/**
 * A provider's object as JSON text. Where the request's body is that object, it is the very text that came, so that
 * its numbers keep every digit; else (one of several in a body, a form, an encrypted body) as the adapter read it.
 * `isAlone`: the body holds no other event.
 */
export function rawText({ raw }: ProviderEvent, body: Uint8Array, { isAlone }: { isAlone: boolean }): string {
  const read = JSON.stringify(raw) ?? "null";
  const came = isAlone ? new TextDecoder().decode(body).trim() : "";
  return isSame(came, read) ? came : read;
}

function isSame(came: string, read: string): boolean {
  try {
    return JSON.stringify(parseExactly(came)) === read;
  } catch {
    return false;
  }
}
