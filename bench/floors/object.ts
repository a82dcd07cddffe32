// The floor with what every design of this kind has besides: the event is durable in an object of its user before it
// is acknowledged, and a delivery is logged in D1. Still no signature, no order, no retry.

import { DurableObject } from "cloudflare:workers";

interface Floor {
  QUEUE: Queue<string>;
  STORE: DurableObjectNamespace<Store>;
  DB: D1Database;
  TARGET: string;
}

/** The events of one user: one row each, in whatever order they come. */
export class Store extends DurableObject<Floor> {
  constructor(ctx: DurableObjectState, env: Floor) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID");
  }

  put(id: string, body: string): void {
    this.ctx.storage.sql.exec("INSERT INTO event VALUES (?, ?)", id, body);
  }
}

export default {
  async fetch(request, { QUEUE, STORE }) {
    const user = new URL(request.url).searchParams.get("user") ?? "";
    const body = await request.text();
    await STORE.getByName(user).put(crypto.randomUUID(), body);
    await QUEUE.send(body, { contentType: "text" });
    return new Response(null, { status: 202 });
  },
  async queue({ messages }, { DB, TARGET }) {
    const log = await Promise.all(
      messages.map(async ({ id, body }) => ({ id, at: Date.now(), status: await post(TARGET, body) })),
    );
    await DB.prepare("INSERT OR IGNORE INTO log SELECT value->>'id', value->>'at', value->>'status' FROM json_each(?)")
      .bind(JSON.stringify(log))
      .run();
  },
} satisfies ExportedHandler<Floor, string>;

async function post(target: string, body: string): Promise<number> {
  const response = await fetch(target, { method: "POST", body, headers: { "content-type": "application/json" } });
  await response.body?.cancel();
  return response.status;
}
