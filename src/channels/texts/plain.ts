// Names and references as people may read them. Others wrote them: nothing of them is ever a link or a line of its own.

import { HOST_STOP } from "../host-stop.ts";
import { withoutInvisible } from "../invisible.ts";
import { cutName } from "./cut.ts";
import { septetsOf } from "./gsm7.ts";

/** What a name holds at most in an SMS: characters, or septets where all of it is GSM-7. Ellipsis included. */
const MAX_SMS_NAME = 40;
const MAX_EMAIL_NAME = 100;
const REFERENCE = /^[A-Za-z0-9._#/-]{1,40}$/;

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}]/u;
/** First Strong Isolate and Pop Directional Isolate: https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates */
export const [FSI, PDI] = ["\u2068", "\u2069"] as const;

/** A name for emails, on one line and at most 100 characters long; null where nothing is left. */
export function emailName(name: string | null): string | null {
  return isolated(cutName(cleaned(name), MAX_EMAIL_NAME, "…", () => 1));
}

/** A name for SMS, on one line and at most 40 characters or septets long; null where nothing is left. */
export function smsName(name: string | null, transliterate: (text: string) => string): string | null {
  // Cleaned again: what is no full stop in one writing can be one in another.
  const written = cleaned(transliterate(cleaned(name)));
  const ellipsis = septetsOf(written) === null ? "…" : "...";
  return isolated(cutName(written, MAX_SMS_NAME, ellipsis, (char) => septetsOf(char) ?? 1));
}

/** A reference that can be read out and typed, and is no link; null where it is anything else. */
export function plainReference(reference: unknown): string | null {
  if (typeof reference !== "string" || !REFERENCE.test(reference)) return null;
  return reference.includes("//") || reference.search(HOST_STOP) !== -1 ? null : reference;
}

/** One line without what nobody sees, and with nothing in it that programs make a link of. */
function cleaned(name: string | null): string {
  return withoutInvisible(name ?? "")
    .replace(/\p{L}*[:：][/／]{2}|[/／]{2,}/gu, " ")
    .replace(HOST_STOP, " ")
    .replace(/[\s\p{Cc}\p{Z}]+/gu, " ")
    .trim();
}

/** A name that runs the other way turns nothing around it: our texts run from left to right. Null: nothing is left. */
function isolated(name: string): string | null {
  if (name === "") return null;
  return RIGHT_TO_LEFT.test(name) ? `${FSI}${name}${PDI}` : name;
}
