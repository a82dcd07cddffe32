// What a million events cost on Cloudflare's paid plan, beyond what it includes.

/** Dollars a million. https://developers.cloudflare.com/workers/platform/pricing/ and the pages of each product, November 2026. */
const PRICES = {
  workerRequests: 0.3,
  cpuMs: 0.02,
  objectRequests: 0.15,
  objectRows: 1,
  queueOperations: 0.4,
  d1Rows: 1,
};

/** Seconds that an object is awake for one request, at 128 MB and 12.50 dollars a million GB-s. */
const OBJECT_SECONDS = 0.01;
const DOLLARS_A_MILLION_OBJECT_SECONDS = 12.5 * 0.128;

/** A message is written, read and deleted; each is billed by 64 KB, which none of ours exceeds. */
const OPERATIONS_A_MESSAGE = 3;

/** Work that is billed, by event. */
export interface Work {
  /** Events that came in, and batches of messages that a consumer was started for. */
  workerRequests: number;
  cpuMs: number;
  objectRequests: number;
  objectRows: number;
  messages: number;
  d1Rows: number;
}

/** Dollars for a million events. */
export function dollars({ messages, ...work }: Work): number {
  const billed = { ...work, queueOperations: messages * OPERATIONS_A_MESSAGE };
  const sums = Object.entries(PRICES).map(([name, price]) => billed[name as keyof typeof PRICES] * price);
  const awake = work.objectRequests * OBJECT_SECONDS * DOLLARS_A_MILLION_OBJECT_SECONDS;
  return sums.reduce((total, sum) => total + sum, awake);
}
