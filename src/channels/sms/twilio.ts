import { z } from "zod";
import type { FailureClass, HttpAdapter, HttpAnswer, Message, Sent } from "../adapter.ts";
import {
  BaseUrl,
  classOfStatus,
  Credential,
  failureOf,
  isSuccess,
  objectIn,
  textAt,
  urlOf,
  USER_AGENT,
} from "../http-api.ts";

/** The longest that Twilio queues a message, and its default. */
const MAX_VALIDITY_SECONDS = 36_000;
/** E.164, a short code, or letters and digits as the sender's name (at most 11, one of them a letter). */
const FROM = /^(?:\+[1-9]\d{6,14}|\d{4,8}|(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9 ]{0,9}[A-Za-z0-9])?)$/;

const Account = z
  .strictObject({
    accountSid: z.string().regex(/^AC[0-9a-f]{32}$/, "AC and 32 hexadecimal digits"),
    authToken: Credential,
    from: z.string().regex(FROM, "A number in E.164, a short code, or a sender's name").optional(),
    messagingServiceSid: z
      .string()
      .regex(/^MG[0-9a-f]{32}$/, "MG and 32 hexadecimal digits")
      .optional(),
    baseUrl: BaseUrl.optional(),
  })
  .refine(({ from, messagingServiceSid }) => (from === undefined) !== (messagingServiceSid === undefined), {
    message: "Exactly one of from and messagingServiceSid",
    path: ["from"],
  });

type TwilioAccount = z.infer<typeof Account>;

/**
 * Twilio's Programmable Messaging. It has no idempotency key.
 * https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
 */
export const twilio: HttpAdapter<TwilioAccount> = {
  name: "twilio",
  channel: "sms",
  via: "http",
  account: Account,
  secrets: ["authToken"],
  idempotencySeconds: null,
  baseUrl: "https://api.twilio.com",

  prepare(message: Message, account: TwilioAccount) {
    const { accountSid, authToken, from, messagingServiceSid } = account;
    const form = new URLSearchParams({ To: message.to });
    if (messagingServiceSid !== undefined) form.set("MessagingServiceSid", messagingServiceSid);
    else form.set("From", from ?? "");
    form.set("Body", message.text);
    const validity = Math.max(1, message.expiresAt - Math.ceil(Date.now() / 1000));
    if (validity < MAX_VALIDITY_SECONDS) form.set("ValidityPeriod", String(validity));
    return {
      via: "http",
      url: urlOf(account.baseUrl ?? twilio.baseUrl, `/2010-04-01/Accounts/${accountSid}/Messages.json`),
      headers: {
        accept: "application/json",
        authorization: `Basic ${btoa(`${accountSid}:${authToken}`)}`,
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": USER_AGENT,
      },
      body: form.toString(),
    };
  },

  interpret(answer: HttpAnswer): Sent {
    const body = objectIn(answer.body);
    if (isSuccess(answer.status)) return interpretMessage(answer, body);
    const code = codeAt(body, "code");
    const detail = textAt(body, "message") ?? `Twilio answered ${answer.status}.`;
    return failureOf({ class: classOf(answer.status, code), answer, code, detail });
  },
};

/** A message that Twilio made: it can have failed at once. */
function interpretMessage(answer: HttpAnswer, body: Record<string, unknown>): Sent {
  const sid = textAt(body, "sid");
  if (sid === null) {
    return failureOf({ class: "ambiguous", answer, code: null, detail: "Twilio's answer names no message." });
  }
  const status = textAt(body, "status");
  if (status !== "failed" && status !== "undelivered") return { ok: true, id: sid };
  const code = codeAt(body, "error_code");
  const detail = textAt(body, "error_message") ?? `Twilio's message ${sid} is ${status}.`;
  return failureOf({ class: CLASSES.get(code ?? "") ?? "ambiguous", answer, code, detail });
}

/**
 * What the numbers of Twilio's errors mean, in answers and in messages that failed at once.
 * https://www.twilio.com/docs/api/errors
 *
 * What depends on the recipient's number or country (21408, 21606, 21608, 21612, 21659, 30034) is `invalid` and not
 * `config`: one number must not stop the account. 21660 and 21661 were parts of 21606 until 2024 and are about the
 * sender alone: it is not this account's, or sends no SMS. https://www.twilio.com/docs/api/errors/21660
 */
const CLASSES: ReadonlyMap<string, FailureClass> = new Map<string, FailureClass>([
  ["20003", "config"],
  ["20404", "config"],
  ["21211", "address_dead"],
  ["21212", "config"],
  ["21408", "invalid"],
  ["21601", "config"],
  ["21610", "opted_out"],
  ["21614", "address_dead"],
  ["21617", "content"],
  ["21635", "address_dead"],
  ["21660", "config"],
  ["21661", "config"],
  ["21701", "config"],
  ["21704", "config"],
  ["21705", "config"],
  ["30001", "throttled"],
  ["30002", "config"],
  ["30003", "address_busy"],
  ["30004", "opted_out"],
  ["30005", "address_dead"],
  ["30006", "address_dead"],
  ["30007", "content"],
  ["30022", "throttled"],
  ["30034", "invalid"],
  ["30450", "address_busy"],
  ["63038", "config"],
]);

function classOf(status: number, code: string | null): FailureClass {
  const byStatus = classOfStatus(status);
  if (status < 400 || status >= 500 || byStatus === "ambiguous") return byStatus;
  return CLASSES.get(code ?? "") ?? byStatus;
}

/** An error's number as text: Twilio writes it as a number. */
function codeAt(object: Record<string, unknown>, key: string): string | null {
  const value = object[key];
  return Object.hasOwn(object, key) && Number.isSafeInteger(value) ? String(value) : textAt(object, key);
}
