import { z } from "zod";

import { withoutInvisible } from "../invisible.ts";

/** An address with the name that mail programs show. */
export interface Mailbox {
  email: string;
  name?: string;
}

const MAX_ADDRESS_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const MAX_NAME_LENGTH = 100;
/** With a name in quotes whose every character is escaped. */
const MAX_MAILBOX_LENGTH = 500;
/** RFC 5321, 4.1.2, without quoted local parts, and RFC 5322, 3.2.3: ASCII alone. */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** RFC 5322, 3.4: a phrase, then the address in angle brackets. */
const NAMED = /^([^<>]*)<([^<>]+)>$/;
/** RFC 5322, 3.2.5: words, and quoted strings in which a backslash makes any character itself. */
const PHRASE = /^(?:[^"\\]|"(?:[^"\\]|\\.)*")*$/u;
const QUOTED = /"((?:[^"\\]|\\.)*)"/gu;
/** What shows or hides an address, ends a quoted string, breaks the line, or is decoded into any of it (RFC 2047, 2). */
const UNFIT = /[@"\\<>\p{Cc}\p{Zl}\p{Zp}]|=\?/u;
/** What a name may hold only in quotes (RFC 5322, 3.2.3). */
const SPECIALS = /[(),:;.[\]]/;

/** Whether this is one plain email address: `local@domain.tld`, ASCII, no comment, no quotes, no line break. */
export function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_LENGTH && text.lastIndexOf("@") <= MAX_LOCAL_LENGTH && ADDRESS.test(text);
}

/**
 * Whether mail may show this as its sender's name: up to 100 characters that are seen as they are, on one line, a
 * letter or digit among them, and none by which it could be taken for an address, in full width neither.
 */
export function isSenderName(name: string): boolean {
  const isShown = /[\p{L}\p{N}]/u.test(name) && name.length <= MAX_NAME_LENGTH && withoutInvisible(name) === name;
  return isShown && !UNFIT.test(name) && !UNFIT.test(name.normalize("NFKC"));
}

/** Reads `Name <a@b.c>`, the name in quotes or not, or `a@b.c`; null where it is neither. */
export function parseMailbox(text: string): Mailbox | null {
  if (text.length > MAX_MAILBOX_LENGTH || /\p{Cc}/u.test(text)) return null;
  const bare = text.trim();
  if (isAddress(bare)) return { email: bare };
  const [, phrase = "", email = ""] = NAMED.exec(bare) ?? [];
  const name = nameIn(phrase);
  return isAddress(email) && name !== null && isSenderName(name) ? { email, name } : null;
}

/** The sender that an account names, without a name that is none today: older releases took more. */
export function senderOf(from: string): Mailbox {
  return parseMailbox(from) ?? { email: /<([^<>]+)>$/.exec(from.trim())?.[1] ?? from };
}

/** Writes a mailbox for a header, the name in quotes where it has to be. */
export function formatMailbox({ email, name }: Mailbox): string {
  if (name === undefined) return email;
  return SPECIALS.test(name) ? `"${name}" <${email}>` : `${name} <${email}>`;
}

/** The sender in an account: `Name <a@b.c>` or `a@b.c`. */
export const Sender = z
  .string()
  .refine(
    (text) => parseMailbox(text) !== null,
    'Name <a@b.c>, "Name" <a@b.c> or a@b.c; the name with a letter or digit, without @, quotes, =?, and what nobody sees',
  );

/** An email address in an account. */
export const Address = z.string().refine(isAddress, "An email address, a@b.c");

function nameIn(phrase: string): string | null {
  if (!PHRASE.test(phrase)) return null;
  const unquoted = phrase.replace(QUOTED, (_, quoted: string) => quoted.replace(/\\(.)/gu, "$1"));
  return unquoted.replace(/ +/g, " ").trim();
}
