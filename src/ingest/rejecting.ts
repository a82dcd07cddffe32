import { announce } from "../outbox/announce.ts";
import type { Source } from "../store/config.ts";

/** So many bad signatures in so long, as this isolate sees them, are more than a stranger's try. */
const MANY = 20;
const WITHIN_MS = 300_000;
const MAX_SOURCES = 1_000;

/** Bad signatures by source, since when. */
const rejected = new Map<string, { since: number; count: number }>();

/** Counts a bad signature, and lets the merchant know where they pile up: its secret may be the wrong one. */
export async function noteRejected(env: Env, { id, merchant, provider }: Source, reason: string, now: number) {
  const known = rejected.get(id);
  const current = known && now - known.since < WITHIN_MS ? known : { since: now, count: 0 };
  current.count += 1;
  if (rejected.size >= MAX_SOURCES) {
    rejected.clear();
  }
  rejected.set(id, current);
  if (current.count === MANY) {
    const since = new Date(current.since).toISOString();
    const source = { id, provider, rejected: MANY, since, reason };
    await announce(env, { merchant, type: "source.rejecting", target: id, data: { source } }, now);
  }
}
