/** The value that a JSON Pointer (RFC 6901) names in a JSON value; undefined where there is none. */
export function pointerValue(document: unknown, pointer: string): unknown {
  if (pointer === "") {
    return document;
  }
  let value = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
