/** So many are valid at once at most: the newest, and those that it and its predecessors have replaced. */
export const MAX_VALID = 10;

/** Something that a newer one replaces. `expiresAt`: epoch ms until which it is valid; null for the newest. */
export interface Rotating {
  expiresAt: number | null;
}

/** Those of them that are valid at `now` (epoch ms), in their order. */
export function validAt<T extends Rotating>(all: T[], now: number): T[] {
  return all.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/**
 * Puts a new one first. The newest until now stays valid until `until` (epoch ms), older ones as long as they were
 * promised, and what is not valid any more is left out. Null: more than {@link MAX_VALID} would be valid.
 */
export function rotate<T extends Rotating>(
  all: T[],
  next: T & { expiresAt: null },
  { now, until }: { now: number; until: number },
): T[] | null {
  const replaced = all.map((one) => (one.expiresAt === null ? { ...one, expiresAt: until } : one));
  const valid = validAt(replaced, now);
  return valid.length < MAX_VALID ? [next, ...valid] : null;
}
