import type { Adapter, FailureClass, HttpAdapter, Message, Sent } from "../channels/adapter.ts";
import { underOwnName } from "../channels/email/own-sender.ts";
import { adapterOf } from "../channels/index.ts";
import { whyUntold } from "../channels/rules.ts";
import { renderText, type Notice } from "../channels/texts/index.ts";
import { checkUrl } from "../channels/url-guard.ts";
import { bodyFor } from "../event/envelope.ts";
import type { PaymentEvent } from "../event/event.ts";
import { V, type Claimed, type Dispatch, type EventRecord } from "../outbox/contract.ts";
import { log } from "../platform/log.ts";
import { freshConfig, merchantConfig, sourceById, type ChannelAccount, type MerchantConfig } from "../store/config.ts";
import { countEmail, nextDay, uncountEmail } from "../store/email-counts.ts";
import { freshPerson, personOf, suppress, type AddressedChannel, type Contact, type Person } from "../store/people.ts";
import { Circuits } from "../platform/circuits.ts";
import { exchange } from "../platform/exchange.ts";
import { urlRules } from "../platform/own-hosts.ts";
import { concludeNotice, expired, PEOPLE_MS, skipped } from "./notice-outcome.ts";
import { deferred, type Conclusion } from "./outcome.ts";

const TIMEOUT_SECONDS = 15;
const CLAIM_TRIES = 3;
/** An account that is misconfigured is left alone for so long, one that wants a pause for as long as it says. */
const CONFIG_PAUSE_MS = 60_000;
const THROTTLE_PAUSE_MS = 1_000;
/** Those who wait for an account come back spread over so long, not all at once. */
const SPREAD_MS = 2_000;
/** An email that cannot be counted now is tried again after so long. */
const UNCOUNTED_MS = 5_000;
/** What waits for the next day comes spread over so long: midnight belongs to everybody. */
const DAY_SPREAD_MS = 600_000;

/** Failures after which nothing was sent, and that are tried again. */
const UNSENT: ReadonlySet<FailureClass> = new Set(["transient", "throttled", "config"]);

const circuits = new Circuits();

/** What telling a person takes: one dispatch of one event. */
export interface Telling {
  env: Env;
  record: EventRecord;
  template: string;
  dispatch: Dispatch;
  channel: AddressedChannel;
}

/**
 * Tells a person of an event, once: by the merchant's account at the channel's provider, to the address that the
 * person has now, unless the facts have gone beyond it. Null: nothing is to be sent or said, another dispatch has
 * taken this one's place, or whom to tell can't be read now and the lease sends it again.
 */
export async function tell(telling: Telling): Promise<Conclusion | null> {
  const { record, template, dispatch, channel } = telling;
  const body = JSON.parse(bodyFor(template, dispatch.previous)) as Body;
  const { provider } = body.data;
  const source = provider && (await sourceById(telling.env, provider.source));
  if (source && !source.ok) {
    return null;
  }
  const minAuthenticity = source?.value?.minAuthenticity;
  const untold = whyUntold({ ...record, authenticity: provider?.authenticity ?? null, minAuthenticity });
  if (untold !== null) {
    return skipped(record, dispatch, untold);
  }
  const way = await wayTo(telling);
  if (way === null || "reason" in way) {
    return way && skipped(record, dispatch, way.reason);
  }
  const { account, adapter } = way;
  const now = Date.now();
  const isTooLate = dispatch.trigger === "scheduled" && now >= record.acceptedAt + PEOPLE_MS;
  const openUntil = circuits.openUntil(nameOf(account), now);
  if (!isTooLate && openUntil !== null) {
    const until = Math.ceil(openUntil + Math.random() * SPREAD_MS);
    return deferred(record, dispatch, until, { reason: "breaker", until });
  }
  const claimed = await claim(telling, adapter.idempotencySeconds === null ? "once" : "again");
  if (claimed === null) {
    return null;
  }
  if (claimed.superseded) {
    return skipped(record, dispatch, "superseded");
  }
  if (isTooLate) {
    return expired(record, dispatch);
  }
  if (Date.now() >= claimed.startBy) {
    return deferred(record, dispatch, Date.now(), { reason: "backoff" });
  }
  const rendered = renderText(channel, { type: record.type, merchant: way.merchant.name, data: body.data }, way.locale);
  if (rendered === null) {
    return skipped(record, dispatch, "no_text");
  }
  return (adapter.via === "send_email" && (await waitForDay(telling, way.merchant))) || send(telling, way, rendered);
}

