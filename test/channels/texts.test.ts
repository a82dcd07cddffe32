import { describe, expect, it } from "vitest";
import { septetsOf } from "../../src/channels/texts/gsm7.ts";
import { renderText, type Notice } from "../../src/channels/texts/index.ts";
import { decimalOf } from "../../src/event/money.ts";

const TOLD = ["payment.succeeded", "payment.failed", "refund.succeeded", "dispute.opened"];
const CHANNELS = ["email", "sms"] as const;

function money(value: string, currency = "EUR") {
  return { value, decimal: decimalOf({ value, currency }), currency };
}

const PAYMENT = { id: "pi_123", reference: "A-1001", amount: money("123450") };
const DATA: Notice["data"] = { payment: PAYMENT, refund: { amount: money("500") }, dispute: { amount: money("700") } };

function notice(type: string, changes: Partial<Notice> = {}): Notice {
  return { type, merchant: "Ada's Shop", data: DATA, ...changes };
}

function sms(given: Notice, locale = "en"): string {
  return renderText("sms", given, locale)!.text;
}

function email(given: Notice, locale = "en") {
  const { subject, text, html } = renderText("email", given, locale)!;
  return { subject: subject!, text, html: html! };
}

describe("an SMS", () => {
  it.each([
    ["payment.succeeded", "Ada's Shop: Your payment of EUR 1,234.50 was successful. Order: A-1001"],
    ["payment.failed", "Ada's Shop: Your payment of EUR 1,234.50 was not completed. Order: A-1001"],
    ["refund.succeeded", "Ada's Shop: A refund of EUR 5.00 for your payment has been made. Order: A-1001"],
    ["dispute.opened", "Ada's Shop: A dispute over EUR 7.00 was opened for your payment. Order: A-1001"],
  ])("in English of %s", (type, text) => {
    expect(renderText("sms", notice(type), "en")).toEqual({ text, locale: "en" });
  });

  it.each([
    ["payment.succeeded", "Ada's Shop：您的付款 EUR 1,234.50 已成功。订单号：A-1001"],
    ["payment.failed", "Ada's Shop：您的付款 EUR 1,234.50 未完成。订单号：A-1001"],
    ["refund.succeeded", "Ada's Shop：您的付款已退款 EUR 5.00。订单号：A-1001"],
    ["dispute.opened", "Ada's Shop：您的付款出现争议，涉及金额 EUR 7.00。订单号：A-1001"],
  ])("in Chinese of %s", (type, text) => {
    expect(renderText("sms", notice(type), "zh")).toEqual({ text, locale: "zh" });
  });

  it.each([
    ["payment.succeeded", "Ada's Shop：您的付款 EUR 1,234.50 已成功。訂單編號：A-1001"],
    ["payment.failed", "Ada's Shop：您的付款 EUR 1,234.50 未完成。訂單編號：A-1001"],
    ["refund.succeeded", "Ada's Shop：您的付款已退款 EUR 5.00。訂單編號：A-1001"],
    ["dispute.opened", "Ada's Shop：您的付款出現爭議，涉及金額 EUR 7.00。訂單編號：A-1001"],
  ])("in traditional characters of %s", (type, text) => {
    expect(renderText("sms", notice(type), "zh-TW")).toEqual({ text, locale: "zh-Hant" });
  });

  it.each([
    ["zh-Hant", "zh-TW zh-HK zh-MO zh-Hant zh-Hant-CN zh_TW ZH-tw yue zh-hant-hk und-Hant"],
    ["zh", "zh zh-CN zh-SG zh-Hans zh-Hans-TW zh-Hans-HK yue-CN zh_CN zho cmn zh- zh-a"],
    ["en", "en de zha en-TW x-zh ja - 中文"],
  ])("is in %s for %s", (locale, tags) => {
    for (const tag of tags.split(" ")) {
      expect([tag, renderText("sms", notice("payment.failed"), tag)!.locale]).toEqual([tag, locale]);
    }
  });

  it.each([
    ["zh-TW", "TWD", "NT$1.00"],
    ["zh-TW", "HKD", "HK$1.00"],
    ["zh-HK", "USD", "US$1.00"],
    ["zh-HK", "CNY", "CN¥1.00"],
  ])("an email in %s gives %s a sign of its own", (locale, currency, amount) => {
    const data = { payment: { ...PAYMENT, amount: money("100", currency) } };
    expect(email(notice("payment.failed", { data }), locale).subject).toContain(`（${amount}）`);
  });

  it.each([
    ["payment.succeeded", "Your payment was successful.", "您的付款已成功。"],
    ["payment.failed", "Your payment was not completed.", "您的付款未完成。"],
    ["refund.succeeded", "A refund for your payment has been made.", "您的付款有一笔退款已完成。"],
    ["dispute.opened", "A dispute was opened for your payment.", "您的付款出现争议。"],
  ])("of %s says what is known when that is nothing", (type, english, chinese) => {
    const nothing = notice(type, { merchant: null, data: {} });
    expect(sms(nothing)).toBe(english);
    expect(sms(nothing, "zh")).toBe(chinese);
  });

  it("of a dispute without an amount says what was paid", () => {
    const given = notice("dispute.opened", { data: { payment: PAYMENT, dispute: {} } });
    expect(sms(given)).toBe("Ada's Shop: A dispute was opened for your payment of EUR 1,234.50. Order: A-1001");
    expect(sms(given, "zh")).toBe("Ada's Shop：您的付款 EUR 1,234.50 出现争议。订单号：A-1001");
  });

  it("of a refund says nothing of the payment's amount", () => {
    const given = notice("refund.succeeded", { data: { payment: PAYMENT } });
    expect(sms(given)).toBe("Ada's Shop: A refund for your payment has been made. Order: A-1001");
  });

  it("never names a payment by the provider's id", () => {
    const given = notice("payment.succeeded", { data: { payment: { id: "pi_123", amount: money("500", "JPY") } } });
    expect(sms(given)).toBe("Ada's Shop: Your payment of JPY 500 was successful.");
  });
});

