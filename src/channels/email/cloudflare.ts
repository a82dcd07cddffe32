import { z } from "zod";
import type { BindingAdapter, FailureClass, Message, Sent } from "../adapter.ts";
import { refusalOf } from "./cloudflare-rules.ts";
import { Address, senderOf } from "./mailbox.ts";
import { OwnSender } from "./own-sender.ts";

const Account = z.strictObject({ from: OwnSender.optional(), replyTo: Address.optional() });

type CloudflareAccount = z.infer<typeof Account>;

/**
 * Cloudflare's Email Sending, by the `send_email` binding. It has no idempotency key.
 * https://developers.cloudflare.com/email-service/api/send-emails/workers-api/
 */
export const cloudflare: BindingAdapter<CloudflareAccount> = {
  name: "cloudflare",
  channel: "email",
  via: "send_email",
  account: Account,
  secrets: [],
  idempotencySeconds: null,

  prepare(message: Message, account: CloudflareAccount) {
    const email = {
      from: senderOf(account.from ?? ""),
      to: message.to,
      ...(account.replyTo !== undefined && { replyTo: account.replyTo }),
      subject: message.subject ?? "",
      text: message.text,
      ...(message.html !== undefined && { html: message.html }),
      headers: { "Auto-Submitted": "auto-generated" },
    };
    const refusal = refusalOf(email);
    if (refusal === null) return { via: "send_email", email };
    const isAddressDead = refusal.code === "E_VALIDATION_ERROR" && refusal.field === "to";
    return failureOf(refusal.code, refusal.message, isAddressDead ? "address_dead" : classOf(refusal.code));
  },

  interpret(answer): Sent {
    if ("messageId" in answer) {
      if (typeof answer.messageId === "string" && answer.messageId !== "") return { ok: true, id: answer.messageId };
      return failureOf(undefined, "Cloudflare's answer names no email.", "ambiguous");
    }
    return failureOf(answer.code, answer.message, classOf(answer.code));
  },
};

/**
 * Cloudflare's own list says no, and Cloudflare strikes the address off it again.
 * https://developers.cloudflare.com/email-service/concepts/suppressions/#suppression-rules
 */
const LISTED = "E_RECIPIENT_SUPPRESSED";

/**
 * What Cloudflare's codes mean. https://developers.cloudflare.com/email-service/api/send-emails/workers-api/#error-codes
 *
 * `E_RECIPIENT_NOT_ALLOWED` is `invalid`, not `config`: the operator's list lacks one address, which must stop no
 * other. `E_RECIPIENT_SUPPRESSED` does not say whether the person has complained or the mailbox was full, which ends
 * after a day: {@link LISTED}. `E_DELIVERY_FAILED` does not say how far the email came.
 */
const CLASSES: ReadonlyMap<string, FailureClass> = new Map<string, FailureClass>([
  ["E_VALIDATION_ERROR", "invalid"],
  ["E_FIELD_MISSING", "invalid"],
  ["E_TOO_MANY_RECIPIENTS", "invalid"],
  ["E_SENDER_NOT_VERIFIED", "config"],
  ["E_SENDER_DOMAIN_NOT_AVAILABLE", "config"],
  ["E_RECIPIENT_NOT_ALLOWED", "invalid"],
  [LISTED, "opted_out"],
  ["E_CONTENT_TOO_LARGE", "content"],
  ["E_DELIVERY_FAILED", "ambiguous"],
  ["E_RATE_LIMIT_EXCEEDED", "throttled"],
  ["E_DAILY_LIMIT_EXCEEDED", "config"],
  ["E_INTERNAL_SERVER_ERROR", "transient"],
  ["E_HEADER_NOT_ALLOWED", "invalid"],
  ["E_HEADER_USE_API_FIELD", "invalid"],
  ["E_HEADER_VALUE_INVALID", "invalid"],
  ["E_HEADER_VALUE_TOO_LONG", "invalid"],
  ["E_HEADER_NAME_INVALID", "invalid"],
  ["E_HEADERS_TOO_LARGE", "invalid"],
  ["E_HEADERS_TOO_MANY", "invalid"],
]);

/** Without a code, or with one that nobody knows, nobody knows either whether the email left. */
function classOf(code: string | undefined): FailureClass {
  return CLASSES.get(code ?? "") ?? "ambiguous";
}

function failureOf(code: string | undefined, detail: string, failureClass: FailureClass): Sent & { ok: false } {
  return {
    ok: false,
    class: failureClass,
    ...(code === LISTED && { isListed: true }),
    ...(code !== undefined && { code: cut(code, 64) }),
    detail: cut(detail, 500),
  };
}

function cut(text: string, maxLength: number): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, maxLength);
}
