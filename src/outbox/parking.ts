import { log } from "../platform/log.ts";
import { parsed, readBackup } from "./reading.ts";

/** So many parked messages are looked at in one run. */
const UNPARK_BITE = 100;

/**
 * Puts a message aside that nobody can read or deal with: it may hold the only copy of something, so it is kept in D1
 * for LOG_DAYS, where the operator finds it. Throws where D1 does.
 */
export async function park(env: Env, queue: string, message: Pick<Message, "id" | "body">): Promise<void> {
  log.error("message.parked", { queue, message: message.id });
  await env.DB.prepare("INSERT INTO parked (id, queue, body, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
    .bind(message.id, queue, JSON.stringify(message.body) ?? "null", Date.now())
    .run();
}

/** Sends messages that this release can read back on their way: those of a later release that was taken back. */
export async function unpark(env: Env): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT id, body FROM parked WHERE queue = 'backup' LIMIT ${UNPARK_BITE}`,
  ).all<{
    id: string;
    body: string;
  }>();
  for (const { id, body } of results) {
    const message = readBackup(parsed(body));
    if (message) {
      await env.BACKUP.send(message, { contentType: "json" });
      await env.DB.prepare("DELETE FROM parked WHERE id = ?").bind(id).run();
    }
  }
}
