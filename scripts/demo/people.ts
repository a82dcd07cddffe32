// What the messages that a customer got prove.

import { emailText } from "./mailbox.ts";
import type { TextMessage } from "./phone-network.ts";
import type { StripeEvent } from "./stripe.ts";

/** The parts of a delivery to a customer that are looked at. */
export interface Notice {
  channel: "webhook" | "email" | "sms";
  status: string;
  reason: string | null;
  attempts: { message?: string }[];
}

/** Whether each event was told in one email, as the local binding wrote it below `folder`; says what they say. */
export function areEmailed(
  notices: Notice[],
  told: StripeEvent[],
  folder: string,
  say: (line: string) => void,
): boolean {
  // The API lists the newest first.
  const emails = notices.filter(({ channel }) => channel === "email").toReversed();
  const ids = emails.flatMap(({ attempts }) => attempts.flatMap(({ message }) => message ?? []));
  const texts = ids.flatMap((id) => emailText(folder, id) ?? []);
  for (const text of texts) say(`  ← email:\n${text.trimEnd().replaceAll(/^/gm, "      ")}`);
  return isConcluded(emails) && told.every((event) => count(texts, event, "€") === 1);
}

/** Whether each event was told in one text. */
export function areTexted(notices: Notice[], told: StripeEvent[], messages: TextMessage[]): boolean {
  const texts = messages.map(({ text }) => text);
  const sent = notices.filter(({ channel, status }) => channel === "sms" && status === "sent");
  return (
    isConcluded(notices.filter(({ channel }) => channel === "sms")) &&
    sent.length === texts.length &&
    told.every((event) => count(texts, event, "EUR ") === 1)
  );
}

/** Whether every message was sent, but for news that newer news had overtaken. */
function isConcluded(notices: Notice[]): boolean {
  return notices.every(
    ({ status, reason }) =>
      status === "sent" || (status === "skipped" && (reason === "superseded" || reason === "stale")),
  );
}

/** How many texts tell that a payment succeeded, by its amount and order. A failure told before is another text. */
function count(texts: string[], { payment: { amount, order } }: StripeEvent, currency: string): number {
  const money = currency + (amount / 100).toFixed(2);
  return texts.filter((text) => text.includes(money) && text.includes(order) && text.includes("was successful")).length;
}
