import { z } from "zod";

import { BaseUrl, Credential, urlOf } from "../channels/http-api.ts";
import type { ProviderEvent } from "../event/event.ts";
import { at, isObject, type Json, parseObject, textAt } from "../providers/json.ts";
import { readEntity } from "../providers/mollie.ts";
import { UnparseableError } from "../providers/provider.ts";
import { instantOfIso, isLive } from "../providers/reading.ts";
import type { Enricher, Told } from "./enricher.ts";

const MollieCredential = z.strictObject({ apiKey: Credential, baseUrl: BaseUrl.optional() });

/**
 * Mollie's older form names a payment and nothing else: the payment itself is read, with its refunds and chargebacks.
 * Each is an event of its own, known again by its id and what it has come to, so that every change is told once, and
 * none is missed between two readings. https://docs.mollie.com/reference/get-payment
 */
export const mollie: Enricher<z.infer<typeof MollieCredential>> = {
  credential: MollieCredential,
  baseUrl: "https://api.mollie.com",
  headers: [],

  canAsk: ({ providerType, data }) => providerType === "legacy" && data.payment !== undefined,

  async ask({ event, config }, { apiKey, baseUrl = mollie.baseUrl }, call) {
    const id = event.data.payment!.id;
    // An API key is of one mode; an access token is of both, and has to say.
    const mode = isLive(config) || /^(live|test)_/.test(apiKey) ? "" : "&testmode=true";
    const url = urlOf(baseUrl, `/v2/payments/${id}?embed=refunds,chargebacks${mode}`);
    const answer = await call({ url, headers: { authorization: `Bearer ${apiKey}` } });
    if (!answer.ok) return answer;
    const payment = parseObject(answer.body);
    if (textAt(payment, "id") !== id) throw new UnparseableError("the answer is not the payment that was asked for");
    return { ok: true, events: [paymentIn(payment), ...refundsIn(payment), ...chargebacksIn(payment)] };
  },
};

function paymentIn(payment: Json): Told {
  const status = textAt(payment, "status") ?? "";
  return told(payment, payment, `payment.${status}`, at(payment, status === "open" ? "createdAt" : `${status}At`));
}

/** Mollie says when a refund was made, and not when it came to what it is now. */
function refundsIn(payment: Json): Told[] {
  return embedded(payment, "refunds").map((refund) =>
    told(payment, refund, `refund.${textAt(refund, "status")}`, undefined),
  );
}

function chargebacksIn(payment: Json): Told[] {
  return embedded(payment, "chargebacks").map((chargeback) => {
    const reversedAt = at(chargeback, "reversedAt");
    return typeof reversedAt === "string"
      ? told(payment, chargeback, "chargeback.reversed", reversedAt)
      : told(payment, chargeback, "chargeback.received", at(chargeback, "createdAt"));
  });
}

/** Refunds and chargebacks are of their payment's user, and `userFrom` points into the payment for them too. */
function told(payment: Json, entity: Json, providerType: string, time: unknown): Told {
  const id = textAt(entity, "id") ?? "";
  const event: ProviderEvent = {
    eventId: null,
    providerType,
    ...readEntity(providerType, id, entity),
    occurredAt: instantOfIso(time),
    livemode: textAt(payment, "mode") !== "test",
    customer: textAt(payment, "customerId") ?? null,
    authenticity: "fetched",
    raw: payment,
  };
  return { event, key: [id, providerType] };
}

function embedded(payment: Json, name: string): Json[] {
  const list = at(payment, "_embedded", name);
  return Array.isArray(list) ? list.filter((one) => isObject(one) && textAt(one, "id") !== undefined) : [];
}
