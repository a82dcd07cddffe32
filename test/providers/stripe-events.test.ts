import { describe, expect, it } from "vitest";
import type { EventData } from "../../src/event/event.ts";
import type { EventType } from "../../src/event/event-types.ts";
import { eur } from "../event/payment-events.ts";
import {
  card,
  charge,
  CREATED,
  dispute,
  eventOf,
  intent,
  type Json,
  normalize,
  paymentMethod,
  payout,
  refund,
} from "./stripe-objects.ts";

const payment = { id: "pi_1", amount: eur(1999), reference: "order_77", method: "card" };
const refunded = { payment: { id: "pi_1" }, refund: { id: "re_1", amount: eur(500), reason: "requested_by_customer" } };
const disputed = {
  payment: { id: "pi_1" },
  dispute: { id: "dp_1", amount: eur(1999), reason: "fraudulent", evidenceDueBy: "2026-09-28T12:53:20.000Z" },
};
const paidOut = { payout: { id: "po_1", amount: eur(50_000), arrivalDate: "2026-09-23" } };
const ofCard = { paymentMethod: { id: "pm_1", brand: "visa", last4: "4242", expMonth: 12, expYear: 2030 } };
const chargePaid = { payment: { id: "ch_1", amount: eur(1999), method: "card" } };
const ofMandate = { paymentMethod: { id: "pm_1" } };
const onlyId = { payment: { id: "pi_1" } };

