import ipaddr from "ipaddr.js";

import { log } from "./log.ts";
import { ProblemError } from "./problem.ts";

/** The period of the limiters in wrangler.toml: whoever is over one may come again after as long. */
export const RATE_PERIOD_SECONDS = 60;
/** How long somebody is shut out who has been refused more often than STRANGER_LIMIT allows. */
const SHUT_OUT_MS = 20_000;
/** How many are remembered; the oldest is forgotten first. */
const MAX_SHUT_OUT = 10_000;

/** Who is shut out in this isolate, and until when (epoch ms). */
const shutOut = new Map<string, number>();

/**
 * Whether a caller stays within its rate: counted in each location of Cloudflare, and roughly. A limiter that does not
 * answer limits nobody.
 */
export async function isWithin(env: Pick<Env, "RATE_LIMITS">, limiter: RateLimit, key: string): Promise<boolean> {
  if (env.RATE_LIMITS === "off") {
    return true;
  }
  try {
    return (await limiter.limit({ key })).success;
  } catch (error) {
    log.warn("limiter.failed", { error });
    return true;
  }
}

/** A merchant's bytes: so many at once, and then so many a second, in each isolate. */
const BURST_BYTES = 64 * 1024 * 1024;
const BYTES_PER_SECOND = 4 * 1024 * 1024;
/** How many merchants' bytes are remembered: whoever is forgotten begins anew. */
const MAX_METERS = 5_000;

/** What merchants may still send at a time (epoch ms), in this isolate. */
const meters = new Map<string, { left: number; at: number }>();

/**
 * Counts bytes against whoever has sent them. Returns after how many seconds they may come again; 0: they are within
 * its rate, and counted. `now`: epoch ms.
 */
export function bytesOverFor(env: Pick<Env, "RATE_LIMITS">, sender: string, bytes: number, now: number): number {
  if (env.RATE_LIMITS === "off") {
    return 0;
  }
  const known = meters.get(sender) ?? { left: BURST_BYTES, at: now };
  const at = Math.max(now, known.at);
  const gained = ((at - known.at) / 1000) * BYTES_PER_SECOND;
  const left = Math.min(BURST_BYTES, known.left + gained);
  const isWithinRate = bytes <= left;
  meters.delete(sender);
  meters.set(sender, { left: isWithinRate ? left - bytes : left, at });
  if (meters.size > MAX_METERS) {
    meters.delete(meters.keys().next().value!);
  }
  return isWithinRate ? 0 : Math.ceil((bytes - left) / BYTES_PER_SECOND);
}

/**
 * Counts that a stranger was refused; too often in a minute, and this isolate shuts it out for a while. `stranger`:
 * where it calls from, and whom if only that is closed to it; null: nobody knows, nobody is shut out.
 */
export async function noteRefused(
  env: Pick<Env, "RATE_LIMITS" | "STRANGER_LIMIT">,
  stranger: string | null,
  now: number,
): Promise<void> {
  if (stranger === null || (await isWithin(env, env.STRANGER_LIMIT, stranger))) {
    return;
  }
  shutOut.delete(stranger);
  shutOut.set(stranger, now + SHUT_OUT_MS);
  if (shutOut.size > MAX_SHUT_OUT) {
    shutOut.delete(shutOut.keys().next().value!);
  }
}

/** For how many seconds a stranger is shut out; 0: it is not. */
export function shutOutFor(stranger: string | null, now: number): number {
  const until = stranger === null ? 0 : (shutOut.get(stranger) ?? 0);
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/** Where a request comes from: its IPv4 address, or the /64 of its IPv6 one, which is one customer's; null: unknown. */
export function callerOf(headers: Headers): string | null {
  const address = headers.get("cf-connecting-ip") ?? "";
  try {
    const parsed = ipaddr.parse(address);
    return parsed.kind() === "ipv6" ? `${parsed.toNormalizedString().split(":").slice(0, 4).join(":")}::` : address;
  } catch {
    return null;
  }
}

/** The problem of whoever calls too often, or sends too much. `seconds`: when to come again. */
export function tooMany(seconds: number): ProblemError {
  return new ProblemError("too_many_requests", { headers: { "retry-after": String(seconds) } });
}
