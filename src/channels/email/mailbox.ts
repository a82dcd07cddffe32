import { z } from "zod";

/** An address with the name that mail programs show. */
export interface Mailbox {
  email: string;
  name?: string;
}

const MAX_ADDRESS_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const MAX_NAME_LENGTH = 100;
/** RFC 5321, 4.1.2, without quoted local parts, and RFC 5322, 3.2.3: ASCII alone. */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** `Name <address>` or `"Name" <address>`. */
const NAMED = /^(?:"([^"]+)"|([^"]+?)) ?<([^<>]+)>$/;
/** Nothing that ends a header, a quoted string or the name. */
const NAME = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}"\\<>]+$/u;
/** What a name may hold only in quotes (RFC 5322, 3.2.3). */
const SPECIALS = /[(),:;@[\]]/;

/** Whether this is one plain email address: `local@domain.tld`, ASCII, no comment, no quotes, no line break. */
export function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_LENGTH && text.lastIndexOf("@") <= MAX_LOCAL_LENGTH && ADDRESS.test(text);
}

/** Reads `Name <a@b.c>` or `a@b.c`; null where it is neither. */
export function parseMailbox(text: string): Mailbox | null {
  if (isAddress(text)) return { email: text };
  const [, quoted, plain, email = ""] = NAMED.exec(text) ?? [];
  const written = quoted ?? plain ?? "";
  const name = written.trim();
  if (!isAddress(email) || !NAME.test(written) || name === "" || name.length > MAX_NAME_LENGTH) return null;
  return { email, name };
}

/** Writes a mailbox for a header, the name in quotes where it has to be. */
export function formatMailbox({ email, name }: Mailbox): string {
  if (name === undefined) return email;
  return SPECIALS.test(name) ? `"${name}" <${email}>` : `${name} <${email}>`;
}

/** The sender in an account: `Name <a@b.c>` or `a@b.c`. */
export const Sender = z.string().refine((text) => parseMailbox(text) !== null, "Name <a@b.c> or a@b.c, on one line");

/** An email address in an account. */
export const Address = z.string().refine(isAddress, "An email address, a@b.c");
