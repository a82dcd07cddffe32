import { parseExactly } from "../event/exact-json.ts";
import { UnparseableError } from "./provider.ts";

/** An object of parsed JSON, of which nothing is known yet. */
export type Json = Record<string, unknown>;

/**
 * Parses a body that must be a JSON object in UTF-8; a byte order mark is no part of it. A number that would lose
 * digits, such as a long id, comes as text.
 *
 * @throws {UnparseableError} where it is none.
 */
export function parseObject(body: Uint8Array): Json {
  let parsed: unknown;
  try {
    parsed = parseExactly(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch (cause) {
    throw new UnparseableError("the body is not JSON in UTF-8", { cause });
  }
  if (!isObject(parsed)) throw new UnparseableError("the body is not a JSON object");
  return parsed;
}

/** The parts of a secret that is a JSON object; none where it is not. */
export function partsOf(secret: string): Json {
  try {
    const parts: unknown = JSON.parse(secret);
    return isObject(parts) ? parts : {};
  } catch {
    return {};
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands under a path of keys; undefined where the path ends early. */
export function at(value: unknown, ...path: string[]): unknown {
  let here = value;
  for (const key of path) here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  return here;
}

/** The text under a path; undefined where there is none, or an empty one. */
export function textAt(value: unknown, ...path: string[]): string | undefined {
  const text = at(value, ...path);
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** The same fields without those that are undefined: what is not known is not there. */
export function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
