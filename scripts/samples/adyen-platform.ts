import { createHmac, randomBytes } from "node:crypto";

import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const TRANSFERS = "https://docs.adyen.com/api-explorer/transfer-webhooks";
const ACCOUNTS = "https://docs.adyen.com/api-explorer/balanceplatform-webhooks";
const BALANCES = "https://docs.adyen.com/api-explorer/balance-webhooks";
const TOKENS = "https://docs.adyen.com/api-explorer/Tokenization-webhooks";

function sample(type: string, is: EventType, source: string, data: (id: string) => object): Sample {
  const make = (id: string, at: number) => ({
    type,
    environment: "live",
    timestamp: new Date(at).toISOString(),
    data: data(id),
  });
  return { type, is, source, make };
}

function transfer(status: string, is: EventType, fields: object = {}): Sample {
  return sample("balancePlatform.transfer.updated", is, TRANSFERS, (id) => ({
    id,
    status,
    category: "bank",
    direction: "outgoing",
    amount: { value: 120000, currency: "EUR" },
    accountHolder: { id: "AH-NORDWIND-7" },
    balanceAccount: { id: "BA-NORDWIND-7" },
    ...fields,
  }));
}

export const adyenPlatformSamples: ProviderSamples = {
  provider: "adyen-platform",
  toleranceSeconds: null,
  covers: "body",

  newKeys: sharing(() => randomBytes(32).toString("hex").toUpperCase()),

  async sign(event, { signingKey, url }) {
    const text = JSON.stringify(event);
    const signature = createHmac("sha256", Buffer.from(signingKey, "hex")).update(text).digest("base64");
    const headers = new Headers({ hmacsignature: signature, protocol: "HmacSHA256" });
    return { body: new TextEncoder().encode(text), headers, url };
  },

  events: [
    transfer("received", "payout.created"),
    transfer("authorised", "payout.in_transit"),
    transfer("booked", "payout.paid"),
    transfer("failed", "payout.failed"),
    transfer("returned", "payout.returned"),
    transfer("booked", "account.balance_changed", { direction: "incoming" }),
    sample("balancePlatform.accountHolder.updated", "account.updated", ACCOUNTS, (id) => ({ accountHolder: { id } })),
    sample("balancePlatform.balanceAccount.updated", "account.updated", ACCOUNTS, (id) => ({ balanceAccount: { id } })),
    sample("balancePlatform.balanceAccount.balance.updated", "account.balance_changed", BALANCES, (id) => ({
      balanceAccountId: id,
      currency: "EUR",
      balances: { available: 84_000, pending: 1_250, reserved: 0, balance: 84_000 },
    })),
    sample("recurring.token.created", "payment_method.attached", TOKENS, (id) => ({
      shopperReference: "shopper-81",
      storedPaymentMethodId: id,
    })),
    sample("recurring.token.disabled", "payment_method.detached", TOKENS, (id) => ({
      shopperReference: "shopper-81",
      storedPaymentMethodId: id,
    })),
  ],
};
