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
import { Address, formatMailbox, Sender, senderOf } from "./mailbox.ts";

const DAY_SECONDS = 86_400;

const Account = z.strictObject({
  from: Sender,
  replyTo: Address.optional(),
  apiKey: Credential,
  baseUrl: BaseUrl.optional(),
});

type ResendAccount = z.infer<typeof Account>;

/**
 * Resend. https://resend.com/docs/api-reference/emails/send-email
 *
 * It knows an idempotency key again for 24 hours: https://resend.com/docs/dashboard/emails/idempotency-keys
 */
export const resend: HttpAdapter<ResendAccount> = {
  name: "resend",
  channel: "email",
  via: "http",
  account: Account,
  secrets: ["apiKey"],
  idempotencySeconds: DAY_SECONDS,
  baseUrl: "https://api.resend.com",

  prepare(message: Message, account: ResendAccount) {
    return {
      via: "http",
      url: urlOf(account.baseUrl ?? resend.baseUrl, "/emails"),
      headers: {
        authorization: `Bearer ${account.apiKey}`,
        "content-type": "application/json",
        "idempotency-key": message.id,
        "user-agent": USER_AGENT,
      },
      body: JSON.stringify({
        from: formatMailbox(senderOf(account.from)),
        to: [message.to],
        reply_to: account.replyTo,
        subject: message.subject ?? "",
        text: message.text,
        html: message.html,
        headers: { "Auto-Submitted": "auto-generated" },
      }),
    };
  },

  interpret(answer: HttpAnswer): Sent {
    const body = objectIn(answer.body);
    if (isSuccess(answer.status)) {
      const id = textAt(body, "id");
      if (id !== null) return { ok: true, id };
      return failureOf({ class: "ambiguous", answer, code: null, detail: "Resend's answer names no email." });
    }
    const name = textAt(body, "name");
    const detail = textAt(body, "message") ?? `Resend answered ${answer.status}.`;
    return failureOf({ class: classOf(answer.status, name, detail), answer, code: name, detail });
  },
};

/**
 * What the names of Resend's errors mean where the status alone does not say it.
 * https://resend.com/docs/api-reference/errors
 *
 * A quota is no rate: it ends on another day, or when the operator buys more. `invalid_idempotent_request`: an email
 * with another content was asked for under this key, so one may have been sent; neither another try nor another
 * provider may follow.
 */
const CLASSES: ReadonlyMap<string, FailureClass> = new Map([
  ["not_found", "config"],
  ["method_not_allowed", "config"],
  ["missing_api_key", "config"],
  ["restricted_api_key", "config"],
  ["invalid_api_key", "config"],
  ["invalid_from_address", "config"],
  ["daily_quota_exceeded", "config"],
  ["monthly_quota_exceeded", "config"],
  ["rate_limit_exceeded", "throttled"],
  ["concurrent_idempotent_requests", "transient"],
  ["invalid_idempotent_request", "invalid"],
  ["invalid_idempotency_key", "invalid"],
  ["invalid_attachment", "invalid"],
  ["invalid_access", "invalid"],
  ["invalid_parameter", "invalid"],
  ["invalid_region", "invalid"],
  ["missing_required_field", "invalid"],
  ["security_error", "content"],
]);

/** The way Resend says that the recipient's address is none, such as "Invalid `to` field. The email address needs …". */
const INVALID_TO = /^Invalid [`'"]?to[`'"]? field\b/i;

function classOf(status: number, name: string | null, detail: string): FailureClass {
  const byStatus = classOfStatus(status);
  if (status < 400 || status >= 500 || byStatus === "ambiguous") return byStatus;
  if (name === "validation_error" && byStatus === "invalid" && INVALID_TO.test(detail)) return "address_dead";
  return CLASSES.get(name ?? "") ?? byStatus;
}
