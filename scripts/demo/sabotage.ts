/** What the demonstration claims of Paybell, each proved on the way of real events through it. */
export const CLAIMS = [
  "accepted",
  "ordered",
  "signed",
  "retried",
  "duplicate",
  "stale",
  "email",
  "sms",
  "metrics",
] as const;

export type Claim = (typeof CLAIMS)[number];

/**
 * One thing for each claim that the demonstration can do wrong on purpose (`--sabotage`), so that a test can see the
 * claim fail: a proof that cannot fail proves nothing.
 */
export const SABOTAGES = {
  /** One of the provider's events is signed with a secret that its source does not have. */
  accepted: "wrong-signing-secret",
  /** The endpoint that fails at first asks for no order. */
  ordered: "no-ordering",
  /** The receiver checks signatures with another endpoint's secret. */
  signed: "wrong-verifying-secret",
  /** The receiver that fails at first never stops failing. */
  retried: "always-failing-receiver",
  /** The event that comes a second time has an id of its own. */
  duplicate: "fresh-event-id",
  /** The event that comes late is of another payment. */
  stale: "late-for-another-payment",
  /** The customer has no email address. */
  email: "customer-without-email",
  /** Nobody has made sure that the phone is the customer's. */
  sms: "unverified-phone",
  /** The metrics asked for are yesterday's. */
  metrics: "metrics-of-yesterday",
} as const satisfies Record<Claim, string>;

export type Sabotage = (typeof SABOTAGES)[Claim];

/** Whether a word names a sabotage. */
export function isSabotage(word: string): word is Sabotage {
  return (Object.values(SABOTAGES) as string[]).includes(word);
}