describe("a Stripe event becomes", () => {
  it.each([
    ["payment_intent.created", intent, "payment.created", { payment }],
    ["payment_intent.processing", intent, "payment.processing", { payment }],
    ["payment_intent.requires_action", intent, "payment.requires_action", { payment }],
    ["payment_intent.partially_funded", intent, "payment.pending", { payment }],
    ["payment_intent.amount_capturable_updated", intent, "payment.authorized", { payment }],
    ["payment_intent.succeeded", { ...intent, amount_received: 1999 }, "payment.succeeded", { payment }],
    ["payment_intent.canceled", intent, "payment.canceled", { payment }],
    ["charge.succeeded", charge, "payment.succeeded", chargePaid],
    ["charge.succeeded", { ...charge, captured: false, amount_captured: 0 }, "payment.authorized", chargePaid],
    ["charge.captured", charge, "payment.succeeded", chargePaid],
    ["charge.pending", charge, "payment.pending", chargePaid],
    ["charge.expired", charge, "payment.expired", chargePaid],
    ["charge.succeeded", { ...charge, payment_intent: "pi_1" }, "unknown", onlyId],
    ["charge.captured", { ...charge, payment_intent: { id: "pi_1" } }, "unknown", onlyId],
    ["charge.failed", { ...charge, payment_intent: "pi_1" }, "unknown", onlyId],
    ["charge.updated", { ...charge, payment_intent: "pi_1" }, "unknown", onlyId],
    ["refund.created", refund, "refund.succeeded", refunded],
    ["refund.created", { ...refund, status: "pending" }, "refund.created", refunded],
    ["refund.created", { ...refund, status: null }, "refund.created", refunded],
    ["refund.updated", { ...refund, status: "pending" }, "refund.pending", refunded],
    ["refund.updated", { ...refund, status: "requires_action" }, "refund.pending", refunded],
    ["refund.updated", refund, "refund.succeeded", refunded],
    ["refund.updated", { ...refund, status: "canceled" }, "refund.failed", refunded],
    ["charge.refund.updated", refund, "refund.succeeded", refunded],
    ["refund.failed", { ...refund, status: "failed" }, "refund.failed", refunded],
    ["charge.dispute.created", dispute, "dispute.opened", disputed],
    ["charge.dispute.created", { ...dispute, status: "warning_needs_response" }, "dispute.warning", disputed],
    ["charge.dispute.updated", { ...dispute, status: "under_review" }, "dispute.under_review", disputed],
    ["charge.dispute.updated", dispute, "dispute.opened", disputed],
    ["charge.dispute.updated", { ...dispute, status: "warning_under_review" }, "dispute.warning", disputed],
    ["charge.dispute.closed", { ...dispute, status: "won" }, "dispute.won", disputed],
    ["charge.dispute.closed", { ...dispute, status: "lost" }, "dispute.lost", disputed],
    ["charge.dispute.closed", { ...dispute, status: "warning_closed" }, "dispute.closed", disputed],
    ["charge.dispute.funds_withdrawn", dispute, "unknown", disputed],
    ["charge.dispute.funds_reinstated", dispute, "unknown", disputed],
    [
      "radar.early_fraud_warning.created",
      { id: "issfr_1", charge: "ch_1", payment_intent: "pi_1" },
      "fraud.warning",
      onlyId,
    ],
    ["payout.created", payout, "payout.created", paidOut],
    ["payout.updated", payout, "payout.in_transit", paidOut],
    ["payout.updated", { ...payout, status: "pending" }, "payout.created", paidOut],
    ["payout.paid", payout, "payout.paid", paidOut],
    ["payout.failed", payout, "payout.failed", paidOut],
    ["payout.canceled", payout, "payout.canceled", paidOut],
    ["account.updated", { id: "acct_1", object: "account" }, "account.updated", { account: { id: "acct_1" } }],
    [
      "invoice.paid",
      { id: "in_1", object: "invoice", customer: "cus_1", payment_intent: "pi_1" },
      "invoice.paid",
      onlyId,
    ],
    ["invoice.paid", { id: "in_1", object: "invoice", customer: "cus_1" }, "invoice.paid", {}],
    ["invoice.payment_failed", { id: "in_1", payment_intent: "pi_1" }, "invoice.payment_failed", onlyId],
    ["invoice.payment_action_required", { id: "in_1", payment_intent: "pi_1" }, "payment.requires_action", onlyId],
    ["invoice.created", { id: "in_1" }, "invoice.created", {}],
    ["invoice.finalized", { id: "in_1" }, "invoice.updated", {}],
    ["invoice.voided", { id: "in_1" }, "invoice.canceled", {}],
    ["mandate.updated", { id: "mandate_1", status: "active", payment_method: "pm_1" }, "mandate.active", ofMandate],
    ["mandate.updated", { status: "inactive", payment_method: { id: "pm_1" } }, "mandate.canceled", ofMandate],
    ["mandate.updated", { status: "pending" }, "mandate.created", {}],
    ["mandate.updated", { status: "constructor" }, "unknown", {}],
    ["customer.subscription.paused", { id: "sub_1", status: "paused" }, "subscription.updated", {}],
    ["customer.subscription.resumed", { id: "sub_1", status: "active" }, "subscription.updated", {}],
    ["customer.subscription.created", { id: "sub_1" }, "subscription.created", {}],
    ["customer.subscription.updated", { id: "sub_1", status: "active" }, "subscription.updated", {}],
    ["customer.subscription.updated", { id: "sub_1", status: "past_due" }, "subscription.past_due", {}],
    ["customer.subscription.deleted", { id: "sub_1" }, "subscription.canceled", {}],
    ["payment_method.attached", paymentMethod, "payment_method.attached", ofCard],
    ["payment_method.updated", paymentMethod, "payment_method.updated", ofCard],
    ["payment_method.automatically_updated", paymentMethod, "payment_method.updated", ofCard],
    ["payment_method.detached", paymentMethod, "payment_method.detached", ofCard],
    ["customer.source.expiring", { ...card, id: "pm_1", object: "card" }, "payment_method.expiring", ofCard],
    ["customer.created", { id: "cus_1", object: "customer" }, "unknown", {}],
    ["issuing_card.created", { id: "ic_1", object: "issuing.card" }, "unknown", {}],
    ["toString", intent, "unknown", onlyId],
  ] as [string, Json, EventType, EventData][])("%s -> %s: %s", async (providerType, object, type, data) => {
    expect(await normalize(eventOf(providerType, object))).toMatchObject({ providerType, type });
    expect((await normalize(eventOf(providerType, object))).data).toEqual(data);
  });

  it("one event with all that it says", async () => {
    const event = eventOf("payment_intent.succeeded", { ...intent, amount_received: 1500 });
    expect(await normalize(event)).toEqual({
      eventId: "evt_1",
      providerType: "payment_intent.succeeded",
      type: "payment.succeeded",
      occurredAt: CREATED * 1000,
      livemode: true,
      customer: "cus_1",
      authenticity: "signed",
      data: { payment: { ...payment, amount: eur(1500) } },
      raw: event,
    });
  });

  it("a failed payment with the bank's own reason", async () => {
    const failed = {
      ...intent,
      payment_method_types: ["card", "sepa_debit"],
      last_payment_error: {
        code: "card_declined",
        decline_code: "insufficient_funds",
        message: "Your card has insufficient funds.",
        payment_method: { id: "pm_1", type: "sepa_debit" },
      },
    };
    expect((await normalize(eventOf("payment_intent.payment_failed", failed))).data.payment).toEqual({
      ...payment,
      method: "sepa_debit",
      failure: { code: "insufficient_funds", message: "Your card has insufficient funds." },
    });
  });

  it("a failed charge without a payment intent", async () => {
    const failed = { ...charge, captured: false, failure_code: "expired_card", failure_message: "Expired." };
    const event = await normalize(eventOf("charge.failed", failed));
    expect(event.type).toBe("payment.failed");
    expect(event.data.payment?.failure).toEqual({ code: "expired_card", message: "Expired." });
  });

  it("a checkout that ends later", async () => {
    const session = {
      id: "cs_1",
      object: "checkout.session",
      amount_total: 1999,
      currency: "eur",
      client_reference_id: "cart_5",
      customer: "cus_1",
      payment_intent: "pi_1",
    };
    const data = { payment: { id: "pi_1", amount: eur(1999), reference: "cart_5" } };
    for (const [suffix, type] of [
      ["succeeded", "payment.succeeded"],
      ["failed", "payment.failed"],
    ]) {
      const event = await normalize(eventOf(`checkout.session.async_payment_${suffix}`, session));
      expect(event).toMatchObject({ type, data, customer: "cus_1" });
    }
    expect(await normalize(eventOf("checkout.session.completed", session))).toMatchObject({
      type: "unknown",
      data: onlyId,
      customer: "cus_1",
    });
  });

  it("a balance in all its currencies, of the connected account where there is one", async () => {
    const balance = {
      object: "balance",
      available: [
        { amount: 100, currency: "eur" },
        { amount: -5, currency: "usd" },
      ],
      pending: [{ amount: 1.5, currency: "eur" }],
    };
    const account = { available: [eur(100), { value: "-5", currency: "USD" }], pending: [] };
    const event = eventOf("balance.available", balance, { account: "acct_1" });
    expect((await normalize(event)).data).toEqual({ account: { id: "acct_1", ...account } });
    expect((await normalize(eventOf("balance.available", balance))).data.account?.id).toBe("self");
  });

  it("unknown where it is thin, and is kept with its time", async () => {
    const thin = {
      id: "evt_65",
      object: "v2.core.event",
      type: "payment_intent.succeeded",
      created: "2026-09-21T14:13:20.000Z",
      livemode: false,
      related_object: { id: "pi_1", type: "payment_intent", url: "/v1/payment_intents/pi_1" },
    };
    expect(await normalize(thin)).toMatchObject({
      eventId: "evt_65",
      type: "unknown",
      occurredAt: Date.UTC(2026, 8, 21, 14, 13, 20),
      livemode: false,
      customer: null,
      data: {},
    });
  });
});
