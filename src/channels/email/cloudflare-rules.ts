// What Cloudflare's Email Sending refuses, with the codes that it refuses it with. The local emulator takes anything.
// https://developers.cloudflare.com/email-service/reference/headers/ and .../platform/limits/

import type { BindingEmail } from "../adapter.ts";
import { isAddress } from "./mailbox.ts";

/** The codes that can be told before anything is sent. */
type RefusalCode =
  | "E_VALIDATION_ERROR"
  | "E_FIELD_MISSING"
  | "E_TOO_MANY_RECIPIENTS"
  | "E_CONTENT_TOO_LARGE"
  | "E_HEADER_NOT_ALLOWED"
  | "E_HEADER_USE_API_FIELD"
  | "E_HEADER_VALUE_INVALID"
  | "E_HEADER_VALUE_TOO_LONG"
  | "E_HEADER_NAME_INVALID"
  | "E_HEADERS_TOO_LARGE"
  | "E_HEADERS_TOO_MANY";

/** Why an email would be refused. `field`: the one at fault. */
export interface Refusal {
  code: RefusalCode;
  field: string;
  message: string;
}

type Email = BindingEmail["email"];

const MAX_RECIPIENTS = 50;
/** Characters, by RFC 5322. */
const MAX_SUBJECT_LENGTH = 998;
/** Bytes of the whole message. */
const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;
const MAX_HEADER_NAME_BYTES = 100;
const MAX_HEADER_VALUE_BYTES = 2048;
const MAX_HEADERS_BYTES = 16 * 1024;
/** Headers other than `X-…`. */
const MAX_LISTED_HEADERS = 20;
/** Of each header: the colon, the space and the line's end. */
const HEADER_OVERHEAD_BYTES = 4;

const API_FIELDS: ReadonlySet<string> = new Set(["from", "to", "cc", "bcc", "subject", "reply-to"]);
const LISTED_HEADERS: ReadonlySet<string> = new Set(
  `in-reply-to references list-unsubscribe list-unsubscribe-post list-id list-archive list-help list-owner list-post
  list-subscribe precedence auto-submitted content-language keywords comments importance priority sensitivity
  organization require-recipient-valid-since expires reply-by archived-at`.split(/\s+/),
);
/** Headers that have but few values. */
const HEADER_VALUES: ReadonlyMap<string, RegExp> = new Map([
  ["auto-submitted", /^auto-(?:generated|replied|notified)$/],
  ["precedence", /^(?:bulk|list|junk)$/],
  ["importance", /^(?:high|normal|low)$/],
  ["priority", /^(?:normal|non-urgent|urgent)$/],
  ["sensitivity", /^(?:personal|private|company-confidential)$/],
  ["list-unsubscribe", /^<(?:https:\/\/|mailto:)[^<>\s]+>(?:, ?<(?:https:\/\/|mailto:)[^<>\s]+>)*$/],
  ["list-unsubscribe-post", /^List-Unsubscribe=One-Click$/],
]);

const CONTROL = /\p{Cc}/u;
const encoder = new TextEncoder();

/** What production would refuse about an email; null where it would take it. */
export function refusalOf(email: Email): Refusal | null {
  return refusalOfFields(email) ?? refusalOfHeaders(email.headers) ?? refusalOfSize(email);
}

function refusalOfFields({ from, to, replyTo, subject, text, html }: Email): Refusal | null {
  if (from.email === "") return missing("from");
  if (to === "") return missing("to");
  if (to.split(",").length > MAX_RECIPIENTS) {
    return { code: "E_TOO_MANY_RECIPIENTS", field: "to", message: `More than ${MAX_RECIPIENTS} recipients.` };
  }
  if (subject === "") return missing("subject");
  if (text === "" && (html ?? "") === "") return missing("text");
  if (!isAddress(from.email)) return malformed("from");
  if (from.name !== undefined && CONTROL.test(from.name)) return malformed("from");
  if (!isAddress(to)) return malformed("to");
  if (replyTo !== undefined && !isAddress(replyTo)) return malformed("replyTo");
  if (CONTROL.test(subject) || subject.length > MAX_SUBJECT_LENGTH) return malformed("subject");
  return null;
}

function refusalOfHeaders(headers: Record<string, string>): Refusal | null {
  const entries = Object.entries(headers);
  for (const [name, value] of entries) {
    const refusal = refusalOfHeader(name, value);
    if (refusal !== null) return refusal;
  }
  if (entries.filter(([name]) => !isCustom(name)).length > MAX_LISTED_HEADERS) {
    return { code: "E_HEADERS_TOO_MANY", field: "headers", message: `More than ${MAX_LISTED_HEADERS} headers.` };
  }
  const sizes = entries.map(([name, value]) => bytesOf(name) + bytesOf(value) + HEADER_OVERHEAD_BYTES);
  if (sum(sizes) > MAX_HEADERS_BYTES) {
    return {
      code: "E_HEADERS_TOO_LARGE",
      field: "headers",
      message: `More than ${MAX_HEADERS_BYTES} bytes of headers.`,
    };
  }
  return null;
}

function refusalOfHeader(name: string, value: string): Refusal | null {
  const field = name.toLowerCase();
  if (!/^(?:[A-Za-z0-9-]+|[Xx]-[A-Za-z0-9_-]+)$/.test(name) || name.length > MAX_HEADER_NAME_BYTES) {
    return { code: "E_HEADER_NAME_INVALID", field: "headers", message: "A header's name is malformed or too long." };
  }
  if (API_FIELDS.has(field)) {
    return { code: "E_HEADER_USE_API_FIELD", field, message: `The header ${field} is a field of its own.` };
  }
  if (!isCustom(name) && !LISTED_HEADERS.has(field)) {
    return { code: "E_HEADER_NOT_ALLOWED", field, message: `The header ${field} is not allowed.` };
  }
  if (bytesOf(value) > MAX_HEADER_VALUE_BYTES) {
    return { code: "E_HEADER_VALUE_TOO_LONG", field, message: `The header ${field} is longer than 2048 bytes.` };
  }
  if (value.trim() === "" || CONTROL.test(value) || HEADER_VALUES.get(field)?.test(value) === false) {
    return { code: "E_HEADER_VALUE_INVALID", field, message: `The header ${field} has no valid value.` };
  }
  return null;
}

function refusalOfSize({ subject, text, html = "", headers }: Email): Refusal | null {
  const bytes = sum([subject, text, html, ...Object.entries(headers).flat()].map(bytesOf));
  if (bytes <= MAX_MESSAGE_BYTES) return null;
  return { code: "E_CONTENT_TOO_LARGE", field: "text", message: "The email is larger than 5 MiB." };
}

function missing(field: string): Refusal {
  return { code: "E_FIELD_MISSING", field, message: `The email has no ${field}.` };
}

function malformed(field: string): Refusal {
  return { code: "E_VALIDATION_ERROR", field, message: `The email's ${field} is malformed.` };
}

function isCustom(name: string): boolean {
  return /^x-/i.test(name);
}

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
