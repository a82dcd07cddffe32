import type { ProviderEvent } from "../event/event.ts";
import { log, traceOf } from "../platform/log.ts";
import { providerOf } from "../providers/index.ts";
import { UnparseableError, type SignedRequest } from "../providers/provider.ts";
import type { Source } from "../store/config.ts";
import { quarantine } from "./quarantine.ts";

/** Why a verified request became no event: it is none that its provider sends, or reading it failed by a fault of ours. */
type Unread = "unparseable" | "unreadable";

/** The events that a verified request holds. Never throws: what is signed is kept, whatever it holds. */
export async function readSigned(
  source: Source,
  request: SignedRequest,
): Promise<{ ok: true; events: ProviderEvent[] } | { ok: false; reason: Unread }> {
  try {
    const provider = providerOf(source.provider)!;
    return { ok: true, events: await provider.normalize(request, source.secrets, source.config ?? undefined) };
  } catch (error) {
    if (error instanceof UnparseableError) {
      log.warn("ingest.unparseable", { source: source.id, reason: error.message });
      return { ok: false, reason: "unparseable" };
    }
    noteUnreadable(source, error);
    return { ok: false, reason: "unreadable" };
  }
}

/** A fault of ours: where it was thrown, and not what it says, which may quote what was posted. */
export function noteUnreadable({ id: source, provider }: Source, error: unknown): void {
  log.error("ingest.unreadable", { source, provider, ...traceOf(error) });
}

/** Keeps a verified request that became no event. */
export async function setAside(
  env: Env,
  source: Source,
  request: SignedRequest & { body: Uint8Array<ArrayBuffer> },
  reason: Unread,
  now: number,
): Promise<"unparseable" | "unavailable"> {
  return (await quarantine(env, source, request, { reason }, now)) ? "unparseable" : "unavailable";
}
