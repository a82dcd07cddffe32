import { randomId } from "../event/ids.ts";
import { V, type BackupMessage, type Quarantined } from "../outbox/contract.ts";
import { digest } from "../outbox/keys.ts";
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
    await keepQuarantined(env.DB, row);
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
