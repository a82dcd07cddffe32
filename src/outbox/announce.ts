import { isChannel } from "../event/channels.ts";
import { OPERATIONS } from "../event/operational.ts";
import { log } from "../platform/log.ts";
import { V, type Announcement, type EventRecord } from "./contract.ts";

/** The same thing is said once in so long, however often it happens. */
const EVERY_MS = 3_600_000;
const MAX_REMEMBERED = 5_000;

/** What this isolate has said lately, and in which hour. */
const said = new Map<string, number>();

/**
 * Lets a merchant know, once an hour for each type and target: by its endpoints that name the type, and its alert
 * email. Goes by way of the backup queue, so that whoever says it waits for nobody. Never throws.
 */
export async function announce(env: Env, announcement: Announcement, now = Date.now()): Promise<void> {
  const { merchant, type, target } = announcement;
  const [name, hour] = [`${merchant}/${type}/${target}`, Math.floor(now / EVERY_MS)];
  if (said.get(name) === hour) {
    return;
  }
  if (said.size >= MAX_REMEMBERED) {
    said.clear();
  }
  said.set(name, hour);
  try {
    await env.BACKUP.send({ v: V, kind: "announce", ...announcement, at: now }, { contentType: "json" });
  } catch (error) {
    said.delete(name);
    log.warn("announce.failed", { merchant, type, error });
  }
}

/** A delivery that a merchant should look at, and why. `attempts`: those made so far that count. */
export interface Troubled {
  type: "delivery.failing" | "delivery.exhausted";
  delivery: string;
  destination: string;
  reason: string | null;
  attempts: number;
}

/** Lets a merchant know of a delivery, once an hour for each destination. Never of what tells of such things itself. */
export async function announceDelivery(
  env: Env,
  { merchant, source, id: event, type: eventType }: EventRecord,
  { type, delivery: id, destination, reason, attempts }: Troubled,
): Promise<void> {
  if (source === OPERATIONS) {
    return;
  }
  const where = isChannel(destination) ? { channel: destination } : { endpoint: destination };
  const data = { delivery: { id, event, eventType, ...where, reason, attempts } };
  await announce(env, { merchant, type, target: destination, data });
}
