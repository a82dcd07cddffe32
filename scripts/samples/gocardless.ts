import { randomBytes } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

const SOURCE = "https://developer.gocardless.com/api-reference/#events-event-types";

function sample(
  resource: string,
  action: string,
  is: Sample["is"],
  details: Record<string, unknown> = { origin: "gocardless", cause: `${resource.slice(0, -1)}_${action}` },
): Sample {
  const kind = resource.slice(0, -1);
  const make: Sample["make"] = (id, at) => ({
    events: [
      {
        id: `EV${id}`,
        created_at: new Date(at).toISOString(),
        resource_type: resource,
        action,
        links: { [kind]: `${kind.slice(0, 2).toUpperCase()}${id}` },
        details: { description: `The ${kind} is now: ${action}.`, ...details },
        metadata: {},
        resource_metadata: { order_id: `rowing-${id}` },
      },
    ],
    meta: { webhook_id: `WB${id}` },
  });
  return { type: `${resource}.${action}`, source: SOURCE, is, make };
}

const bank = (cause: string) => ({ origin: "bank", cause, scheme: "bacs", reason_code: "ARUDD-0" });

const outbound = [
  sample("outbound_payments", "created", "payout.created"),
  sample("outbound_payments", "executed", "payout.paid"),
  sample("outbound_payments", "failed", "payout.failed"),
  sample("outbound_payments", "cancelled", "payout.canceled"),
  sample("outbound_payments", "returned", "payout.returned"),
];

/** GoCardless. */
export const gocardlessSamples: ProviderSamples = {
  provider: "gocardless",
  toleranceSeconds: null,
  isMoneyless: true,
  covers: "body",

  newKeys: sharing(() => randomBytes(24).toString("base64url")),

  sign: signsBody("webhook-signature", hexOf),

  events: [
    sample("payments", "created", "payment.created"),
    sample("payments", "submitted", "payment.processing"),
    sample("payments", "confirmed", "payment.succeeded"),
    sample("payments", "failed", "payment.failed", bank("insufficient_funds")),
    sample("payments", "cancelled", "payment.canceled"),
    sample("payments", "charged_back", "dispute.lost", bank("authorisation_disputed")),
    sample("payments", "chargeback_cancelled", "dispute.won", bank("payment_confirmed")),
    sample("refunds", "created", "refund.pending"),
    sample("refunds", "paid", "refund.succeeded"),
    sample("payouts", "paid", "payout.paid"),
    ...outbound,
    sample("mandates", "created", "mandate.created"),
    sample("mandates", "active", "mandate.active"),
    sample("mandates", "consumed", "mandate.canceled"),
    sample("mandates", "suspended_by_payer", "mandate.paused"),
    sample("mandates", "blocked", "mandate.failed"),
    sample("mandates", "cancelled", "mandate.canceled"),
    sample("subscriptions", "created", "subscription.created"),
    sample("subscriptions", "customer_approval_denied", "subscription.canceled"),
    sample("creditors", "updated", "account.updated"),
    sample("creditors", "new_payout_currency_added", "account.updated"),
    sample("creditors", "account_auto_frozen", "account.requirements_due"),
    sample("creditors", "account_auto_frozen_reverted", "account.updated"),
    sample("creditors", "bounced_payout", "account.requirements_due"),
  ],

  unmapped: (id, at) => sample("payments", "no_such_action", "unknown").make(id, at),
};
