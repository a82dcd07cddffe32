import { readStart } from "./body.ts";
import { faultOf, type ConnectionFault } from "./connection-error.ts";

/** So much of an answer is read, unless more is wanted; the rest is canceled. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** A request to be sent: posted, where it has a body, which goes out byte for byte. */
interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array | string;
  /** Covers the whole exchange, the body of the answer too. */
  timeoutSeconds: number;
  /** So much of the answer is read. */
  maxBytes?: number;
}

/** What came back. Without an answer nobody knows whether the request arrived: the runtime does not say. */
export type Exchange =
  | { answered: true; status: number; headers: Headers; bytes: Uint8Array }
  | ({ answered: false } & ConnectionFault);

/** Sends a request and reads the start of its answer, never following a redirect. Never throws. */
export async function exchange({
  url,
  headers,
  body,
  timeoutSeconds,
  maxBytes = MAX_ANSWER_BYTES,
}: Outgoing): Promise<Exchange> {
  let isAnswering = false;
  try {
    const response = await fetch(url, {
      ...(body === undefined ? { method: "GET" } : { method: "POST", body }),
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
    isAnswering = true;
    const { bytes } = await readStart(response, maxBytes);
    return { answered: true, status: response.status, headers: response.headers, bytes };
  } catch (error) {
    return { answered: false, ...faultOf(error, { url, isAnswering, timeoutSeconds }) };
  }
}
