import { hasMoreThan } from "./bytes.ts";

/** What a provider's forms never reach: bytes of the body, and pairs in it. */
export interface FormLimits {
  maxBytes: number;
  maxPairs: number;
}

const AMPERSAND = 0x26;

/**
 * The fields of a form (`application/x-www-form-urlencoded`, UTF-8); null where one comes twice, or there is more of it
 * than may be, which is found out before anything is decoded.
 */
export function formOf(body: Uint8Array, { maxBytes, maxPairs }: FormLimits): Map<string, string> | null {
  if (body.length > maxBytes || hasMoreThan(maxPairs - 1, AMPERSAND, body)) return null;
  const fields = [...new URLSearchParams(new TextDecoder().decode(body))];
  const form = new Map(fields);
  return fields.length === form.size ? form : null;
}
