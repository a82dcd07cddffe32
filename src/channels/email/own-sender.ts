// At a domain that all merchants share, the part before the @ says whose mail it is: each merchant has one of its own.

import { z } from "zod";

import { HOST_STOP } from "../host-stop.ts";
import { formatMailbox, isAddress, isSenderName, parseMailbox, senderOf } from "./mailbox.ts";

/**
 * Names that speak for the domain itself: those of RFC 2142, and what services and people take for one. Whoever has
 * `admin@`, `hostmaster@` or `postmaster@` may get a certificate (CA/Browser Forum, Baseline Requirements, 3.2.2.4.4).
 */
const ROLES: ReadonlySet<string> = new Set(
  `abuse account accounts admin administrator alert alerts all api bank billing bot bounce bounces card cards ceo
  compliance contact customerservice daemon dev dns donotreply everyone feedback finance fraud ftp help helpdesk
  hello hostmaster hr info invoice invoices it legal list mail mailer mailerdaemon marketing members money news
  newsletter nobody noc noreply notice notification notifications notify office operations operator ops owner
  password paybell payment payments payout payouts postmaster privacy receipt receipts refund refunds reply risk
  root sales security server service services spam staff status statements support sysadmin system team test trust
  update updates usenet user uucp verification verify web webmaster welcome www`.split(/\s+/),
);

/** What every merchant has that was given no name: its id with another separator. No given name begins so. */
const OWN_PREFIX = "mer-";

/** The name that an operator gives a merchant, to send mail from at its domains. */
export const EmailName = z
  .string()
  .regex(
    /^[a-z0-9](?:[._-]?[a-z0-9]){1,39}$/,
    "2 to 40 characters of a-z and 0-9, single dots and hyphens between them",
  )
  .refine((name) => !isReserved(name), "A name that speaks for the domain itself, such as support, is nobody's");

function isReserved(name: string): boolean {
  return name.startsWith(OWN_PREFIX) || ROLES.has(name.replace(/[._-]/g, "").replace(/\d+$/, ""));
}

/** Whose address it is, as far as that says. */
interface Owner {
  id: string;
  emailName: string | null;
}

function localPartOf({ id, emailName }: Owner): string {
  return emailName ?? id.replace("_", "-");
}

/**
 * Whether mail from a domain that all merchants share may show this name: a sender's name in which nobody reads
 * another's domain, `bank.com`. A merchant that sends from a domain of its own may be called Shop.de.
 */
export function isOwnSenderName(name: string): boolean {
  return isSenderName(name) && name.normalize("NFKC").search(HOST_STOP) === -1;
}

/** What an account may ask for: a name for people to read, an address, or both. */
export const OwnSender = z.string().refine((text) => {
  const { name = null } = parseMailbox(text) ?? { name: text };
  return name === null || isOwnSenderName(name);
}, "A name, such as My shop, without @, quotes, what nobody sees, and what looks like a domain (a space follows a full stop); your address is added to it");

/**
 * What an account asked for ({@link OwnSender}; undefined: nothing), written out with the merchant's address at one of
 * `domains`; or why not: `domain` is not one of them, or `own` is what the merchant's address there would be.
 */
export function ownSender(
  from: string | undefined,
  owner: Owner,
  domains: readonly string[],
): { from: string } | { domain: string } | { own: string } {
  const local = localPartOf(owner);
  const asked = from === undefined ? null : parseMailbox(from);
  if (asked === null) {
    const name = from === undefined ? {} : { name: from.trim() };
    return { from: formatMailbox({ ...name, email: `${local}@${domains[0]}` }) };
  }
  const [askedLocal, domain = ""] = asked.email.toLowerCase().split("@");
  if (!domains.includes(domain)) return { domain };
  const own = `${local}@${domain}`;
  return askedLocal === local ? { from: formatMailbox({ ...asked, email: own }) } : { own };
}

/** A stored sender under the merchant's own address: accounts of older releases name any. */
export function underOwnName(from: string, owner: Owner): string {
  const { email, name } = senderOf(from);
  const own = `${localPartOf(owner)}@${email.split("@")[1]}`;
  const shown = name !== undefined && isOwnSenderName(name) ? { name } : {};
  return isAddress(own) ? formatMailbox({ ...shown, email: own }) : from;
}