describe("a name that runs from right to left", () => {
  const given = notice("payment.succeeded", { merchant: "חנות ABC (1)" });

  it("is isolated in text, and in SMS", () => {
    const { subject, text } = email(given);
    expect(subject).toBe("\u2068חנות ABC (1)\u2069: Payment successful (€1,234.50)");
    expect(text).toContain("to \u2068חנות ABC (1)\u2069 was successful.");
    expect(sms(given)).toMatch(/^\u2068חנות ABC \(1\)\u2069: Your payment/u);
    expect(sms(notice("payment.succeeded"))).not.toMatch(/\p{Cf}/u);
  });

  it("is isolated by an element in HTML, where there may be one", () => {
    const { html } = email(given);
    expect(html).toContain('to <bdi dir="auto">חנות ABC (1)</bdi> was successful.');
    expect(html).toContain("<title>\u2068חנות ABC (1)\u2069: Payment");
    expect(html.match(/\u2068/g)).toHaveLength(1);
  });
});

describe("an email in English", () => {
  it.each([
    [
      "payment.succeeded",
      "Ada's Shop: Payment successful (€1,234.50)",
      "Your payment of €1,234.50 to Ada's Shop was successful.",
    ],
    [
      "payment.failed",
      "Ada's Shop: Payment not completed (€1,234.50)",
      "Your payment of €1,234.50 to Ada's Shop was not completed.",
    ],
    [
      "refund.succeeded",
      "Ada's Shop: Refund made (€5.00)",
      "A refund of €5.00 for your payment to Ada's Shop has been made.",
    ],
  ])("of %s", (type, subject, sentence) => {
    const written = email(notice(type));
    expect(written.subject).toBe(subject);
    expect(written.text).toBe(`Hello,\n\n${sentence}\n\nOrder: A-1001\n\nThis message was sent automatically.\n`);
  });

  it("of a dispute says whom to ask", () => {
    const written = email(notice("dispute.opened"));
    expect(written.subject).toBe("Ada's Shop: Payment disputed (€7.00)");
    expect(written.text).toBe(`Hello,

A dispute over €7.00 was opened for your payment to Ada's Shop.

Order: A-1001

If you do not know of this dispute, please contact Ada's Shop.

This message was sent automatically.
`);
  });

  it("is a page without images, links and scripts too", () => {
    expect(email(notice("payment.succeeded", { merchant: "Ada & Söhne" })).html).toBe(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ada &amp; Söhne: Payment successful (€1,234.50)</title>
</head>
<body style="font-family: -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif; overflow-wrap: anywhere; word-break: break-word">
<p>Hello,</p>
<p>Your payment of €1,234.50 to Ada &amp; Söhne was successful.</p>
<p>Order: A-1001</p>
<p>This message was sent automatically.</p>
</body>
</html>
`);
  });

  it.each([
    ["payment.succeeded", "Payment successful", "Your payment was successful."],
    ["payment.failed", "Payment not completed", "Your payment was not completed."],
    ["refund.succeeded", "Refund made", "A refund for your payment has been made."],
  ])("of %s says what is known when that is nothing", (type, subject, sentence) => {
    const written = email(notice(type, { merchant: null, data: {} }));
    expect(written.subject).toBe(subject);
    expect(written.text).toBe(`Hello,\n\n${sentence}\n\nThis message was sent automatically.\n`);
  });

  it("of a dispute that says nothing sends to the merchant all the same", () => {
    const { text } = email(notice("dispute.opened", { merchant: null, data: { payment: PAYMENT } }));
    expect(text).toContain("A dispute was opened for your payment of €1,234.50.\n");
    expect(text).toContain("If you do not know of this dispute, please contact the merchant.\n");
  });
});

describe("an email in Chinese", () => {
  it.each([
    ["payment.succeeded", "Ada's Shop：付款成功（€1,234.50）", "您向 Ada's Shop 的付款 €1,234.50 已成功。"],
    ["payment.failed", "Ada's Shop：付款未完成（€1,234.50）", "您向 Ada's Shop 的付款 €1,234.50 未完成。"],
    ["refund.succeeded", "Ada's Shop：已退款（€5.00）", "您向 Ada's Shop 的付款已退款 €5.00。"],
  ])("of %s", (type, subject, sentence) => {
    const written = email(notice(type), "zh");
    expect(written.subject).toBe(subject);
    expect(written.text).toBe(`您好，\n\n${sentence}\n\n订单号：A-1001\n\n此消息由系统自动发送。\n`);
    expect(written.html).toContain('<html lang="zh-Hans">');
  });

  it("of a dispute says whom to ask", () => {
    const written = email(notice("dispute.opened"), "zh");
    expect(written.subject).toBe("Ada's Shop：付款出现争议（€7.00）");
    expect(written.text).toBe(`您好，

您向 Ada's Shop 的付款出现争议，涉及金额 €7.00。

订单号：A-1001

如果您不了解此争议，请联系 Ada's Shop。

此消息由系统自动发送。
`);
    expect(email(notice("dispute.opened", { merchant: null }), "zh").text).toContain("请联系商家。\n");
  });
});

describe("the details of an email", () => {
  function details(type: string, data: Notice["data"]): string[] {
    return email(notice(type, { data })).text.split("\n\n").slice(2, -1);
  }

  it.each([
    ["the order", { id: "pi_123", reference: "A-1001" }, ["Order: A-1001"]],
    ["the payment, where no order is known", { id: "pi_123" }, ["Payment: pi_123"]],
    ["the payment, where the order is a link", { id: "pi_123", reference: "evil.com/x" }, ["Payment: pi_123"]],
    ["nothing, where both are links", { id: "a.example", reference: "evil.com/x" }, []],
  ])("are %s", (_, payment, expected) => {
    expect(details("payment.succeeded", { payment })).toEqual(expected);
  });

  it("of a refund say what was refunded in total, where that is more than this refund", () => {
    const refund = { amount: money("500") };
    const partly = { id: "pi_123", refunded: money("700") };
    expect(details("refund.succeeded", { payment: partly, refund })).toContain("Refunded in total: €7.00");
    expect(email(notice("refund.succeeded", { data: { payment: partly, refund } }), "zh").text).toContain(
      "\n\n累计退款：€7.00\n\n",
    );
    expect(details("refund.succeeded", { payment: { ...partly, refunded: money("500") }, refund })).toHaveLength(1);
    expect(details("payment.succeeded", { payment: partly })).toHaveLength(1);
  });

  it("of a refund whose own amount is not known say what was refunded in total", () => {
    expect(details("refund.succeeded", { payment: { id: "pi_123", refunded: money("700") } })).toContain(
      "Refunded in total: €7.00",
    );
  });
});

describe("the language", () => {
  it.each(["zh", "ZH", "zh-CN"])("of %s is Chinese", (locale) => {
    expect(CHANNELS.map((channel) => renderText(channel, notice(TOLD[0]!), locale)?.locale)).toEqual(["zh", "zh"]);
  });

  it.each(["en", "en-GB", "de", "", "zhx", "tlh", "a-zh", "zh.UTF-8", " zh", "constructor"])(
    "of %j is English",
    (locale) => {
      expect(CHANNELS.map((channel) => renderText(channel, notice(TOLD[0]!), locale)?.locale)).toEqual(["en", "en"]);
    },
  );
});

it.each(["payment.pending", "payout.paid", "refund.failed", "custom.note", "", "PAYMENT.SUCCEEDED", "toString"])(
  "nobody is told of %j",
  (type) => {
    for (const channel of CHANNELS) expect(renderText(channel, notice(type), "en")).toBeNull();
  },
);

it.each([
  ["<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
  [`"Ada" & 'Co'`, "&quot;Ada&quot; &amp; &#39;Co&#39;"],
  ["&amp;", "&amp;amp;"],
])("a page shows the name %j as it is written", (merchant, escaped) => {
  const { html, text } = email(notice("payment.succeeded", { merchant }));
  expect(html).toContain(`to ${escaped} was successful`);
  expect(text).toContain(`to ${merchant} was successful`);
});

it("keeps a name that GSM-7 can't write: who is told wants to know by whom, even if it takes more than one segment", () => {
  const text = sms(notice("payment.succeeded", { merchant: "极好商店" }));
  expect(text).toBe("极好商店: Your payment of EUR 1,234.50 was successful. Order: A-1001");
  expect(septetsOf(text)).toBeNull();
});
