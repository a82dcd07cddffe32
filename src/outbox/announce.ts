import { log } from "../platform/log.ts";
import { V, type Announcement } from "./contract.ts";

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
