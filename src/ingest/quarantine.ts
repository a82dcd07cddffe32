import { randomId } from "../event/ids.ts";
import { announce } from "../outbox/announce.ts";
import { V, type BackupMessage, type Quarantined } from "../outbox/contract.ts";
import { digest } from "../outbox/keys.ts";
import { CAPS } from "../platform/caps.ts";
import { log } from "../platform/log.ts";
import type { SignedRequest } from "../providers/provider.ts";
import type { Source } from "../store/config.ts";
import { closeRequest, keepQuarantined } from "../store/quarantine.ts";

/**
 * Keeps a signed request that became no event, with its bytes: in D1, else on the backup queue. `event`: the one that
 * is known by the same id. `now`: epoch ms. False: neither takes it, the provider has to come again.
 */
export async function quarantine(
  env: Env,
  { id: source, merchant }: Source,
  request: SignedRequest & { body: Uint8Array<ArrayBuffer> },
  { reason, event = null }: { reason: Quarantined["reason"]; event?: string | null },
  now: number,
): Promise<boolean> {
  const id = randomId("qua", now);
  const row: Quarantined = {
    merchant,
    id,
    source,
    reason,
    event,
    receivedAt: now,
    hash: await digest(request.body),
    replayedAt: null,
    ...(await closeRequest(env, id, request)),
  };
  log.warn("ingest.quarantined", { source, reason, quarantined: id });
  try {
    await keep(env, row, now);
    return true;
  } catch (error) {
    log.warn("quarantine.write_failed", { quarantined: id, error });
  }
  try {
    const message: BackupMessage = { v: V, kind: "quarantine", row };
    await env.BACKUP.send(message, { contentType: "json" });
    return true;
  } catch (error) {
    log.error("quarantine.spill_failed", { quarantined: id, error });
    return false;
  }
}

/**
 * Writes a quarantined request, and lets the merchant know where others had to make room. Throws where D1 does. `now`:
 * epoch ms.
 */
export async function keep(env: Env, row: Quarantined, now: number): Promise<void> {
  const dropped = await keepQuarantined(env.DB, row, now);
  if (dropped > 0) {
    const { merchant, source } = row;
    log.warn("quarantine.full", { merchant, source, dropped });
    const data = { quarantine: { source, dropped, ...LIMITS } };
    await announce(env, { merchant, type: "quarantine.full", target: "quarantine", data }, now);
  }
}

const LIMITS = { maxRequests: CAPS.quarantineRequests, maxBytes: CAPS.quarantineBytes };
