import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import { formOf } from "./form.ts";
import { known } from "./json.ts";
import { type Acknowledgement, type Provider, UnparseableError } from "./provider.ts";
import { instantOfIso, isLive, ModeConfig, moneyOf } from "./reading.ts";
import { verifyRsa } from "./rsa.ts";
import { alipayFault } from "./secret-faults.ts";
import { prefixed } from "./signature.ts";

/** By which a buyer lets a merchant charge again and again: https://opendocs.alipay.com/open/20190319114403226822/signpay */
const AGREEMENTS: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ["dut_user_sign", "mandate.active"],
  ["dut_user_unsign", "mandate.canceled"],
]);

type Form = Map<string, string>;

/** A notice has some thirty fields and a few kilobytes. */
const LIMITS = { maxBytes: 64 * 1024, maxPairs: 128 };

/**
 * In a value: what would be a field of a notice's if the signed text were split there. Names as of
 * https://opendocs.alipay.com/open/270/105902, those that begin alike in one.
 */
const HIDDEN_FIELD =
  /&(?:agreement_no|alipay_\w+|app_id|auth_app_id|biz_content|body|buyer_\w+|charset|external_agreement_no|fund_\w+|gmt_\w+|invoice_amount|msg_method|notify_\w+|out_\w+|passback_params|point_amount|receipt_amount|refund_\w+|seller_\w+|send_\w+|sign|sign_time|sign_type|status|subject|total_amount|trade_\w+|unsign_time|utc_timestamp|version|voucher_\w+)=/;

/**
 * Alipay: a form whose `sign` is RSA-SHA256 over its other fields, sorted, as `k=v&k=v`. The secret is Alipay's public
 * key, or its certificate. Most notices sign without `sign_type`, some with it, even where they do not send it. Nothing
 * in the signed text is escaped: a notice of which a value holds what could be a field of its own is no event.
 * https://opendocs.alipay.com/open/270/105902
 */
export const alipay: Provider = {
  name: "alipay",
  config: ModeConfig,
  secretFault: alipayFault,

  async verify({ body }, secrets) {
    const form = noticeOf(body);
    if (!form) return { ok: false, reason: "form_malformed" };
    if ((form.get("sign_type") ?? "RSA2") !== "RSA2") return { ok: false, reason: "algorithm_unknown" };
    const signature = form.get("sign");
    if (!signature) return { ok: false, reason: "signature_missing" };
    form.set("sign_type", "RSA2");
    return verifyRsa(signature, [signedOf(form, ["sign", "sign_type"]), signedOf(form, ["sign"])], secrets);
  },

  async normalize({ body }, _secrets, config) {
    const notice = noticeOf(body);
    if (notice && [...notice.values()].some((value) => HIDDEN_FIELD.test(value))) {
      throw new UnparseableError("a value holds what could be a field of its own");
    }
    const form = filledOf(notice);
    const notifyType = form.get("notify_type");
    if (!notice || !notifyType) throw new UnparseableError("the body is not a notice of Alipay's");
    const status = notifyType === "trade_status_sync" ? form.get("trade_status") : undefined;
    const type = AGREEMENTS.get(notifyType) ?? typeOf(status, form);
    return [
      {
        eventId: form.get("notify_id") ?? null,
        providerType: status ? `${notifyType}.${status}` : notifyType,
        type,
        occurredAt: timeOf(type, form),
        livemode: isLive(config),
        customer: form.get("buyer_id") ?? form.get("buyer_open_id") ?? form.get("alipay_user_id") ?? null,
        authenticity: "signed",
        data: dataOf(type, form),
        // Without the signature, which would let whoever reads this post it here.
        raw: Object.fromEntries([...notice].filter(([name]) => name !== "sign")),
      },
    ];
  },

  acknowledge(outcome: Acknowledgement) {
    if (outcome === "bad-signature") return new Response("fail", { status: 401 });
    if (outcome === "unavailable") return new Response("fail", { status: 503 });
    return new Response("success");
  },
};

/** Null for what is no form in UTF-8, and where a field comes twice. */
function noticeOf(body: Uint8Array): Form | null {
  const form = formOf(body, LIMITS);
  return /^utf-?8$/i.test(form?.get("charset") ?? "utf-8") ? form : null;
}

/** The fields that say something: an empty one is as good as none. */
function filledOf(notice: Form | null): Form {
  return new Map([...(notice ?? [])].filter(([, value]) => value !== ""));
}

function signedOf(form: Form, without: string[]): Uint8Array<ArrayBuffer> {
  const names = [...form.keys()].filter((name) => !without.includes(name)).sort();
  return prefixed(names.map((name) => `${name}=${form.get(name)}`).join("&"));
}

/** A part that is refunded comes as a success with a refund, a refund of all as a trade that is closed. */
function typeOf(status: string | undefined, form: Form): EventType {
  const isRefund = form.has("gmt_refund") || Number(form.get("refund_fee") ?? 0) > 0;
  if (!form.get("trade_no")) return "unknown";
  if (status === "WAIT_BUYER_PAY") return "payment.pending";
  if (status === "TRADE_SUCCESS") return isRefund ? "refund.succeeded" : "payment.succeeded";
  if (status === "TRADE_FINISHED") return "payment.succeeded";
  if (status === "TRADE_CLOSED") return form.has("gmt_payment") || isRefund ? "refund.succeeded" : "payment.expired";
  return "unknown";
}

/** `refund_fee` is the sum of all refunds; a trade that was paid is closed once all of it is refunded. */
function dataOf(type: EventType, form: Form): EventData {
  const agreement = form.get("agreement_no");
  if (type.startsWith("mandate.")) return agreement ? { paymentMethod: { id: agreement } } : {};
  const id = form.get("trade_no");
  if (!id) return {};
  const amount = moneyOf(form.get("total_amount"), "CNY");
  const all = form.get("trade_status") === "TRADE_CLOSED" ? amount : undefined;
  const refunded = type === "refund.succeeded" ? (moneyOf(form.get("refund_fee"), "CNY") ?? all) : undefined;
  return { payment: { ...known({ amount, refunded, reference: form.get("out_trade_no") }), id } };
}

/** The field that says when something of a type was done. */
const OWN_TIMES: ReadonlyMap<EventType, string> = new Map([
  ["payment.succeeded", "gmt_payment"],
  ["refund.succeeded", "gmt_refund"],
  ["payment.expired", "gmt_close"],
  ["mandate.active", "sign_time"],
  ["mandate.canceled", "unsign_time"],
]);

/** Times are those of Shanghai, without saying so. */
function timeOf(type: EventType, form: Form): number | null {
  const text = form.get(OWN_TIMES.get(type) ?? "") ?? form.get("notify_time");
  return text ? instantOfIso(`${text.replace(" ", "T")}+08:00`) : null;
}
