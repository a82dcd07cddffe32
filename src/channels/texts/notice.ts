/** An amount as the body of an event has it. `decimal`: for people, with all decimals of the currency. */
export interface NoticeAmount {
  value: string;
  decimal: string;
  currency: string;
}

/** What texts read of an event's data, which is the `data` of the body that merchants receive. */
export interface NoticeData {
  payment?: { id: string; reference?: string; amount?: NoticeAmount; refunded?: NoticeAmount };
  refund?: { amount?: NoticeAmount };
  dispute?: { amount?: NoticeAmount };
}

/** What a person is told of: an event of this type. `merchant`: the name that the person knows; null: none is set. */
export interface Notice {
  type: string;
  merchant: string | null;
  data: NoticeData;
}

/** Every event type of which people are told. */
const TOLD_TYPES = ["payment.succeeded", "payment.failed", "refund.succeeded", "dispute.opened"] as const;

/** An event type of which people are told. */
export type ToldType = (typeof TOLD_TYPES)[number];

/** Whether people are told of events of this type. */
export function isTold(type: string): type is ToldType {
  return (TOLD_TYPES as readonly string[]).includes(type);
}

/** What a sentence is made of, each part ready to be read; null: it is not known. */
interface Parts {
  merchant: string | null;
  /** What the event itself is about: the refund's, the dispute's or the payment's amount. */
  amount: string | null;
  /** The payment's amount. */
  paid: string | null;
}

/** All that is said in one language. */
export interface Language {
  /** As the rendered text names it. */
  locale: "en" | "zh" | "zh-Hant";
  /** For HTML's `lang` (BCP 47). */
  tag: string;
  /** As whose amounts are written (BCP 47), so that each currency has a sign of its own. */
  money: string;
  /** `rest` under the merchant's name. */
  named(merchant: string, rest: string): string;
  greeting: string;
  titles: Record<ToldType, string>;
  /** A title with its amount. */
  titled(title: string, amount: string): string;
  sentences: Record<ToldType, (parts: Parts) => string>;
  order(reference: string): string;
  payment(id: string): string;
  /** How much of the payment has been refunded by now. */
  refundedInTotal(amount: string): string;
  /** Whom to ask about a dispute that one knows nothing of. */
  unknownDispute(merchant: string | null): string;
  closing: string;
  /** What stands between two sentences. */
  gap: string;
}
