import type { Language } from "./notice.ts";

/** What is written otherwise in simplified and in traditional characters. */
interface Words {
  disputed: string;
  refundOf: (payment: string) => string;
  order: (reference: string) => string;
  payment: (id: string) => string;
  refundedInTotal: (amount: string) => string;
  dispute: (payment: string) => string;
  disputeOver: (payment: string, amount: string) => string;
  unknownDispute: (whom: string | null) => string;
  closing: string;
}

/** The texts in Chinese, in simplified characters. They say what the English ones say. */
export const simplified: Language = {
  locale: "zh",
  tag: "zh-Hans",
  money: "zh-Hans",
  ...textsOf({
    disputed: "付款出现争议",
    refundOf: (payment) => `${payment}有一笔退款已完成。`,
    order: (reference) => `订单号：${reference}`,
    payment: (id) => `付款编号：${id}`,
    refundedInTotal: (amount) => `累计退款：${amount}`,
    dispute: (payment) => `${payment}出现争议。`,
    disputeOver: (payment, amount) => `${payment}出现争议，涉及金额 ${amount}。`,
    unknownDispute: (whom) => `如果您不了解此争议，请联系${whom === null ? "商家" : ` ${whom}`}。`,
    closing: "此消息由系统自动发送。",
  }),
};

/** In traditional characters, for Taiwan, Hong Kong and Macau. Money as in Hong Kong: a bare `$` is nobody's there. */
export const traditional: Language = {
  locale: "zh-Hant",
  tag: "zh-Hant",
  money: "zh-Hant-HK",
  ...textsOf({
    disputed: "付款出現爭議",
    refundOf: (payment) => `${payment}有一筆退款已完成。`,
    order: (reference) => `訂單編號：${reference}`,
    payment: (id) => `付款編號：${id}`,
    refundedInTotal: (amount) => `累計退款：${amount}`,
    dispute: (payment) => `${payment}出現爭議。`,
    disputeOver: (payment, amount) => `${payment}出現爭議，涉及金額 ${amount}。`,
    unknownDispute: (whom) => `如果您不瞭解此爭議，請聯絡${whom === null ? "商家" : ` ${whom}`}。`,
    closing: "此訊息由系統自動發送。",
  }),
};

function textsOf(words: Words): Omit<Language, "locale" | "tag" | "money"> {
  return {
    named: (merchant, rest) => `${merchant}：${rest}`,
    greeting: "您好，",
    titles: {
      "payment.succeeded": "付款成功",
      "payment.failed": "付款未完成",
      "refund.succeeded": "已退款",
      "dispute.opened": words.disputed,
    },
    titled: (title, amount) => `${title}（${amount}）`,
    sentences: {
      "payment.succeeded": ({ merchant, amount }) => `${paymentOf(merchant, amount)}已成功。`,
      "payment.failed": ({ merchant, amount }) => `${paymentOf(merchant, amount)}未完成。`,
      // Without an amount: a refund was made, not the payment refunded.
      "refund.succeeded": ({ merchant, amount }) =>
        amount === null ? words.refundOf(paymentOf(merchant, null)) : `${paymentOf(merchant, null)}已退款 ${amount}。`,
      "dispute.opened": ({ merchant, amount, paid }) =>
        amount === null
          ? words.dispute(paymentOf(merchant, paid))
          : words.disputeOver(paymentOf(merchant, null), amount),
    },
    order: words.order,
    payment: words.payment,
    refundedInTotal: words.refundedInTotal,
    unknownDispute: words.unknownDispute,
    closing: words.closing,
    gap: "",
  };
}

/** "Your payment", to whom and how much; ready to be followed by Chinese characters. */
function paymentOf(merchant: string | null, amount: string | null): string {
  const head = merchant === null ? "您的付款" : `您向 ${merchant} 的付款`;
  return amount === null ? head : `${head} ${amount} `;
}
