import type { Language } from "./notice.ts";

/** The texts in Chinese, in simplified characters. They say what the English ones say. */
export const chinese: Language = {
  locale: "zh",
  tag: "zh-Hans",
  named: (merchant, rest) => `${merchant}：${rest}`,
  greeting: "您好，",
  titles: {
    "payment.succeeded": "付款成功",
    "payment.failed": "付款未完成",
    "refund.succeeded": "已退款",
    "dispute.opened": "付款出现争议",
  },
  titled: (title, amount) => `${title}（${amount}）`,
  sentences: {
    "payment.succeeded": ({ merchant, amount }) => `${payment(merchant, amount)}已成功。`,
    "payment.failed": ({ merchant, amount }) => `${payment(merchant, amount)}未完成。`,
    // Without an amount: a refund was made, not the payment refunded.
    "refund.succeeded": ({ merchant, amount }) =>
      amount === null ? `${payment(merchant, null)}有一笔退款已完成。` : `${payment(merchant, null)}已退款 ${amount}。`,
    "dispute.opened": ({ merchant, amount, paid }) =>
      amount === null
        ? `${payment(merchant, paid)}出现争议。`
        : `${payment(merchant, null)}出现争议，涉及金额 ${amount}。`,
  },
  order: (reference) => `订单号：${reference}`,
  payment: (id) => `付款编号：${id}`,
  refundedInTotal: (amount) => `累计退款：${amount}`,
  unknownDispute: (merchant) => `如果您不了解此争议，请联系${merchant === null ? "商家" : ` ${merchant}`}。`,
  closing: "此消息由系统自动发送。",
  gap: "",
};

/** "Your payment", to whom and how much; ready to be followed by Chinese characters. */
function payment(merchant: string | null, amount: string | null): string {
  const head = merchant === null ? "您的付款" : `您向 ${merchant} 的付款`;
  return amount === null ? head : `${head} ${amount} `;
}
