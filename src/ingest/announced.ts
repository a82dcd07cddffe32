import { cloudflare } from "../channels/email/cloudflare.ts";
import type { PaymentEvent } from "../event/event.ts";
import { OPERATIONS } from "../event/operational.ts";
import { V, type BackupMessage } from "../outbox/contract.ts";
import { log } from "../platform/log.ts";
import { merchantConfig } from "../store/config.ts";
import { tryAccept } from "./accept.ts";
import type { RequestContext } from "./enqueue.ts";
import { identify } from "./identity.ts";
import { plan } from "./plan.ts";

const HOUR_MS = 3_600_000;
/** How long we try to send a mail, in seconds: after that it tells nobody anything new. */
const MAIL_SECONDS = 86_400;

type Announced = Extract<BackupMessage, { kind: "announce" }>;
type Alert = Extract<BackupMessage, { kind: "alert" }>;

/**
 * Makes an event of what Paybell announces: for the endpoints that name its type, and as an email where the merchant has
 * given an address for alerts. Its outbox knows it again, so that all isolates together say a thing once an hour.
 * Throws where it has to be tried again.
 */
export async function takeAnnouncement(request: RequestContext, announced: Announced): Promise<void> {
  const { merchant, type, target, data, at } = announced;
  const config = await merchantConfig(request.env, merchant);
  if (!config.ok) {
    throw new Error("The configuration cannot be read now");
  }
  const event: PaymentEvent = {
    type,
    occurredAt: at,
    livemode: true,
    user: null,
    data: { operation: data },
    origin: null,
  };
  const planned = config.value === null ? [] : plan(config.value, event);
  const alertEmail = config.value?.alertEmail ?? null;
  if (planned.length === 0 && alertEmail === null) {
    return;
  }
  const names = [type, target, String(Math.floor(at / HOUR_MS))];
  const input = {
    ...(await identify({ merchant, source: OPERATIONS }, names, event, data, at)),
    onDifference: "note" as const,
    receivedAt: at,
    merchant,
    source: OPERATIONS,
    event,
    plan: planned,
  };
  const taken = (await tryAccept(request, [input])).get(input);
  if (taken === undefined || !("id" in taken)) {
    throw new Error("The outbox does not take the event yet");
  }
  if (taken.status === "accepted" && alertEmail !== null) {
    const subject = `Paybell: ${type} (${target})`;
    const text = `${JSON.stringify(data, null, 2)}\n\nEvent ${taken.id}, ${new Date(at).toISOString()}\n`;
    const alert: BackupMessage = { v: V, kind: "alert", id: taken.id, to: alertEmail, subject, text };
    await request.env.BACKUP.send(alert, { contentType: "json" });
  }
}

/** Sends an alert by the Worker's own email binding. Throws where that may do it later. */
export async function sendAlert(env: Env, { id, to, subject, text }: Alert): Promise<void> {
  const [domain = ""] = env.EMAIL_DOMAINS.split(/\s+/);
  const expiresAt = Math.floor(Date.now() / 1000) + MAIL_SECONDS;
  const message = { id, to, locale: "en", subject, text, expiresAt };
  const prepared = cloudflare.prepare(message, { from: `Paybell <alerts@${domain}>` });
  if ("ok" in prepared) {
    log.error("alert.refused", { event: id, code: prepared.code });
    return;
  }
  const { from, ...email } = prepared.email;
  await env.EMAIL.send({
    ...email,
    from: from.name === undefined ? from.email : { email: from.email, name: from.name },
  });
}
