// What one provider of messages to people is to Paybell: how a message is asked of it, and what its answers mean.
// Pure: one executor (`delivery/tell.ts`) does the I/O, the retries and the log.

import type { z } from "zod";

/** A message to one person, rendered: what is asked of a channel's provider. */
export interface Message {
  /** The delivery's id: the idempotency key wherever the provider has one. At most 128 visible ASCII characters. */
  id: string;
  /** An email address, or a phone number in E.164. */
  to: string;
  /** The language that the text is in, such as `en`. */
  locale: string;
  /** Email alone. */
  subject?: string;
  text: string;
  /** Email alone. */
  html?: string;
  /** Epoch seconds after which nobody wants it any more. */
  expiresAt: number;
}

/**
 * Why a message was not taken, and with that what follows:
 * `transient` the provider is in trouble, try again; `throttled` it wants a pause, others of the account wait too;
 * `ambiguous` it may have been sent: only an idempotency key makes another try safe; `address_dead` nothing will ever
 * arrive there, and `opted_out` the person has said no: the address is used no more; `address_busy` not now, try
 * again; `content` this text is refused; `config` our account is at fault: all of it waits and the operator is told;
 * `invalid` our request is wrong.
 */
export type FailureClass =
  | "transient"
  | "throttled"
  | "ambiguous"
  | "address_dead"
  | "address_busy"
  | "opted_out"
  | "content"
  | "config"
  | "invalid";

/** What became of a message. `id`: the provider's own; `code`: its error's name or number. */
export type Sent =
  | { ok: true; id: string }
  | {
      ok: false;
      class: FailureClass;
      /** The provider keeps the address on a list of its own, and takes it off again: it is not remembered here. */
      isListed?: true;
      /** The pause that the provider asks for. */
      retryAfterMs?: number;
      code?: string;
      /** For the merchant to read. May quote the address, which the executor strikes out. */
      detail: string;
    };

/** A request as the executor sends it, with POST. Names of headers are in lower case. */
interface HttpRequest {
  via: "http";
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** An email for Cloudflare's `send_email` binding. https://developers.cloudflare.com/email-service/ */
export interface BindingEmail {
  via: "send_email";
  email: {
    from: { email: string; name?: string };
    to: string;
    replyTo?: string;
    subject: string;
    text: string;
    html?: string;
    headers: Record<string, string>;
  };
}

/** An answer as it came. `body`: at most 16 KiB of it. */
export interface HttpAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: string;
  /** Epoch milliseconds, for dates in headers. */
  now: number;
}

interface AdapterBase<Account> {
  /** As accounts name it, such as `resend`. */
  name: string;
  channel: "email" | "sms";
  /** What an account is made of. */
  account: z.ZodObject & z.ZodType<Account>;
  /** The fields of it that are secret: stored encrypted, never shown again. */
  secrets: readonly (keyof Account & string)[];
  /**
   * Seconds for which the provider knows an idempotency key again, counted from its first use. Null: it has none, so
   * a message whose fate is unknown is never sent again.
   */
  idempotencySeconds: number | null;
}

/** A provider behind an HTTP API. */
export interface HttpAdapter<Account = never> extends AdapterBase<Account> {
  via: "http";
  /** Where its API is, unless the account's `baseUrl` says otherwise. */
  baseUrl: string;
  prepare(message: Message, account: Account): HttpRequest;
  interpret(answer: HttpAnswer): Sent;
}

/** Cloudflare's own email binding: no HTTP, errors are thrown and have a `code`. */
export interface BindingAdapter<Account = never> extends AdapterBase<Account> {
  via: "send_email";
  /** The email, or what production would refuse it for: the local emulator takes anything. */
  prepare(message: Message, account: Account): BindingEmail | (Sent & { ok: false });
  interpret(answer: { messageId: string } | { code: string | undefined; message: string }): Sent;
}

export type Adapter<Account = never> = HttpAdapter<Account> | BindingAdapter<Account>;
