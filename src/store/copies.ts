import { log } from "../platform/log.ts";
import { Shelf } from "./shelf.ts";

/** What was found; `value` is null where there is none. Not ok: D1 does not answer and no copy is young enough. */
export type Found<T> = { ok: true; value: T } | { ok: false; reason: "unavailable" };

/** Something of a merchant's as D1 had it. */
export interface Loaded<T> {
  merchant: string;
  value: T;
}

/** A copy is as good as D1 for so long, and better than nothing for so long when D1 fails. */
const FRESH_MS = 5_000;
const STALE_MS = 3_600_000;
/** From then on one caller loads a copy anew, while the others still use it: they do not all load it at once. */
const RENEWED_MS = 4_000;

interface Copy extends Loaded<unknown> {
  at: number;
  /** Somebody loads it anew. */
  isRenewed: boolean;
}

/** Copies of this isolate by `kind/id`. */
const copies = new Shelf<Copy>();
/**
 * How often something was forgotten, and the how-manieth time it was, by merchant or key, of the last ones: what was
 * being loaded meanwhile may be from before. `older`: when the last one was that is not known by name any more.
 */
let forgotten = 0;
const lately = new Map<string, number>();
let older = 0;
const MAX_LATELY = 1_000;

/** Keys that D1 has had nothing for, and when: apart, so that a flood of made-up ids pushes out no copy. */
const absent = new Map<string, number>();
const MAX_ABSENT = 5_000;
/** Longer keys are no ids of ours, and not remembered. */
const MAX_ABSENT_CHARS = 300;

/**
 * One thing from this isolate's copy, loaded anew where that is old. What there is none of is not looked for again for
 * as long as a copy is good. `now`: epoch ms.
 */
export async function copyOf<T>(
  key: string,
  now: number,
  load: () => Promise<Loaded<T> | null>,
): Promise<Found<T | null>> {
  if (now - (absent.get(key) ?? -Infinity) < FRESH_MS) {
    return { ok: true, value: null };
  }
  const found = await copiesOf<T>([key], now, async () => {
    const loaded = await load();
    keepAbsent(key, loaded === null, now);
    return new Map(loaded === null ? [] : [[key, loaded]]);
  });
  return found.ok ? { ok: true, value: found.value.get(key) ?? null } : found;
}

/**
 * Several things by their keys: those of which the copy is old are loaded together. What `load` says there is none of
 * (null) is remembered too; what it leaves out is looked for again the next time.
 */
export async function copiesOf<T>(
  keys: string[],
  now: number,
  load: (keys: string[]) => Promise<Map<string, Loaded<T | null>>>,
): Promise<Found<Map<string, T>>> {
  const old = [...new Set(keys)].filter((key) => isToLoad(copies.get(key), now));
  if (old.length > 0) {
    const before = forgotten;
    try {
      const loaded = await load(old);
      for (const key of old) {
        keep(key, loaded.get(key) ?? null, before, now);
      }
    } catch (error) {
      log.warn("store.load_failed", { error });
      if (!old.every((key) => isYoung(copies.get(key), STALE_MS, now))) {
        return { ok: false, reason: "unavailable" };
      }
    }
  }
  const values = keys.map((key) => [key, (copies.get(key)?.value ?? null) as T | null] as const);
  return { ok: true, value: new Map(values.filter((pair): pair is [string, T] => pair[1] !== null)) };
}

/** One thing as D1 has it now, past this isolate's copy, which stays as good as it is where D1 fails. */
export async function freshCopy<T>(
  key: string,
  now: number,
  load: () => Promise<Loaded<T | null>>,
): Promise<Found<T | null>> {
  const before = forgotten;
  try {
    const loaded = await load();
    keep(key, loaded, before, now);
    return { ok: true, value: loaded.value };
  } catch (error) {
    log.warn("store.load_failed", { error });
    return { ok: false, reason: "unavailable" };
  }
}

/** Whether this isolate has a copy of something, however old. */
export function hasCopy(key: string): boolean {
  return copies.get(key) !== undefined;
}

/** Forgets what this isolate knows of a merchant: a change that it made holds at once. */
export function forget(merchant: string): void {
  noteForgotten(merchant);
  // What there is none of has no merchant but in its name.
  for (const key of absent.keys()) {
    if (key.includes(`/${merchant}`)) absent.delete(key);
  }
  copies.clear(merchant);
}

/** Forgets one thing alone, by its key. */
export function forgetOne(key: string): void {
  noteForgotten(key);
  absent.delete(key);
  copies.delete(key);
}

function noteForgotten(what: string): void {
  forgotten += 1;
  lately.delete(what);
  lately.set(what, forgotten);
  if (lately.size > MAX_LATELY) {
    const [oldest, at] = lately.entries().next().value!;
    lately.delete(oldest);
    older = at;
  }
}

/** Whether something may have been forgotten since `before`, as {@link forgotten} was then. */
function isForgottenSince(before: number, merchant: string, key: string): boolean {
  return Math.max(older, lately.get(merchant) ?? 0, lately.get(key) ?? 0) > before;
}

/** Whether a caller has to load a copy anew. Of those that ask for one that is about to be old, the first does. */
function isToLoad(copy: Copy | undefined, now: number): boolean {
  if (!isYoung(copy, FRESH_MS, now)) {
    return true;
  }
  const isTurn = !isYoung(copy, RENEWED_MS, now) && !copy!.isRenewed;
  copy!.isRenewed ||= isTurn;
  return isTurn;
}

function isYoung(copy: Copy | undefined, ageMs: number, now: number): boolean {
  return copy !== undefined && now - copy.at < ageMs;
}

function keepAbsent(key: string, isAbsent: boolean, now: number): void {
  absent.delete(key);
  if (isAbsent && key.length <= MAX_ABSENT_CHARS) {
    absent.set(key, now);
  }
  if (absent.size > MAX_ABSENT) {
    absent.delete(absent.keys().next().value!);
  }
}

/** What was loaded is as if it were old where it may miss a change that this isolate has made since `before`. */
function keep(key: string, loaded: Loaded<unknown> | null, before: number, now: number): void {
  copies.delete(key);
  if (loaded !== null) {
    const at = isForgottenSince(before, loaded.merchant, key) ? now - FRESH_MS : now;
    copies.set(key, { ...loaded, at, isRenewed: false });
  }
}
