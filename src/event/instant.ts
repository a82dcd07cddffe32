/** Epoch ms of the last instant that ISO 8601 writes with four digits of the year. */
const MAX_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Whether epoch ms are a time that an event may have happened at: from 1970, and ISO 8601 writes it usually. */
export function isInstant(at: number): boolean {
  return Number.isSafeInteger(at) && at >= 0 && at <= MAX_INSTANT;
}
