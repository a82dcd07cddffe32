import { createHmac, randomBytes } from "node:crypto";

import type { EventType } from "../../src/event/event-types.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { sharing } from "./signing.ts";

const SOURCE = "https://docs.adyen.com/development-resources/webhooks/webhook-types";

type Item = Record<string, string | undefined> & { amount: { value: number; currency: string } };

/** How Adyen signs one item. `hexKey`: as the Customer Area shows it. */
export function signItem(item: Record<string, unknown>, hexKey: string): string {
  const { pspReference, originalReference, merchantAccountCode, merchantReference, amount, eventCode, success } =
    item as unknown as Item;
  const fields = [pspReference, originalReference, merchantAccountCode, merchantReference];
  const text = [...fields, amount.value, amount.currency, eventCode, success].map((field) => field ?? "").join(":");
  return createHmac("sha256", Buffer.from(hexKey, "hex")).update(text).digest("base64");
}

function sample(type: string, is: EventType, fields: Record<string, unknown> = {}): Sample {
  return {
    type,
    is,
    source: SOURCE,
    make: (id, at) => ({
      live: "true",
      notificationItems: [
        {
          NotificationRequestItem: {
            pspReference: id,
            ...(type !== "AUTHORISATION" && { originalReference: `P${id}` }),
            merchantAccountCode: "NordwindShop",
            merchantReference: `order-${id}`,
            amount: { value: 4250, currency: "EUR" },
            eventCode: type,
            eventDate: new Date(at).toISOString(),
            success: "true",
            paymentMethod: "mc",
            additionalData: { shopperReference: "shopper-81" },
            ...fields,
          },
        },
      ],
    }),
  };
}

export const adyenSamples: ProviderSamples = {
  provider: "adyen",
  toleranceSeconds: null,
  covers: "fields",

  newKeys: sharing(() => randomBytes(32).toString("hex").toUpperCase()),

  async sign(event, { signingKey, url }) {
    const { notificationItems, ...rest } = event as {
      notificationItems: { NotificationRequestItem: Record<string, unknown> & { additionalData?: object } }[];
    };
    const signed = notificationItems.map(({ NotificationRequestItem: item }) => ({
      NotificationRequestItem: {
        ...item,
        additionalData: { ...item.additionalData, hmacSignature: signItem(item, signingKey) },
      },
    }));
    const body = new TextEncoder().encode(JSON.stringify({ ...rest, notificationItems: signed }));
    return { body, headers: new Headers({ "content-type": "application/json" }), url };
  },

  events: [
    sample("AUTHORISATION", "payment.authorized"),
    sample("AUTHORISATION", "payment.failed", { success: "false", reason: "Not enough balance" }),
    sample("CAPTURE", "payment.succeeded"),
    sample("CAPTURE_FAILED", "payment.reversed"),
    sample("CANCELLATION", "payment.canceled"),
    sample("EXPIRE", "payment.expired"),
    sample("REFUND", "refund.succeeded"),
    sample("REFUND", "refund.failed", { success: "false" }),
    sample("REFUND_WITH_DATA", "refund.succeeded"),
    sample("POSTPONED_REFUND", "refund.pending"),
    sample("NOTIFICATION_OF_CHARGEBACK", "dispute.warning"),
    sample("INFORMATION_SUPPLIED", "dispute.under_review"),
    sample("DISPUTE_DEFENSE_PERIOD_ENDED", "dispute.lost"),
    sample("CHARGEBACK", "dispute.opened", { reason: "Goods not received" }),
    sample("CHARGEBACK_REVERSED", "dispute.under_review"),
    sample("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "dispute.won"),
    sample("SECOND_CHARGEBACK", "dispute.lost"),
    sample("PREARBITRATION_OPEN", "dispute.reopened"),
    sample("PREARBITRATION_DECLINED", "dispute.under_review"),
    sample("PREARBITRATION_ACCEPTED", "dispute.accepted"),
    sample("PREARBITRATION_ISSUER_WITHDRAWN", "dispute.won"),
    sample("PREARBITRATION_WON", "dispute.won"),
    sample("PREARBITRATION_LOST", "dispute.lost"),
    sample("SCHEME_ARBITRATION_WON", "dispute.won"),
    sample("SCHEME_ARBITRATION_LOST", "dispute.lost"),
  ],
};
