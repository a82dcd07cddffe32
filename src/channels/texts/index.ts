import { simplified, traditional } from "./chinese.ts";
import { english } from "./english.ts";
import { transliterated } from "./gsm7.ts";
import { htmlPage } from "./html.ts";
import { emailMoney, smsMoney } from "./money.ts";
import { isTold, type Language, type Notice, type NoticeAmount, type NoticeData, type ToldType } from "./notice.ts";
import { emailName, plainReference, smsName } from "./plain.ts";

export { type Notice } from "./notice.ts";

/** A text that was written for one person. `locale`: the language that it is in. Subject and HTML: email alone. */
export interface RenderedText {
  subject?: string;
  text: string;
  html?: string;
  locale: string;
}

/**
 * Writes what a person is told of an event; null where nobody is told of events of its type. `locale`: what the person
 * reads (BCP 47), such as `zh-CN`; where Paybell does not write it, the text is in English.
 */
export function renderText(channel: "email" | "sms", notice: Notice, locale: string): RenderedText | null {
  const { type } = notice;
  if (!isTold(type)) return null;
  const language = languageOf(locale);
  return channel === "sms" ? renderSms(type, notice, language) : renderEmail(type, notice, language);
}

/** By language and script as CLDR has them: people in Taiwan, Hong Kong and Macau read traditional characters. */
function languageOf(locale: string): Language {
  const { language, script } = likely(locale);
  if (language !== "zh" && language !== "yue") return english;
  return script === "Hant" ? traditional : simplified;
}

/** What a tag leaves out filled in, such as the script; of a tag that is none, what its first part says. */
function likely(locale: string): { language?: string; script?: string | undefined } {
  const tag = locale.replaceAll("_", "-");
  for (const known of [tag, tag.split("-")[0]!]) {
    try {
      return new Intl.Locale(known).maximize();
    } catch {
      // Older releases took any text.
    }
  }
  return {};
}

function renderSms(type: ToldType, { merchant, data }: Notice, language: Language): RenderedText {
  const name = smsName(merchant, language === english ? transliterated : (text) => text);
  const reference = plainReference(data.payment?.reference);
  const sentence = language.sentences[type]({
    merchant: null,
    amount: smsMoney(amountOf(type, data), language.money),
    paid: smsMoney(data.payment?.amount, language.money),
  });
  const text = reference === null ? sentence : sentence + language.gap + language.order(reference);
  return { text: name === null ? text : language.named(name, text), locale: language.locale };
}

function renderEmail(type: ToldType, notice: Notice, language: Language): RenderedText {
  const merchant = emailName(notice.merchant);
  const amount = emailMoney(amountOf(type, notice.data), language.money);
  const title = language.titles[type];
  const titled = amount === null ? title : language.titled(title, amount);
  const subject = merchant === null ? titled : language.named(merchant, titled);
  const paid = emailMoney(notice.data.payment?.amount, language.money);
  const paragraphs = [
    language.greeting,
    language.sentences[type]({ merchant, amount, paid }),
    ...detailsOf(type, notice.data, language),
    ...(type === "dispute.opened" ? [language.unknownDispute(merchant)] : []),
    language.closing,
  ];
  return {
    subject,
    text: `${paragraphs.join("\n\n")}\n`,
    html: htmlPage({ lang: language.tag, title: subject, paragraphs }),
    locale: language.locale,
  };
}

/** The order, or else the payment; and what was refunded before, where that is more than this refund. */
function detailsOf(type: ToldType, { payment, refund }: NoticeData, language: Language): string[] {
  const reference = plainReference(payment?.reference);
  const id = plainReference(payment?.id);
  const refunded = emailMoney(payment?.refunded, language.money);
  const isInParts = type === "refund.succeeded" && payment?.refunded?.value !== refund?.amount?.value;
  return [
    ...(reference !== null ? [language.order(reference)] : id !== null ? [language.payment(id)] : []),
    ...(isInParts && refunded !== null ? [language.refundedInTotal(refunded)] : []),
  ];
}

/** The amount that an event of this type is about; undefined where it says none. */
function amountOf(type: ToldType, { payment, refund, dispute }: NoticeData): NoticeAmount | undefined {
  switch (type) {
    case "payment.succeeded":
    case "payment.failed":
      return payment?.amount;
    case "refund.succeeded":
      return refund?.amount;
    case "dispute.opened":
      return dispute?.amount;
  }
}
