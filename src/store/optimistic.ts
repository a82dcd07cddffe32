import { ProblemError } from "../platform/problem.ts";

/** Nobody changes one row so often at once. */
const MAX_TRIES = 8;

/**
 * Makes a change that is worked out from what was read, and that is only written where that is still what there is.
 * `change` reads anew each time, and returns null where somebody came in between. Throws the problem `unavailable`
 * where that never ends.
 */
export async function optimistically<T>(change: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const changed = await change();
    if (changed !== null) {
      return changed;
    }
  }
  throw new ProblemError("unavailable", { detail: "Others are changing the same at this moment." });
}
