import type { Language } from "./notice.ts";

/** The texts in English. They promise nothing that Paybell does not know. */
export const english: Language = {
  locale: "en",
  tag: "en",
  money: "en",
  named: (merchant, rest) => `${merchant}: ${rest}`,
  greeting: "Hello,",
  titles: {
    "payment.succeeded": "Payment successful",
    "payment.failed": "Payment not completed",
    "refund.succeeded": "Refund made",
    "dispute.opened": "Payment disputed",
  },
  titled: (title, amount) => `${title} (${amount})`,
  sentences: {
    "payment.succeeded": ({ merchant, amount }) => `Your payment${of(amount)}${to(merchant)} was successful.`,
    "payment.failed": ({ merchant, amount }) => `Your payment${of(amount)}${to(merchant)} was not completed.`,
    "refund.succeeded": ({ merchant, amount }) =>
      `A refund${of(amount)} for your payment${to(merchant)} has been made.`,
    "dispute.opened": ({ merchant, amount, paid }) =>
      amount === null
        ? `A dispute was opened for your payment${of(paid)}${to(merchant)}.`
        : `A dispute over ${amount} was opened for your payment${to(merchant)}.`,
  },
  order: (reference) => `Order: ${reference}`,
  payment: (id) => `Payment: ${id}`,
  refundedInTotal: (amount) => `Refunded in total: ${amount}`,
  unknownDispute: (merchant) => `If you do not know of this dispute, please contact ${merchant ?? "the merchant"}.`,
  closing: "This message was sent automatically.",
  gap: " ",
};

function of(amount: string | null): string {
  return amount === null ? "" : ` of ${amount}`;
}

function to(merchant: string | null): string {
  return merchant === null ? "" : ` to ${merchant}`;
}
