/**
 * Reads at most `maxBytes` of a body and cancels the rest. Null: the body is longer. A declared length over the limit
 * is not read at all, one within it at once.
 */
export async function readBody(message: Request | Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const declared = Number(message.headers.get("content-length") ?? Number.NaN);
  if (declared > maxBytes) {
    await message.body?.cancel();
    return null;
  }
  if (declared <= maxBytes) {
    const bytes = new Uint8Array(await message.arrayBuffer());
    return bytes.byteLength <= maxBytes ? bytes : null;
  }
  const { bytes, complete } = await readStart(message, maxBytes);
  return complete ? bytes : null;
}

/** Reads the first `maxBytes` of a body, and cancels what is left of it. `complete`: there was no more. */
export async function readStart(
  message: Request | Response,
  maxBytes: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; complete: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (message.body as ReadableStream<Uint8Array> | null)?.getReader();
  let complete = reader === undefined;
  while (reader && length <= maxBytes) {
    const { done, value } = await reader.read();
    if (done) {
      complete = true;
      break;
    }
    chunks.push(value);
    length += value.byteLength;
  }
  if (!complete) {
    await reader?.cancel();
  }
  const bytes = new Uint8Array(Math.min(length, maxBytes));
  let offset = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, bytes.byteLength - offset);
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return { bytes, complete };
}