/** What is read of an event's body. */
interface Body {
  data: Notice["data"] & { provider: PaymentEvent["origin"] };
}

/** By whom and where a person is reached. */
interface Way {
  merchant: MerchantConfig;
  account: ChannelAccount;
  adapter: Adapter;
  contact: Contact;
  locale: string;
}

/**
 * The way to a person, or why there is none; looked up anew before that is believed, since copies may be older than
 * the event. Null: neither can be read now.
 */
async function wayTo({ env, record: { merchant, user }, channel }: Telling): Promise<Way | { reason: string } | null> {
  const ref = { merchant, user: user! };
  let reason = "no_account";
  for (const [readConfig, readPerson] of [[merchantConfig, personOf] as const, [freshConfig, freshPerson] as const]) {
    const [config, person] = await Promise.all([readConfig(env, merchant), readPerson(env, ref)]);
    if (!config.ok || !person.ok) {
      return null;
    }
    const account = config.value?.accounts.find((one) => one.channel === channel);
    const adapter = account && adapterOf(channel, account.provider);
    const contact = contactOf(person.value, channel);
    if (account && adapter && !("reason" in contact)) {
      return { merchant: config.value!, account, adapter, contact, locale: person.value!.locale ?? "en" };
    }
    reason = account && adapter && "reason" in contact ? contact.reason : "no_account";
  }
  return { reason };
}

/**
 * Counts an email by our own binding, which is about to be sent. What is to be said where today is used up, or where
 * nobody can count now; null: it may go.
 */
async function waitForDay(
  { env, record, dispatch }: Telling,
  { id, dailyEmailLimit }: MerchantConfig,
): Promise<Conclusion | null> {
  const now = Date.now();
  try {
    if (await countEmail(env.DB, id, dailyEmailLimit ?? emailsADay(env), now)) {
      return null;
    }
  } catch (error) {
    log.warn("email.uncounted", { merchant: id, error });
    const until = now + UNCOUNTED_MS;
    return deferred(record, dispatch, until, { reason: "backoff", until });
  }
  const until = nextDay(now) + Math.ceil(Math.random() * DAY_SPREAD_MS);
  return deferred(record, dispatch, until, { reason: "daily_limit", until });
}

/** A deployment whose own vars do not name it yet has what `wrangler.toml` says. */
function emailsADay({ EMAILS_A_DAY }: { EMAILS_A_DAY?: string }): number {
  return Number(EMAILS_A_DAY ?? 1_000);
}

async function send(
  telling: Telling,
  { merchant, account, adapter, contact }: Way,
  rendered: NonNullable<ReturnType<typeof renderText>>,
): Promise<Conclusion> {
  const { env, record, dispatch } = telling;
  const at = Date.now();
  const from = dispatch.trigger === "manual" ? at : record.acceptedAt;
  const expiresAt = Math.floor((from + PEOPLE_MS) / 1000);
  const sent = await ask(env, adapter, merchant, account, {
    ...rendered,
    id: dispatch.delivery,
    to: contact.address,
    expiresAt,
  });
  if (!sent.ok) {
    if (adapter.via === "send_email" && UNSENT.has(sent.class)) {
      await uncountEmail(env.DB, merchant.id, at).catch((error: unknown) =>
        log.warn("email.not_given_back", { merchant: merchant.id, error }),
      );
    }
    await consequences(telling, account, contact, sent);
  }
  const result = { sent, at, durationMs: Date.now() - at, isSafeToRepeat: adapter.idempotencySeconds !== null };
  return concludeNotice(record, dispatch, result);
}

