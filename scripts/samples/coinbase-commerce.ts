import { randomUUID } from "node:crypto";

import type { ProviderSamples, Sample } from "./sample.ts";
import { hexOf, sharing, signsBody } from "./signing.ts";

const SOURCE = "https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-fields";

function charge(type: string, is: Sample["is"], statuses: string[], fields: Record<string, unknown> = {}): Sample {
  const make = (id: string, at: number) => ({
    id: `delivery-${id}`,
    scheduled_for: new Date(at).toISOString(),
    attempt_number: 1,
    event: {
      id: `event-${id}`,
      type,
      api_version: "2018-03-22",
      created_at: new Date(at).toISOString(),
      data: {
        id: `charge-${id}`,
        code: `CODE${id.toUpperCase()}`,
        name: "Pottery course",
        pricing_type: "fixed_price",
        pricing: { local: { amount: "120.00", currency: "CHF" }, settlement: { amount: "136.1", currency: "USDC" } },
        metadata: { order_id: `course-${id}` },
        timeline: statuses.map((status, step) => ({ status, time: new Date(at - 60_000 + 1000 * step).toISOString() })),
        payments: [],
        ...fields,
      },
    },
  });
  return { type, source: SOURCE, make, is };
}

/** Coinbase Commerce has six types; some of them mean several things. */
export const coinbaseCommerceSamples: ProviderSamples = {
  provider: "coinbase-commerce",
  toleranceSeconds: null,
  areAll: true,
  covers: "body",

  newKeys: sharing(() => randomUUID()),

  sign: signsBody("x-cc-webhook-signature", hexOf),

  events: [
    charge("charge:created", "payment.created", ["NEW"]),
    {
      ...charge("charge:created", "payment.created", ["NEW"], { pricing_type: "no_price", pricing: {} }),
      variant: "no_price",
    },
    charge("charge:pending", "payment.processing", ["NEW", "SIGNED", "PENDING"]),
    charge("charge:confirmed", "payment.succeeded", ["NEW", "SIGNED", "PENDING", "COMPLETED"]),
    {
      ...charge("charge:confirmed", "payment.succeeded", ["NEW", "PENDING", "COMPLETED"], {
        pricing: { local: { amount: "0.75", currency: "USDC" } },
      }),
      variant: "crypto",
    },
    charge("charge:failed", "payment.failed", ["NEW", "SIGNED", "FAILED"]),
    { ...charge("charge:failed", "payment.failed", ["NEW", "UNRESOLVED"]), variant: "unresolved" },
    charge("charge:failed", "payment.expired", ["NEW", "EXPIRED"]),
    charge("charge:delayed", "payment.pending", ["NEW", "EXPIRED", "UNRESOLVED"]),
    charge("charge:resolved", "payment.succeeded", ["NEW", "EXPIRED", "UNRESOLVED", "RESOLVED"]),
  ],
};
