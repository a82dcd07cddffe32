// Names and references as people may read them. Others wrote them: nothing of them is ever a link or a line of its own.

import { septetsOf } from "./gsm7.ts";

/** What a name holds at most in an SMS: characters, or septets where all of it is GSM-7. */
const MAX_SMS_NAME = 40;
const MAX_EMAIL_NAME = 100;
const REFERENCE = /^[A-Za-z0-9._#/-]{1,40}$/;
/**
 * The full stops of what programs make a link of: of a host's name, which can end in any sign
 * (https://github.com/gregjacobs/Autolinker.js/issues/238), or of an address in four numbers.
 */
const HOST_STOP =
  /(?<=\S)[.．。｡](?=\p{Alphabetic}[\p{Alphabetic}\p{M}])|(?<=\d)\.(?=\d{1,3}\.\d)|(?<=\d\.\d{1,3})\.(?=\d)/gu;

/** A name for emails, on one line and at most 100 characters long; null where nothing is left. */
export function emailName(name: string | null): string | null {
  return nonEmpty(Array.from(cleaned(name)).slice(0, MAX_EMAIL_NAME).join(""));
}

/** A name for SMS, on one line and at most 40 characters or septets long; null where nothing is left. */
export function smsName(name: string | null, transliterate: (text: string) => string): string | null {
  let result = "";
  let length = 0;
  // Cleaned again: what is no full stop in one writing can be one in another.
  for (const char of cleaned(transliterate(cleaned(name)))) {
    length += septetsOf(char) ?? 1;
    if (length > MAX_SMS_NAME) break;
    result += char;
  }
  return nonEmpty(result);
}

/** A reference that can be read out and typed, and is no link; null where it is anything else. */
export function plainReference(reference: unknown): string | null {
  if (typeof reference !== "string" || !REFERENCE.test(reference)) return null;
  return reference.includes("//") || reference.search(HOST_STOP) !== -1 ? null : reference;
}

/** One line without what nobody sees, and with nothing in it that programs make a link of. */
function cleaned(name: string | null): string {
  return (name ?? "")
    .replace(/[\p{Cf}\p{Cs}]/gu, "")
    .replace(/\p{L}*[:：][/／]{2}|[/／]{2,}/gu, " ")
    .replace(HOST_STOP, " ")
    .replace(/[\s\p{Cc}\p{Z}]+/gu, " ")
    .trim();
}

function nonEmpty(text: string): string | null {
  return text.trim() === "" ? null : text.trim();
}