/** Asks the provider to send a message. Never throws. */
async function ask(
  env: Env,
  adapter: Adapter,
  merchant: MerchantConfig,
  { account }: ChannelAccount,
  message: Message,
): Promise<Sent> {
  if (adapter.via === "http") {
    return askByHttp(env, adapter, account, message);
  }
  const from = underOwnName(String(account["from"]), merchant);
  const prepared = adapter.prepare(message, { ...account, from } as never);
  if ("ok" in prepared) {
    return prepared;
  }
  try {
    const { from: sender, ...email } = prepared.email;
    const { email: address, name } = sender;
    return adapter.interpret(
      await env.EMAIL.send({ ...email, from: name === undefined ? address : { email: address, name } }),
    );
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    return adapter.interpret({ code, message: String(error) });
  }
}

async function askByHttp(
  env: Env,
  adapter: HttpAdapter,
  account: ChannelAccount["account"],
  message: Message,
): Promise<Sent> {
  const request = adapter.prepare(message, account as never);
  const checked = checkUrl(request.url, urlRules(env));
  if (!checked.ok) {
    return { ok: false, class: "config", code: checked.code, detail: checked.message };
  }
  const result = await exchange({ ...request, timeoutSeconds: TIMEOUT_SECONDS });
  if (!result.answered) {
    return { ok: false, class: "ambiguous", code: result.class, detail: result.error };
  }
  const { status, headers, bytes } = result;
  return adapter.interpret({ status, headers, body: new TextDecoder().decode(bytes), now: Date.now() });
}

/** What a failure means for the messages after this one. */
async function consequences(
  { env, record, dispatch, channel }: Telling,
  account: ChannelAccount,
  { address }: Contact,
  sent: Sent & { ok: false },
): Promise<void> {
  switch (sent.class) {
    case "address_dead":
    case "opted_out":
      if (sent.isListed) {
        break;
      }
      await suppress(env, record.merchant, channel, address, sent.class).catch((error: unknown) =>
        log.warn("suppression.failed", { delivery: dispatch.delivery, error }),
      );
      break;
    case "config":
      log.error("channel.misconfigured", { merchant: record.merchant, channel, code: sent.code });
      circuits.open(nameOf(account), Date.now() + CONFIG_PAUSE_MS);
      break;
    case "throttled":
      circuits.open(nameOf(account), Date.now() + Math.max(sent.retryAfterMs ?? 0, THROTTLE_PAUSE_MS));
      break;
    case "transient":
    case "ambiguous":
    case "address_busy":
    case "content":
    case "invalid":
      break;
  }
}

/** The one claimant keeps its name over its tries, so that an answer that got lost is given again. */
async function claim({ env, record, dispatch }: Telling, mode: "once" | "again"): Promise<Claimed | null> {
  const { delivery, counter } = dispatch;
  const by = crypto.randomUUID();
  for (let tries = 0; tries < CLAIM_TRIES; tries++) {
    try {
      return await env.USER_OUTBOX.getByName(record.key).claim({ v: V, event: record.id, delivery, counter, mode, by });
    } catch (error) {
      log.warn("claim.failed", { delivery, tries, error });
    }
  }
  return null;
}

function contactOf(person: Person | null, channel: AddressedChannel): Contact | { reason: string } {
  if (person === null) {
    return { reason: "unknown_user" };
  }
  const contact = channel === "email" ? person.email : person.phone;
  if (contact === null) {
    return { reason: "no_address" };
  }
  if (contact.suppressed !== null) {
    return { reason: contact.suppressed };
  }
  return channel === "sms" && !person.phone?.verified ? { reason: "phone_unverified" } : contact;
}

/** An account by what it is made of: one that was changed is tried at once. */
function nameOf({ merchant, channel, updatedAt }: ChannelAccount): string {
  return `${merchant}/${channel}/${updatedAt}`;
}
